"""The ring of sectors that holds the record: what is full is sealed, and the next one opened (SPEC.md 5, 12).

It asks `plan_payload` for the first frame of each sector, because that frame tells the schedule of the moment.
"""

from celltrail_protocol import frames, records
from celltrail_protocol.codes import FORMAT_VERSION, STATE_STOPPED
from celltrail_protocol.layout import size, unpack
from celltrail_protocol.records import FRAMES_AT, FRAMES_END, HEADER_AT, RING_FIRST, SECTOR_SIZE
from logger.places import Places
from logger.sector import OpenSector

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from celltrail_protocol.layout import Buffer
    from logger.area import Area
    from logger.ratchet import Ratchet

_NO_TAG = bytes(8)
_OF_MOUNT = (frames.CHECKPOINT, frames.STATE)
# Kept free at the end of a ring that may not wrap, so that a stop can still say why and seal.
_RESERVE = 3 * 256


class RingFull(Exception):
    """The trip has used all sectors and may not overwrite its own."""


class Ring:
    """`sequence`, `trip` and `index` name the open sector; `is_open` tells whether a trip is being written.

    `kept` is how many bytes beside the reserve have to stay free for what is committed elsewhere; while `closing`,
    all may be used.
    """

    def __init__(self, area: "Area", ratchet: "Ratchet", plan_payload: "Callable[[], bytes]") -> None:
        self._area = area
        self._ratchet = ratchet
        self._plan_payload = plan_payload
        self.places = Places(area)
        self.sequence = 0
        self.newest_trip = 0
        self.trip = 0
        self.index = 0
        self.boot = 0
        self.events = 0
        self.is_open = False
        self.kept = 0
        self.closing = False
        self._sector = OpenSector(area, RING_FIRST, 0, 0)
        self._prev_tag = _NO_TAG

    # Places

    def used(self) -> int:
        """The offset after the last frame of the newest sector."""
        return self._sector.last_end

    def sectors(self) -> int:
        """How many sectors the trip has had."""
        return self.index + 1 if self.trip else 0

    def read_into(self, index: int, offset: int, buf: "bytearray | memoryview") -> bool:
        """Bytes of the trip's sector `index` as they lie; False when it is not there."""
        position = self.places.position(index)
        if position < 0:
            return False
        self._area.flash.read_into((RING_FIRST + position) * SECTOR_SIZE + offset, buf)
        return True

    def page_room(self) -> int:
        """Bytes that a payload may have to fit the open page; of the next page when that is nearly full."""
        return self._sector.page_room()

    def room(self) -> int:
        """Bytes for frames before the trip is full; without bound when it may wrap."""
        if self.places.wrap:
            return self.places.count * (FRAMES_END - FRAMES_AT)
        free = self.places.free() * (FRAMES_END - FRAMES_AT) + FRAMES_END - self._sector.used
        return free if self.closing else free - self.kept - _RESERVE

    def frames_of(self, index: int) -> "Iterator[tuple[int, bytes]]":
        """(type, payload) of all valid frames of one of the trip's sectors."""
        sector = bytearray(SECTOR_SIZE)
        header = None
        if self.read_into(index, 0, sector):
            header = records.unpack_checked(records.HEADER, sector, HEADER_AT, records.MAGIC_HEADER)
        if header is not None:
            for _, kind, start, end in frames.scan_all(sector, FRAMES_AT, FRAMES_END, header[4])[0]:
                yield kind, bytes(sector[start:end])

    # Opening

    def open(self, trip: int, sequence: int, boot: int, wrap: bool, tick_ms: int) -> None:
        """Start a trip in the sector after the head; raises RingFull when no sector can be erased."""
        self.trip = trip
        self.index = -1
        self.boot = boot
        self.events = 0
        self.sequence = sequence - 1
        self.kept = 0
        self.closing = False
        self._prev_tag = _NO_TAG
        self.places.clear()
        self.places.wrap = wrap
        self._open_next(self._next_place(), tick_ms)

    def _next_place(self) -> int:
        position = self.places.next()
        if position < 0:
            raise RingFull
        return position

    def _open_next(self, position: int, tick_ms: int) -> None:
        while True:
            self.places.head = position
            self.places.keep(position, self.index + 1)
            self.sequence += 1
            self.newest_trip = self.trip
            self._sector = OpenSector(self._area, RING_FIRST + position, self.sequence, self.trip)
            if self._sector.write_header(self._header(tick_ms)):
                break
            # Its sequence is used up, the next one takes the index.
            self.places.spoil(position)
            self._sector.is_sealed = True
            self._sector.used = FRAMES_END
            position = self._next_place()
        self.index += 1
        self.is_open = True
        self._sector.put(frames.PLAN, self._plan_payload())

    def _header(self, tick_ms: int) -> bytes:
        values = (
            records.MAGIC_HEADER,
            FORMAT_VERSION,
            size(records.HEADER),
            0,
            self.sequence,
            self.trip,
            self.index + 1,
            self._ratchet.epoch,
            tick_ms,
            self.boot,
            self.events,
            self._prev_tag,
        )
        return records.pack_checked(records.HEADER, values)

    def forget(self) -> None:
        """The trip is erased: its sectors wait to be erased, the sequence goes on."""
        self.trip = 0
        self.is_open = False
        self.places.wrap = False
        self.places.clear()

    # Writing

    def append(self, kind: int, payload: "Buffer", tick_ms: int) -> None:
        """Commit a frame, in the next sector when the open one is full; raises RingFull."""
        if self.room() <= 0:
            raise RingFull
        while not self._sector.put(kind, payload):
            self._roll(tick_ms)

    def checkpoint(self, tick_ms: int, battery_mV: int) -> None:
        """Commit a checkpoint under the key of now and step to the next key; raises RingFull."""
        if self.room() <= 0:
            raise RingFull
        while self._ratchet.key is not None:
            if self._sector.put_checkpoint(self._ratchet.key, self._ratchet.epoch, tick_ms, battery_mV):
                self._ratchet.advance()
                return
            self._roll(tick_ms)

    def _roll(self, tick_ms: int) -> None:
        # Found before the seal: a trip that is full is closed in the sector that is open.
        position = self._next_place()
        self._seal(records.SEAL_FULL, tick_ms)
        self._open_next(position, tick_ms)

    def is_between(self) -> bool:
        """Whether the newest sector is sealed and the next one not begun: for some seconds after a restart."""
        return self._sector.is_sealed

    def close(self, tick_ms: int) -> None:
        """Write the seal that ends the trip, and destroy its key."""
        self._seal(records.SEAL_CLOSED, tick_ms)
        self._ratchet.forget()
        self.is_open = False
        self.places.wrap = False

    def _seal(self, kind: int, tick_ms: int) -> None:
        if self._ratchet.key is None or self._sector.is_sealed:
            return
        tag = self._sector.seal(self._ratchet.key, self._ratchet.epoch, kind, tick_ms)
        self._prev_tag = tag[:8]
        self._ratchet.advance()

    # Mounting

    def mount(self, trip: int, first_sequence: int, wrap: bool) -> None:
        """Find the newest sector, and those of `trip`; when it is still open, repair what a power cut has left."""
        newest, mine, head = -1, -1, None
        for position in range(self.places.count):
            header = self._read_header(position)
            if header is None:
                continue
            if header[4] > newest:
                newest = header[4]
                self.places.head = position
                self.sequence, self.newest_trip = newest, header[5]
            if header[5] == trip and header[4] >= max(first_sequence, mine + 1):
                mine, head = header[4], (position, header)
        if trip == 0 or head is None:
            return
        position, header = head
        self.trip, self.index, self.events = trip, header[6], header[10]
        self._sector = OpenSector(self._area, RING_FIRST + position, mine, trip)
        self.is_open = mine == newest and self._ratchet.key is not None and self._ratchet.trip == trip
        self.places.wrap = wrap and self.is_open
        self._mount_places(trip, first_sequence)
        self._mount_sector(header[8])

    def _read_header(self, position: int) -> "tuple[Any, ...] | None":
        data = self._area.read((RING_FIRST + position) * SECTOR_SIZE, FRAMES_AT)
        return records.unpack_checked(records.HEADER, data, HEADER_AT, records.MAGIC_HEADER)

    def _mount_places(self, trip: int, first_sequence: int) -> None:
        for position in range(self.places.count):
            header = self._read_header(position)
            if header is None:
                first = self._area.read((RING_FIRST + position) * SECTOR_SIZE + FRAMES_AT, 1)
                if first != b"\xff" and not self.places.wrap:
                    # It may be the trip's: what can't be read now is not erased for that.
                    self.places.spoil(position)
            elif header[5] == trip and header[4] >= first_sequence:
                self.places.keep(position, header[6])
        if self.is_open:
            self.places.go_on()

    def _mount_sector(self, opened_ms: int) -> None:
        sector, found = self._sector.mount()
        if not self.is_open:
            return
        seal = self._sector.sealed(sector)
        if seal is not None:
            self._prev_tag = seal[2][:8]
            self._step_after(seal[0])
            if seal[1] == records.SEAL_CLOSED:
                self.close(0)
            return
        stopped_ms = -1
        for _, kind, start, end in found:
            # A payload that is too short is none of ours, though its check is right.
            if kind not in _OF_MOUNT or end - start < size(frames.TABLES[kind]):
                continue
            values = unpack(frames.TABLES[kind], sector, start, end)
            if kind == frames.CHECKPOINT:
                self._step_after(values[0])
            else:
                stopped_ms = values[0] if values[1] == STATE_STOPPED else -1
        seal_begun = self._sector.refresh(sector, found)
        # Ticks that the sector tells, not that of now: a seal that is cut short again is begun with the same bytes.
        if stopped_ms >= 0:
            self.close(stopped_ms)
        elif seal_begun:
            self._seal(records.SEAL_FULL, opened_ms)

    def _step_after(self, epoch: int) -> None:
        """Step to the next key if the cut came between a tag and its key step."""
        if epoch == self._ratchet.epoch:
            self._ratchet.advance()

    def resume(self, boot: int) -> None:
        """Go on with the open trip after a restart."""
        self.boot = boot
        if self._sector.last_end == FRAMES_AT and not self._sector.is_sealed:
            # The cut came between the header and the plan.
            self._sector.put(frames.PLAN, self._plan_payload())
