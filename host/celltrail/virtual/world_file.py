"""The small file beside a virtual logger's flash: who it is, and how far its world has come.

One line, as `firmware/boards/virtual_flash.py` continues it: uid (16 hex digits), UTC of the world's start and UTC of
its last known instant (16 digits each, ms since 1970), and the thermometers that the logger was built with as
`--sensors` takes them, with a space between.
"""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from celltrail.errors import UsageFault

_LINE = re.compile(r"([0-9a-f]{16}) (\d{16}) (\d{16}) ([a-z0-9]+(?:,[a-z0-9]+){0,3})\n")


def world_path(flash: Path) -> Path:
    """The file that belongs to a flash file."""
    return flash.with_name(flash.name + ".world")


@dataclass(frozen=True)
class WorldFile:
    """The content of the file."""

    uid: bytes
    start_utc_ms: int
    utc_ms: int
    sensors: str

    @classmethod
    def read(cls, flash: Path) -> "WorldFile | None":
        """Read the file that belongs to `flash`; None when there is none."""
        path = world_path(flash)
        try:
            found = _LINE.fullmatch(path.read_text("ascii", errors="replace"))
        except FileNotFoundError:
            return None
        if found is None:
            raise UsageFault(f"{path} is damaged; remove it to begin a new world")
        return cls(bytes.fromhex(found[1]), int(found[2]), int(found[3]), found[4])

    def write(self, flash: Path) -> None:
        """Write the file that belongs to `flash`."""
        line = f"{self.uid.hex()} {self.start_utc_ms:016d} {self.utc_ms:016d} {self.sensors}\n"
        world_path(flash).write_bytes(line.encode())

    def later(self, utc_ms: int) -> "WorldFile":
        """The same with a later last instant; an earlier one is ignored."""
        return replace(self, utc_ms=max(self.utc_ms, utc_ms))


def new_uid() -> bytes:
    """Eight random bytes for a new logger."""
    return os.urandom(8)
