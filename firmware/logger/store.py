"""Identity, plan and state in two sectors that are used in turn; the last record of a kind counts (SPEC.md section 6)."""

from binascii import crc32
import struct

from celltrail_protocol import records
from celltrail_protocol.layout import pack, size
from celltrail_protocol.records import PAGE_SIZE, RECORDS_AT, SECTOR_SIZE, STORE_SECTORS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.area import Area

_ALIGN = 16
_HEAD = size(records.STORE_HEADER)


def _record(kind: int, number: int, payload: bytes) -> bytes:
    """A whole record; its crc32 covers the head before it and the payload."""
    head = pack(records.STORE_HEADER, (records.MAGIC_STORE, kind, 0, len(payload), number, 0))[: _HEAD - 4]
    return head + struct.pack("<I", crc32(payload, crc32(head))) + payload


def _aligned(offset: int) -> int:
    return (offset + _ALIGN - 1) // _ALIGN * _ALIGN


class Store:
    """The current record of each kind in memory; `put` makes a new one durable before it returns."""

    def __init__(self, area: "Area") -> None:
        self._area = area
        self._records: "dict[int, tuple[int, bytes, int]]" = {}
        self._number = 0
        self._sector = STORE_SECTORS[0]
        self._end = SECTOR_SIZE

    def mount(self) -> None:
        """Read both sectors; finish a change of sectors that power has cut short."""
        highest = -1
        for sector in STORE_SECTORS:
            if self._area.clean_mark(sector) is None:
                continue
            number, end = self._scan(sector)
            if number > highest:
                highest = number
                self._sector = sector
                self._end = end
        self._number = highest + 1
        for kind in list(self._records):
            _, payload, sector = self._records[kind]
            if sector != self._sector:
                self.put(kind, payload)

    def _scan(self, sector: int) -> "tuple[int, int]":
        """Take up the records of a sector; the highest number and the offset for the next record."""
        data = self._area.read(sector * SECTOR_SIZE, SECTOR_SIZE)
        highest, at, end = 0, RECORDS_AT, RECORDS_AT
        while at + _HEAD <= SECTOR_SIZE:
            length = self._take(sector, data, at)
            if length:
                highest = max(highest, struct.unpack_from("<I", data, at + 8)[0])
                at = end = _aligned(at + length)
            else:
                at += _ALIGN
        # Bytes that are neither blank nor a record are a torn write: go on at the page after them.
        last = SECTOR_SIZE
        while last > end and data[last - 1] == 0xFF:
            last -= 1
        return highest, end if last <= end else -(-last // PAGE_SIZE) * PAGE_SIZE

    def _take(self, sector: int, data: bytearray, at: int) -> int:
        """The length of the valid record at `at`, or 0."""
        if data[at : at + 4] != records.MAGIC_STORE:
            return 0
        _, kind, _, length, number, check = struct.unpack_from("<4sBBHII", data, at)
        payload = bytes(data[at + _HEAD : at + _HEAD + length])
        if len(payload) != length or crc32(payload, crc32(bytes(data[at : at + _HEAD - 4]))) != check:
            return 0
        if kind not in self._records or number > self._records[kind][0]:
            self._records[kind] = (number, payload, sector)
        return _HEAD + length

    def get(self, kind: int) -> "bytes | None":
        """The current payload of a kind, or None."""
        record = self._records.get(kind)
        return record[1] if record else None

    def put(self, kind: int, payload: bytes) -> bool:
        """Commit a record; False when neither sector takes it (the flash is broken)."""
        if self._append(kind, payload):
            return True
        other = STORE_SECTORS[1] if self._sector == STORE_SECTORS[0] else STORE_SECTORS[0]
        if not self._area.clean(other):
            return False
        self._sector = other
        self._end = RECORDS_AT
        for kept in list(self._records):
            if kept != kind and not self._append(kept, self._records[kept][1]):
                return False
        return self._append(kind, payload)

    def _append(self, kind: int, payload: bytes) -> bool:
        record = _record(kind, self._number, payload)
        while self._end + len(record) <= SECTOR_SIZE:
            at = self._end
            if self._area.write(self._sector * SECTOR_SIZE + at, record):
                self._records[kind] = (self._number, payload, self._sector)
                self._number += 1
                self._end = _aligned(at + len(record))
                return True
            self._end = (at + len(record) + PAGE_SIZE - 1) // PAGE_SIZE * PAGE_SIZE
        return False
