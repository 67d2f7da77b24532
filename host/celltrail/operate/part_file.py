"""What an interrupted read-out leaves behind: whole sectors, so that the next one goes on there.

A header that binds logger and trip, then records of offset, length, crc32 and data. A record that a crash cut
short ends the file.
"""

import contextlib
import itertools
import os
from binascii import crc32
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

from celltrail.errors import UsageFault
from celltrail.evidence.trail import PART_MAGIC
from celltrail_protocol import layout, records

_HEADER: "layout.Table" = (
    "part header",
    1,
    (("magic", "8s", ""), ("uid", "8s", ""), ("trip", "I", ""), ("crc32", "I", "")),
)
_RECORD: "layout.Table" = ("part record", 1, (("offset", "I", "B"), ("length", "I", "B"), ("crc32", "I", "")))


class PartFile:
    """`sectors` maps the index of each kept sector to its 4096 bytes; `set_aside` is where a foreign file went."""

    def __init__(self, path: Path, uid: bytes, trip: int) -> None:
        """Opens or begins the file; another trip's, or anything else, is set aside. UsageFault when the disk fails."""
        self.path = path
        self.set_aside: Path | None = None
        self.sectors: dict[int, bytes] = {}
        header = layout.pack(_HEADER[:2] + (_HEADER[2][:-1],), (PART_MAGIC, uid, trip))
        header += crc32(header).to_bytes(4, "little")
        try:
            self._file = self._open(header)
        except OSError as fault:
            raise self._disk(fault) from fault

    def _open(self, header: bytes) -> BinaryIO:
        old = self.path.read_bytes() if self.path.exists() else b""
        if old[: len(header)] != header[: len(old)]:
            self.set_aside = self._move_away()
            old = b""
        good = len(header)
        for end, index, data in _records(old, len(header)):
            self.sectors[index] = data
            good = end
        file = self.path.open("r+b" if old else "w+b")
        file.seek(0)
        file.write(header)
        file.truncate(good)
        file.seek(good)
        file.flush()
        return file

    def _move_away(self) -> Path:
        names = (self.path.with_name(f"{self.path.name}.{number}") for number in itertools.count(1))
        free = next(name for name in names if not os.path.lexists(name))
        return self.path.rename(free)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # What counts has been flushed; a full disk must not hide the fault that is on its way.
        with contextlib.suppress(OSError):
            self._file.close()

    def keep(self, index: int, data: bytes) -> None:
        """Add one sealed sector; raises UsageFault when the disk does not take it."""
        place = layout.pack((_RECORD[0], 1, _RECORD[2][:-1]), (index * records.SECTOR_SIZE, len(data)))
        try:
            self._file.write(place + crc32(place + data).to_bytes(4, "little") + data)
            self._file.flush()
        except OSError as fault:
            raise self._disk(fault) from fault
        self.sectors[index] = data

    def discard(self) -> None:
        """The read-out is complete: the file has done its work."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _disk(self, fault: OSError) -> UsageFault:
        kept = "; what has been read stays there" if self.sectors else ""
        return UsageFault(f"can't write {self.path}: {fault.strerror}{kept}")


def _records(data: bytes, at: int) -> Iterator[tuple[int, int, bytes]]:
    """(end of the record, sector index, sector) for each whole, valid record from `at` on."""
    size = layout.size(_RECORD)
    while at + size <= len(data):
        offset, length, check = layout.unpack(_RECORD, data, at)
        place, body = data[at : at + size - 4], data[at + size : at + size + length]
        if length != records.SECTOR_SIZE or len(body) != length or crc32(place + body) != check:
            return
        at += size + length
        yield at, offset // records.SECTOR_SIZE, body
