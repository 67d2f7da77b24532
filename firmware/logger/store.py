"""Identity, plan and state in two sectors used in turn; the last record of a kind counts (SPEC.md section 6)."""

import struct
from binascii import crc32

from celltrail_protocol import records
from celltrail_protocol.layout import pack, size
from celltrail_protocol.records import PAGE_SIZE, RECORDS_AT, SECTOR_SIZE, STORE_SECTORS
from logger.sector import fresh_page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.area import Area

_ALIGN = 16
_HEAD = size(records.STORE_HEADER)
_BLANK = b"\xff" * (PAGE_SIZE - RECORDS_AT)


def _record(kind: int, number: int, payload: bytes) -> bytes:
    """A whole record; its crc32 covers the head before it and the payload."""
    head = pack(records.STORE_HEADER, (records.MAGIC_STORE, kind, 0, len(payload), number, 0))[: _HEAD - 4]
    return head + struct.pack("<I", crc32(payload, crc32(head))) + payload


def _up(offset: int, step: int) -> int:
    return (offset + step - 1) // step * step


class Store:
    """The current record of each kind in memory; `put` makes a new one durable before it returns."""

    def __init__(self, area: "Area") -> None:
        self._area = area
        self._records: "dict[int, tuple[int, bytes]]" = {}
        self._number = 0
        self._sector = STORE_SECTORS[0]
        self._end = SECTOR_SIZE

    def mount(self) -> None:
        """Read both sectors; make firm what power may have cut short: the newest record as it is, or zeros."""
        best = (0, -1)
        newest = (-1, 0, b"")
        for sector in STORE_SECTORS:
            data = self._area.read(sector * SECTOR_SIZE, SECTOR_SIZE)
            kinds, highest, end = self._scan(data)
            fresh = fresh_page(data, end, SECTOR_SIZE)
            if data[RECORDS_AT:PAGE_SIZE] != _BLANK:
                self._area.close(sector * SECTOR_SIZE + end, sector * SECTOR_SIZE + fresh)
            # A sector that power has cut short while it took over lacks a kind that the other one has:
            # the other one stays in use, and is left anew when the next record does not fit.
            if (kinds, highest[0]) > best:
                best = (kinds, highest[0])
                self._sector, self._end = sector, fresh
            if highest[0] > newest[0]:
                newest = (highest[0], sector * SECTOR_SIZE + highest[1], bytes(data[highest[1] : highest[2]]))
        self._number = newest[0] + 1
        if newest[0] >= 0:
            self._area.again(newest[1], newest[2])

    def _scan(self, data: bytearray) -> "tuple[int, tuple[int, int, int], int]":
        """Take up a sector's records; how many kinds, (number, from, to) of the newest, the offset after the last."""
        kinds = set()
        highest, at, end = (-1, 0, 0), RECORDS_AT, RECORDS_AT
        while at + _HEAD <= SECTOR_SIZE:
            # Most places hold nothing: a look at one byte spares the copies that a whole look makes.
            length = self._take(data, at) if data[at] == records.MAGIC_STORE[0] else 0
            if length:
                kinds.add(data[at + 4])
                highest = max(highest, (struct.unpack_from("<I", data, at + 8)[0], at, at + length))
                at = end = _up(at + length, _ALIGN)
            else:
                at += _ALIGN
        return len(kinds), highest, end

    def _take(self, data: bytearray, at: int) -> int:
        """The length of the valid record at `at`, or 0."""
        if data[at : at + 4] != records.MAGIC_STORE:
            return 0
        length: int
        _, kind, _, length, number, check = struct.unpack_from("<4sBBHII", data, at)
        payload = bytes(data[at + _HEAD : at + _HEAD + length])
        if len(payload) != length or crc32(payload, crc32(bytes(data[at : at + _HEAD - 4]))) != check:
            return 0
        if kind not in self._records or number > self._records[kind][0]:
            self._records[kind] = (number, payload)
        return _HEAD + length

    def peek(self, kind: int) -> "bytes | None":
        """The current payload of a kind as it lies in flash, for who needs it before the mount; writes nothing."""
        for sector in STORE_SECTORS:
            self._scan(self._area.read(sector * SECTOR_SIZE, SECTOR_SIZE))
        return self.get(kind)

    def get(self, kind: int) -> "bytes | None":
        """The current payload of a kind, or None."""
        record = self._records.get(kind)
        return record[1] if record else None

    def put(self, kind: int, payload: bytes) -> bool:
        """Commit a record; False when neither sector takes it (the flash is broken)."""
        if self._append(kind, payload) or self._move(kind, payload):
            return True
        if self._records:
            return False
        # Nothing can be lost yet: the first sector, which is not the first to be tried, may do.
        self._sector, self._end = STORE_SECTORS[1], SECTOR_SIZE
        return self._move(kind, payload)

    def _move(self, kind: int, payload: bytes) -> bool:
        """Go on in the other sector: it gets the records of all kinds, the new one last."""
        before = self._sector, self._end
        other = STORE_SECTORS[1] if self._sector == STORE_SECTORS[0] else STORE_SECTORS[0]
        if not self._area.clean(other):
            return False
        self._sector, self._end = other, RECORDS_AT
        done = True
        for kept in sorted(self._records):
            if kept != kind:
                done = done and self._append(kept, self._records[kept][1])
        if done and self._append(kind, payload):
            return True
        self._sector, self._end = before
        return False

    def _append(self, kind: int, payload: bytes) -> bool:
        record = _record(kind, self._number, payload)
        while self._end + len(record) <= SECTOR_SIZE:
            at = self._end
            if self._area.write(self._sector * SECTOR_SIZE + at, record):
                self._records[kind] = (self._number, payload)
                self._number += 1
                self._end = _up(at + len(record), _ALIGN)
                return True
            self._end = _up(at + len(record), PAGE_SIZE)
        return False
