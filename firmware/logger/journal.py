"""Readings that are committed and not yet packed, in two sectors that are used in turn (SPEC.md section 7)."""

import struct

from celltrail_protocol import frames, records
from celltrail_protocol.records import JOURNAL_FRAMES_AT, JOURNAL_SECTORS, PAGE_SIZE, SECTOR_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from logger.area import Area

    Reading = tuple[int, tuple[int, ...], bytes]


def split_reading(payload: "bytes | bytearray | memoryview", channels: int) -> "Reading":
    """(slot, values, codes of the missing ones) of a journal frame's payload."""
    slot = struct.unpack_from("<I", payload, 0)[0]
    values = struct.unpack_from("<%dh" % channels, payload, 4)
    return slot, values, bytes(payload[4 + 2 * channels :])


class Journal:
    """`pending` holds the payloads of the readings that are not packed yet, each behind a length byte."""

    def __init__(self, area: "Area") -> None:
        self._area = area
        self.pending = bytearray()
        self.count = 0
        self._sector = JOURNAL_SECTORS[0]
        self._sequence = 0
        self._at = SECTOR_SIZE
        self._trip = 0
        self._boot = 0

    def mount(self, trip: int, boot: int, after_slot: int) -> None:
        """Take up the readings of `trip` whose slot is above `after_slot`, and go on at a new page."""
        self._trip = trip
        self._boot = boot
        found: "list[tuple[int, int, bytearray]]" = []
        for sector in JOURNAL_SECTORS:
            data = self._area.read(sector * SECTOR_SIZE, SECTOR_SIZE)
            header = records.unpack_checked(records.JOURNAL_HEADER, data, records.HEADER_AT, records.MAGIC_JOURNAL)
            if header is None or self._area.clean_mark(sector) is None:
                continue
            self._sequence = max(self._sequence, header[1])
            if header[2] == trip:
                found.append((header[1], sector, data))
        found.sort(key=lambda one: one[0])
        for sequence, sector, data in found:
            self._sector = sector
            scanned, _, end = frames.scan_all(data, JOURNAL_FRAMES_AT, SECTOR_SIZE, sequence, True)
            self._at = _next_page(data, end)
            for _, kind, start, stop in scanned:
                if kind == frames.JOURNAL_READING and struct.unpack_from("<I", data, start)[0] > after_slot:
                    self._remember(data[start:stop])

    def start(self, trip: int, boot: int) -> bool:
        """Begin a trip with a fresh sector; False when the flash refuses."""
        self._trip = trip
        self._boot = boot
        self.clear()
        return self.rotate()

    def rotate(self) -> bool:
        """Erase the other sector and go on there; the caller has packed what was pending."""
        sector = JOURNAL_SECTORS[1] if self._sector == JOURNAL_SECTORS[0] else JOURNAL_SECTORS[0]
        self._sector = sector
        if not self._area.clean(sector):
            self._at = SECTOR_SIZE
            return False
        self._sequence += 1
        header = records.pack_checked(
            records.JOURNAL_HEADER, (records.MAGIC_JOURNAL, self._sequence, self._trip, self._boot, 0, bytes(12))
        )
        self._at = JOURNAL_FRAMES_AT
        return self._area.write(sector * SECTOR_SIZE + records.HEADER_AT, header)

    def append(self, slot: int, values: "Sequence[int]", codes: bytes) -> bool:
        """Commit one reading of all channels; False when the sector is full."""
        payload = struct.pack("<I%dh" % len(values), slot, *values) + codes
        while True:
            length = len(payload) + frames.OVERHEAD
            if self._at % PAGE_SIZE + length > PAGE_SIZE:
                self._at += PAGE_SIZE - self._at % PAGE_SIZE
            if self._at + length > SECTOR_SIZE:
                return False
            frame = frames.build(frames.JOURNAL_READING, payload, frames.journal_seed(self._sequence, self._at))
            addr = self._sector * SECTOR_SIZE + self._at
            if self._area.write(addr, frame):
                self._at += length
                self._remember(payload)
                return True
            page_end = self._at - self._at % PAGE_SIZE + PAGE_SIZE
            self._area.zero(addr, self._sector * SECTOR_SIZE + page_end)
            self._at = page_end

    def _remember(self, payload: "bytes | bytearray") -> None:
        self.pending.append(len(payload))
        self.pending.extend(payload)
        self.count += 1

    def clear(self) -> None:
        """Everything pending is packed."""
        self.pending = bytearray()
        self.count = 0

    def readings(self, channels: int) -> "list[Reading]":
        """What is pending, oldest first."""
        out: "list[Reading]" = []
        at = 0
        while at < len(self.pending):
            end = at + 1 + self.pending[at]
            out.append(split_reading(self.pending[at + 1 : end], channels))
            at = end
        return out

    def last_slot(self) -> int:
        """The highest pending slot, or -1."""
        at, slot = 0, -1
        while at < len(self.pending):
            slot = struct.unpack_from("<I", self.pending, at + 1)[0]
            at += 1 + self.pending[at]
        return slot


def _next_page(data: bytearray, end: int) -> int:
    """The first page boundary after which every byte is blank."""
    last = len(data)
    while last > end and data[last - 1] == 0xFF:
        last -= 1
    return -(-last // PAGE_SIZE) * PAGE_SIZE
