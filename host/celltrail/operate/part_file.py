"""What an interrupted read-out leaves behind, so that the next one goes on there, to the byte.

A header that binds logger and trip, then records of offset, length, crc32 and data: pieces of sealed sectors, in
which offset k always names the same byte. A record at NOTE holds the read-out record so far as CBOR; the last one
counts. A record that a crash cut short ends the file.
"""

import contextlib
import itertools
import os
from binascii import crc32
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, Self

import cbor2

from celltrail.errors import UsageFault
from celltrail.evidence.trail import MOST_MAP_BYTES, MOST_MAP_ITEMS, PART_MAGIC
from celltrail.files import is_same_file, lock, read_bytes
from celltrail.operate.pieces import Pieces, Span
from celltrail_protocol import cbor, layout
from celltrail_protocol.layout import ProtocolError
from celltrail_protocol.records import SECTOR_SIZE

NOTE = 0xFFFFFFFF
# Several times any logger's flash.
MOST_BYTES = 64_000_000
_MOST_SECTORS = MOST_BYTES // SECTOR_SIZE

_HEADER: "layout.Table" = (
    "part header",
    1,
    (("magic", "8s", ""), ("uid", "8s", ""), ("trip", "I", ""), ("crc32", "I", "")),
)
_RECORD: "layout.Table" = ("part record", 1, (("offset", "I", "B"), ("length", "I", "B"), ("crc32", "I", "")))
_HEADER_SIZE = layout.size(_HEADER)
_RECORD_SIZE = layout.size(_RECORD)


@dataclass(frozen=True)
class Part:
    """An unfinished read-out's content; `note` is the read-out record so far, empty when there is none."""

    uid: bytes
    trip: int
    pieces: Pieces
    note: dict[str, Any]
    end: int


def read_part(path: Path) -> Part:
    """The content of a part file that nobody changes; UsageFault when it is none."""
    part = _parse(read_bytes(path, MOST_BYTES))
    if part is None:
        raise UsageFault(f"{path}: not an unfinished read-out; name a file that `celltrail download` left")
    return part


class PartFile:
    """The part file that this process writes; `set_aside` is where a foreign file of its name went."""

    def __init__(self, path: Path, uid: bytes, trip: int) -> None:
        """Opens or begins the file; another trip's, or anything else, is set aside.

        Raises UsageFault when the disk fails, or another process is writing the file.
        """
        self.path = path
        self.set_aside: Path | None = None
        self._part = Part(uid, trip, Pieces(), {}, _HEADER_SIZE)
        self._discarded = False
        header = layout.pack(_HEADER[:2] + (_HEADER[2][:-1],), (PART_MAGIC, uid, trip))
        try:
            self._file = self._open(header + crc32(header).to_bytes(4, "little"))
        except OSError as fault:
            raise self._disk(fault) from fault

    def _open(self, header: bytes) -> FileIO:
        file = _open_locked(self.path)
        try:
            if not header.startswith(file.read(len(header))):
                # Under its lock, where an open file can be moved: nobody may be writing it.
                if os.name == "nt":
                    file.close()
                self.set_aside = self._move_away()
                file.close()
                file = _open_locked(self.path)
            self._load(file, header)
        except BaseException:
            file.close()
            raise
        return file

    def _load(self, file: FileIO, header: bytes) -> None:
        file.seek(0)
        old = file.read(MOST_BYTES + 1)
        if len(old) > MOST_BYTES:
            raise UsageFault(f"{self.path}: is larger than any logger; move it away")
        part = _parse(old)
        if part is not None:
            self._part = part
        else:
            file.seek(0)
            _write_all(file, header)
        file.truncate(self._part.end)
        file.seek(self._part.end)

    def _move_away(self) -> Path:
        names = (self.path.with_name(f"{self.path.name}.{number}") for number in itertools.count(1))
        free = next(name for name in names if not os.path.lexists(name))
        return self.path.rename(free)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # A full disk must not hide the fault that is on its way.
        with contextlib.suppress(OSError), self._file:
            if not self._part.pieces.size and not self._discarded:
                self._remove()

    @property
    def sectors(self) -> dict[int, bytes]:
        """The 4096 bytes of each whole sector, by its index."""
        return self._part.pieces.sectors

    @property
    def size(self) -> int:
        """How many bytes of the trip are kept."""
        return self._part.pieces.size

    @property
    def note(self) -> dict[str, Any]:
        """The read-out record as it was noted last."""
        return self._part.note

    def lacking(self, start: int, end: int) -> list[Span]:
        """The spans between two offsets of the trip's file that are not kept yet."""
        return self._part.pieces.lacking(start, end)

    def probes(self, first: int, end: int) -> list[tuple[int, bytes]]:
        """(offset, bytes) within the sectors `first` to `end` - 1 that tell whether this is the same trip.

        The newest whole sector, whose seal no other trip has; without one, all that there is.
        """
        whole = [index for index in self.sectors if first <= index < end]
        if whole:
            return [(max(whole) * SECTOR_SIZE, self.sectors[max(whole)])]
        pieces = self._part.pieces
        return [run for index in pieces.unfinished if first <= index < end for run in pieces.runs(index)]

    def keep(self, offset: int, data: bytes) -> None:
        """Add a piece of sealed sectors; raises UsageFault when the disk does not take it."""
        self._append(offset, data)
        self._part.pieces.add(offset, data)

    def take_note(self, note: dict[str, Any]) -> None:
        """Replace the read-out record; raises UsageFault when the disk does not take it."""
        self._append(NOTE, cbor2.dumps(note))
        self._part.note.clear()
        self._part.note.update(note)

    def _append(self, offset: int, data: bytes) -> None:
        place = layout.pack((_RECORD[0], 1, _RECORD[2][:-1]), (offset, len(data)))
        try:
            _write_all(self._file, place + crc32(place + data).to_bytes(4, "little") + data)
        except OSError as fault:
            raise self._disk(fault) from fault

    def discard(self) -> None:
        """The read-out is complete: the file has done its work."""
        self._discarded = True
        try:
            self._remove()
        except OSError as fault:
            raise UsageFault(f"{self.path} is not needed any more, and can't be removed: {fault.strerror}") from fault

    def _remove(self) -> None:
        """Under the lock, where an open file can be removed."""
        if os.name == "nt":
            self._file.close()
        self.path.unlink(missing_ok=True)

    def _disk(self, fault: OSError) -> UsageFault:
        kept = "; what has been read stays there, and the same command goes on from it" if self.size else ""
        return UsageFault(f"can't write {self.path}: {fault.strerror or fault}{kept}")


