"""Readings that are committed and not yet packed, in two sectors that are used in turn (SPEC.md section 7)."""

import struct

from celltrail_protocol import frames, records
from celltrail_protocol.records import JOURNAL_FRAMES_AT, JOURNAL_SECTORS, NO_READING, PAGE_SIZE, SECTOR_SIZE
from logger.sector import first_in_page, fresh_page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from logger.area import Area
    from logger.sector import Found


class Journal:
    """`pending` holds the payloads of the `count` readings that are not packed yet, each behind a length byte."""

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
            head = self._area.read(sector * SECTOR_SIZE, JOURNAL_FRAMES_AT)
            header = records.unpack_checked(records.JOURNAL_HEADER, head, records.HEADER_AT, records.MAGIC_JOURNAL)
            if header is None:
                continue
            self._sequence = max(self._sequence, header[1])
            if header[2] == trip:
                found.append((header[1], sector, head[records.HEADER_AT :]))
        for sequence, sector, begun in sorted(found):
            data, scanned = self._take_up(sector, sequence, after_slot)
            self._sector = sector
        if found:
            self._make_firm(begun, data, scanned)

    def _take_up(self, sector: int, sequence: int, after_slot: int) -> "tuple[bytearray, list[Found]]":
        """Remember a sector's readings; its bytes and frames."""
        data = self._area.read(sector * SECTOR_SIZE, SECTOR_SIZE)
        scanned, _, _ = frames.scan_all(data, JOURNAL_FRAMES_AT, SECTOR_SIZE, sequence, True)
        for _, kind, start, stop in scanned:
            if kind == frames.JOURNAL_READING and struct.unpack_from("<I", data, start)[0] > after_slot:
                self.remember(data[start:stop])
        return data, scanned

    def _make_firm(self, begun: bytearray, data: bytearray, scanned: "list[Found]") -> None:
        """Program again what a cut may have left half-written in the newest sector, and go on at a new page."""
        addr = self._sector * SECTOR_SIZE
        self._area.again(addr + records.HEADER_AT, begun)
        end = scanned[-1][3] + frames.CHECK_SIZE if scanned else JOURNAL_FRAMES_AT
        start = first_in_page(scanned, end)
        self._area.again(addr + start, data[start:end])
        self._at = fresh_page(data, end, SECTOR_SIZE)
        if not self._area.close(addr + end, addr + self._at):
            # A page that stays blank would end every later scan.
            self._at = SECTOR_SIZE

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
        # Full, as long as a header is not there: frames without one would be lost at the next mount.
        self._at = SECTOR_SIZE
        if not self._area.clean(sector):
            return False
        self._sequence += 1
        header = records.pack_checked(
            records.JOURNAL_HEADER, (records.MAGIC_JOURNAL, self._sequence, self._trip, self._boot, 0, bytes(12))
        )
        if not self._area.write(sector * SECTOR_SIZE + records.HEADER_AT, header):
            return False
        self._at = JOURNAL_FRAMES_AT
        return True

    def has_room(self, channels: int) -> bool:
        """Whether one more reading fits, whatever it holds."""
        return self._at + 2 * (frames.OVERHEAD + 4 + 3 * channels) <= SECTOR_SIZE

    def append(self, payload: bytes) -> bool:
        """Commit one reading (see `reading`); False when the sector is full."""
        length = len(payload) + frames.OVERHEAD
        while True:
            left = PAGE_SIZE - self._at % PAGE_SIZE
            if length > left:
                self._at += left
            if self._at + length > SECTOR_SIZE:
                return False
            frame = frames.build(frames.JOURNAL_READING, payload, frames.journal_seed(self._sequence, self._at))
            addr = self._sector * SECTOR_SIZE + self._at
            if self._area.write(addr, frame):
                self._at += length
                self.remember(payload)
                return True
            self._at += PAGE_SIZE - self._at % PAGE_SIZE
            if not self._area.zero(addr, self._sector * SECTOR_SIZE + self._at):
                # A page that stays blank would end every later scan.
                self._at = SECTOR_SIZE

    def remember(self, payload: "bytes | bytearray") -> None:
        """Count a reading as pending that no flash holds, or that lies there already."""
        self.pending.append(len(payload))
        self.pending.extend(payload)
        self.count += 1

    def clear(self) -> None:
        """Everything pending is packed."""
        self.pending = bytearray()
        self.count = 0

    def last_slot(self) -> int:
        """The highest pending slot, or -1."""
        at, slot = 0, -1
        while at < len(self.pending):
            slot = struct.unpack_from("<I", self.pending, at + 1)[0]
            at += 1 + self.pending[at]
        return slot


def reading(slot: int, values: "Sequence[int]", codes: bytes) -> bytes:
    """The payload of a journal frame; `codes` are the fault codes of the channels without a reading."""
    return struct.pack("<I%dh" % len(values), slot, *values) + codes


def one_channel(pending: bytearray, at: int, channel: int, channels: int) -> "tuple[int, int, int]":
    """(slot, value, fault code or 0) of one channel of the pending reading whose length byte is at `at`."""
    slot = pending[at + 1] | pending[at + 2] << 8 | pending[at + 3] << 16 | pending[at + 4] << 24
    value = _value(pending, at + 5 + 2 * channel)
    if value != NO_READING:
        return slot, value, 0
    before = 0
    for other in range(channel):
        before += _value(pending, at + 5 + 2 * other) == NO_READING
    return slot, value, pending[at + 5 + 2 * channels + before]


def _value(data: bytearray, at: int) -> int:
    # Not struct.unpack_from: that makes a tuple for each of the many values of a pack.
    value = data[at] | data[at + 1] << 8
    return value - 65536 if value & 0x8000 else value
