"""The ring of sectors that holds the record: which sector comes next, what is full, where a trip lies (SPEC.md sections 5, 12).

The ring knows frames only as bytes. It asks `plan_payload` for the first frame of each sector, because that frame tells the
schedule of the moment, and `events` for the count of shock events so far.
"""

from celltrail_protocol import frames, records
from celltrail_protocol.codes import FORMAT_VERSION
from celltrail_protocol.layout import size
from celltrail_protocol.records import FRAMES_AT, FRAMES_END, HEADER_AT, RING_FIRST, SECTOR_SIZE
from logger.sector import OpenSector

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from celltrail_protocol.layout import Buffer
    from logger.area import Area
    from logger.ratchet import Ratchet

_NO_TAG = bytes(8)
_NOBODY = -1
# Kept free at the end of a ring that may not wrap, so that a stop can still pack, say why, and seal.
_RESERVE = 6 * 256


class RingFull(Exception):
    """The trip has used all sectors and may not overwrite its own."""


class Ring:
    """`sequence`, `trip` and `index` name the open sector; `is_open` tells whether a trip is being written."""

    def __init__(self, area: "Area", ratchet: "Ratchet", plan_payload: "Callable[[], bytes]") -> None:
        self._area = area
        self._ratchet = ratchet
        self._plan_payload = plan_payload
        self.count = area.sectors - RING_FIRST
        self.sequence = 0
        self.trip = 0
        self.index = 0
        self.boot = 0
        self.events = 0
        self.is_open = False
        self.wrap = False
        self._head = self.count - 1
        self._sector = OpenSector(area, RING_FIRST, 0, 0)
        self._prev_tag = _NO_TAG
        # The trip's index of each position in the ring, or _NOBODY.
        self._owner = [_NOBODY] * self.count
        self._untidy = 0

    # Places

    def used(self) -> int:
        """The offset after the last frame of the newest sector."""
        return self._sector.last_end

    def first_index(self) -> int:
        """The index of the trip's oldest sector that is still there."""
        return min([index for index in self._owner if index != _NOBODY] or [0])

    def sectors(self) -> int:
        """How many sectors the trip has had."""
        return self.index + 1 if self.trip else 0

    def read_into(self, index: int, offset: int, buf: "bytearray | memoryview") -> bool:
        """Bytes of the trip's sector `index` as they lie; False when it is not there."""
        if index not in self._owner:
            return False
        addr = (RING_FIRST + self._owner.index(index)) * SECTOR_SIZE
        self._area.flash.read_into(addr + offset, buf)
        return True

    def free(self) -> int:
        """Sectors that belong to no sector of this trip."""
        return self._owner.count(_NOBODY)

    def page_room(self) -> int:
        """Bytes that a payload may have to fit the open page; of the next page when that is nearly full."""
        return self._sector.page_room()

    def room(self) -> int:
        """Bytes for frames before the trip is full, the reserve left out; without bound when it may wrap."""
        if self.wrap:
            return self.count * (FRAMES_END - FRAMES_AT)
        return self.free() * (FRAMES_END - FRAMES_AT) + FRAMES_END - self._sector.used - _RESERVE

    def frames_of(self, index: int) -> "list[tuple[int, bytes]]":
        """(type, payload) of all valid frames of one of the trip's sectors."""
        sector = bytearray(SECTOR_SIZE)
        if not self.read_into(index, 0, sector):
            return []
        header = records.unpack_checked(records.HEADER, sector, HEADER_AT, records.MAGIC_HEADER)
        if header is None:
            return []
        found = frames.scan_all(sector, FRAMES_AT, FRAMES_END, header[4])[0]
        return [(kind, bytes(sector[start:end])) for _, kind, start, end in found]

    # Opening and going on

    def open(self, trip: int, sequence: int, boot: int, tick_ms: int) -> None:
        """Start a trip in the sector after the head; raises RingFull when no sector can be erased."""
        self.trip = trip
        self.index = -1
        self.boot = boot
        self.events = 0
        self.sequence = sequence - 1
        self._prev_tag = _NO_TAG
        self._owner = [_NOBODY] * self.count
        self._untidy = self.count
        self._open_next(tick_ms)

    def _next_position(self) -> int:
        """The next sector that can be used, erased; raises RingFull."""
        for step in range(1, self.count):
            position = (self._head + step) % self.count
            if self._owner[position] != _NOBODY and not self.wrap:
                break
            self._owner[position] = _NOBODY
            if self._area.is_clean(RING_FIRST + position) or self._area.clean(RING_FIRST + position):
                return position
        raise RingFull

    def _open_next(self, tick_ms: int) -> None:
        self._head = self._next_position()
        self.sequence += 1
        self.index += 1
        self._owner[self._head] = self.index
        self._sector = OpenSector(self._area, RING_FIRST + self._head, self.sequence, self.trip)
        self.is_open = True
        header = records.pack_checked(
            records.HEADER,
            (
                records.MAGIC_HEADER,
                FORMAT_VERSION,
                size(records.HEADER),
                0,
                self.sequence,
                self.trip,
                self.index,
                self._ratchet.epoch,
                tick_ms,
                self.boot,
                self.events,
                self._prev_tag,
            ),
        )
        if self._sector.write_header(header):
            self._sector.put(frames.PLAN, self._plan_payload())
        else:
            # The sector is bad: its number is used up, the next one takes the index.
            self._owner[self._head] = _NOBODY
            self.index -= 1
            self._open_next(tick_ms)

    def tidy(self) -> None:
        """Erase one sector ahead of the head if it needs it.

        After arming all other sectors get their turn, so that no erase (45 ms, up to 400) falls into a shock; later
        only the next one does, which matters when the ring wraps.
        """
        ahead = self.count - self._untidy + 1 if self._untidy else 1
        self._untidy = max(0, self._untidy - 1)
        position = (self._head + ahead) % self.count
        if self._owner[position] != _NOBODY and not (self.wrap and ahead == 1):
            return
        if not self._area.is_clean(RING_FIRST + position):
            self._owner[position] = _NOBODY
            self._area.clean(RING_FIRST + position)

    def untidy(self) -> bool:
        """Whether sectors still wait for `tidy`."""
        return self._untidy > 0

    def forget(self) -> None:
        """The trip is erased: its sectors wait for `tidy`, the sequence goes on."""
        self.trip = 0
        self.is_open = False
        self._owner = [_NOBODY] * self.count
        self._untidy = self.count

    # Writing

    def append(self, kind: int, payload: "Buffer", tick_ms: int) -> None:
        """Commit a frame, in the next sector when the open one is full; raises RingFull."""
        while not self._sector.put(kind, payload):
            self._roll(tick_ms)

    def checkpoint(self, tick_ms: int, battery_mV: int) -> None:
        """Commit a checkpoint under the key of now and step to the next key; raises RingFull."""
        while self._ratchet.key is not None:
            if self._sector.put_checkpoint(self._ratchet.key, self._ratchet.epoch, tick_ms, battery_mV):
                self._ratchet.advance()
                return
            self._roll(tick_ms)

    def _roll(self, tick_ms: int) -> None:
        if self.free() == 0 and not self.wrap:
            raise RingFull
        self._seal(records.SEAL_FULL, tick_ms)
        self._open_next(tick_ms)

    def close(self, tick_ms: int) -> None:
        """Write the seal that ends the trip, and destroy its key."""
        self._seal(records.SEAL_CLOSED, tick_ms)
        self._ratchet.forget()
        self.is_open = False

    def _seal(self, kind: int, tick_ms: int) -> None:
        if self._ratchet.key is None:
            return
        tag = self._sector.seal(self._ratchet.key, self._ratchet.epoch, kind, tick_ms)
        self._prev_tag = tag[:8]
        self._ratchet.advance()

    # Mounting

    def mount(self, trip: int) -> bool:
        """Find the newest sector and, when `trip` is still open in it, repair what a power cut has left.

        Returns whether the newest sector is sealed already, so that `resume` has to open the next one.
        """
        headers = [self._header(position) for position in range(self.count)]
        newest = max([header[4] for header in headers if header] or [-1])
        for position in range(self.count):
            header = headers[position]
            if header and header[4] == newest:
                self._head = position
                self.sequence, self.trip, self.index, self.events = header[4], header[5], header[6], header[10]
        for position in range(self.count):
            header = headers[position]
            mine = header and header[5] == self.trip and header[6] <= self.index
            self._owner[position] = header[6] if header and mine else _NOBODY
        if newest < 0:
            return False
        return self._mount_sector(trip)

    def _header(self, position: int) -> "tuple[int, ...] | None":
        data = self._area.read((RING_FIRST + position) * SECTOR_SIZE, FRAMES_AT)
        return records.unpack_checked(records.HEADER, data, HEADER_AT, records.MAGIC_HEADER)

    def _mount_sector(self, trip: int) -> bool:
        self._sector = OpenSector(self._area, RING_FIRST + self._head, self.sequence, self.trip)
        sector, found = self._sector.mount()
        self.is_open = self.trip == trip and self._ratchet.key is not None and self._ratchet.trip == trip
        if not self.is_open:
            return False
        seal = self._sector.sealed(sector)
        if seal is None:
            for _, kind, start, _ in found:
                if kind == frames.CHECKPOINT:
                    self._step_after(int.from_bytes(bytes(sector[start : start + 4]), "little"))
            self._sector.refresh(sector, found)
            return False
        self._prev_tag = seal[2][:8]
        self._step_after(seal[0])
        if seal[1] == records.SEAL_CLOSED:
            self._ratchet.forget()
            self.is_open = False
        return True

    def _step_after(self, epoch: int) -> None:
        """Step to the next key if the cut came between a tag and its key step."""
        if epoch == self._ratchet.epoch:
            self._ratchet.advance()

    def resume(self, boot: int, sealed: bool, tick_ms: int) -> None:
        """Go on with the open trip after a restart; raises RingFull."""
        self.boot = boot
        if sealed:
            self._open_next(tick_ms)
        elif self._sector.last_end == FRAMES_AT:
            # The cut came between the header and the plan.
            self._sector.put(frames.PLAN, self._plan_payload())