def _open_locked(path: Path) -> FileIO:
    """Unbuffered: what was kept is the system's, whatever happens to this process."""
    while True:
        file = FileIO(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+")
        if not lock(file.fileno()):
            file.close()
            raise UsageFault(f"{path}: another download is writing it; wait for its end, or name another file with -o")
        # Whoever held the lock before may have removed or renamed the file since we opened it.
        if is_same_file(file.fileno(), path):
            return file
        file.close()


def _write_all(file: FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) or 0 :]


def _parse(data: bytes) -> Part | None:
    """None without a whole header."""
    if len(data) < _HEADER_SIZE:
        return None
    magic, uid, trip, check = layout.unpack(_HEADER, data, 0)
    if magic != PART_MAGIC or crc32(data[: _HEADER_SIZE - 4]) != check:
        return None
    pieces, good = Pieces(), _HEADER_SIZE
    note: dict[str, Any] = {}
    for end, offset, body in _records(data, _HEADER_SIZE):
        # Each takes the memory of a whole one.
        if len(pieces.sectors) + len(pieces.unfinished) > _MOST_SECTORS:
            break
        if offset != NOTE:
            pieces.add(offset, body)
        else:
            note = _map(body)
        good = end
    return Part(uid, trip, pieces, note, good)


def _records(data: bytes, at: int) -> Iterator[tuple[int, int, bytes]]:
    """(end of the record, offset, bytes) for each whole, valid record from `at` on."""
    while at + _RECORD_SIZE <= len(data):
        offset, length, check = layout.unpack(_RECORD, data, at)
        place, body = data[at : at + _RECORD_SIZE - 4], data[at + _RECORD_SIZE : at + _RECORD_SIZE + length]
        fits = 0 < length == len(body) and (offset == NOTE or offset + length < NOTE)
        if not fits or crc32(place + body) != check:
            return
        at += _RECORD_SIZE + length
        yield at, offset, body


def _map(data: bytes) -> dict[str, Any]:
    try:
        value = cbor.loads(data[:MOST_MAP_BYTES], MOST_MAP_ITEMS)
    except ProtocolError:
        return {}
    return value if isinstance(value, dict) else {}
