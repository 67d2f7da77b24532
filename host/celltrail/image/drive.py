"""The drive that an RP2040 shows in its boot mode: find it, and copy an image onto it."""

import contextlib
import errno
import os
import string
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from celltrail.errors import DeviceFault, UsageFault

_INFO = "INFO_UF2.TXT"
_BOARD = "Board-ID:"
RP2040 = "RPI-RP2"
_MOST_BYTES = 4096
BOOT_MODE = (
    "unplug the board, hold its button BOOTSEL down, plug it in, and let go; if no drive RPI-RP2 appears then,"
    " the cable may be one for charging only: take one that carries data"
)


@dataclass(frozen=True)
class Drive:
    """A mounted drive with an INFO_UF2.TXT."""

    path: Path
    board: str


def mounts() -> Iterator[Path]:
    """Where this system shows drives to its user."""
    if sys.platform == "win32":
        yield from (Path(f"{letter}:\\") for letter in string.ascii_uppercase[2:])
        return
    user = os.environ.get("USER", "")
    for folder in ("/Volumes", f"/media/{user}", f"/run/media/{user}", "/media", "/mnt"):
        with contextlib.suppress(OSError):
            yield from (one for one in sorted(Path(folder).iterdir()) if one.is_dir())


def drives() -> list[Drive]:
    """All UF2 drives."""
    found = []
    for place in mounts():
        with contextlib.suppress(OSError):
            with (place / _INFO).open("rb") as stream:
                text = stream.read(_MOST_BYTES).decode("ascii", "replace")
            ids = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith(_BOARD)]
            found.append(Drive(place, ids[0] if ids else "unknown"))
    return found


def only_drive() -> Drive | None:
    """The drive of the one RP2040 in boot mode, None when there is none; UsageFault for two, or another chip."""
    found = drives()
    ours = [one for one in found if one.board == RP2040]
    if len(ours) > 1:
        listed = ", ".join(str(one.path) for one in ours)
        raise UsageFault(f"{len(ours)} boards are in boot mode ({listed}); leave one plugged in")
    if found and not ours:
        raise UsageFault(f"the board at {found[0].path} is a {found[0].board}, not an RP2040; take a Pico W or a Pico")
    return ours[0] if ours else None


def copy(image: bytes, drive: Drive) -> None:
    """Write the image; the board restarts by itself when it has the last block. DeviceFault says what to do."""
    target = drive.path / "celltrail.uf2"
    try:
        with target.open("wb") as stream:
            stream.write(image)
            stream.flush()
            # The board may be gone, with its drive, before the system has looked.
            with contextlib.suppress(OSError):
                os.fsync(stream.fileno())
    except OSError as error:
        raise _explain(drive, error) from error


def _explain(drive: Drive, error: OSError) -> DeviceFault:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DeviceFault(
            f"{drive.path} can't be written to; mount it so that you may write there, or copy the image with a file"
            " manager (--dry-run -o FILE makes it)"
        )
    if error.errno == errno.ENOSPC:
        return DeviceFault(f"{drive.path} says that it is full; unplug the board and begin again")
    return DeviceFault(f"{drive.path} was lost while writing ({error.strerror or error}); plug the board in again")
