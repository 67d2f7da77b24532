"""The MicroPython that the user brings: which version, for which board, and where its files are to lie."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from celltrail.errors import UsageFault
from celltrail.files import read_bytes
from celltrail.image import uf2
from celltrail.image.esp32_flash import check_chip, check_whole, files_partition
from celltrail.image.targets import BEFORE, MICROPYTHON, OLDEST, Target

XIP_BASE = 0x10000000
_MOST_BYTES = 16_000_000
_BANNER = re.compile(rb"MicroPython v(\d+)\.(\d+)\.(\d+)([-.\w]*) on \d{4}-\d\d-\d\d")
_MACHINE = re.compile(rb"([A-Z][ -~]{2,80}? with (?:RP2|ESP)[A-Z0-9]{2,9})(?![A-Z0-9])")


@dataclass(frozen=True)
class MicroPythonFile:
    """A file that fits the board: `files_at` and `files_bytes` are the place of its file system in flash."""

    path: Path
    data: bytes
    version: str
    files_at: int
    files_bytes: int

    @property
    def sha256(self) -> str:
        """Of the file as it was given."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def is_known(self) -> bool:
        """Whether it is the version that images are tested with."""
        return self.version == MICROPYTHON


def how_to_get(target: Target) -> str:
    """The sentence that names the right file."""
    return f"fetch {target.address} and name it with --micropython"


def load(path: Path, target: Target, flash_bytes: int | None = None) -> MicroPythonFile:
    """Read and check the user's file; UsageFault says what is wrong with it and which one is right."""
    data = read_bytes(path, _MOST_BYTES)
    size = flash_bytes or target.flash_bytes
    if size < target.flash_bytes:
        raise UsageFault(
            f"the board has {size >> 20} MB of flash, Celltrail needs {target.flash_bytes >> 20} MB; take another board"
        )
    if target.is_uf2:
        if not uf2.is_one(data):
            raise UsageFault(f"{path}: not a UF2 file; {how_to_get(target)}")
        pages = uf2.read(data, str(path))
        content = b"".join(payload for _, payload in sorted(pages.items()))
        files_at, files_bytes = target.files_at, target.flash_bytes - target.files_at
        if max(pages) >= XIP_BASE + files_at or min(pages) < XIP_BASE:
            raise UsageFault(
                f"{path}: holds files already, as an image that this command has made; {how_to_get(target)}"
            )
    else:
        check_chip(data, target, str(path))
        check_whole(data, target, str(path))
        content = data
        files = files_partition(data, target, size, str(path))
        files_at, files_bytes = files.start, files.size
    version = _version(content, target, path)
    _check_machine(content, target, path)
    return MicroPythonFile(path, data, version, files_at, files_bytes)


def _version(content: bytes, target: Target, path: Path) -> str:
    banner = _BANNER.search(content)
    if banner is None:
        raise UsageFault(f"{path}: is not MicroPython; {how_to_get(target)}")
    numbers = tuple(int(one) for one in banner.groups()[:3])
    text = ".".join(map(str, numbers)) + banner[4].decode("ascii", "replace")
    if not OLDEST <= numbers[:2] < BEFORE:
        raise UsageFault(f"{path}: is MicroPython {text}, which can't read this image; {how_to_get(target)}")
    return text


def _check_machine(content: bytes, target: Target, path: Path) -> None:
    """The board's name as MicroPython shows it at its start."""
    machines = [found[1].decode("ascii").rpartition("; ")[2] for found in _MACHINE.finditer(content)]
    if not any(machine.endswith(target.machine) for machine in machines):
        what = f"is for {machines[0]}" if machines else "does not say for which board it is"
        raise UsageFault(f"{path}: {what}, not for {target.title}; {how_to_get(target)}")
