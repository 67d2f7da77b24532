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

    from celltrail_protocol.layout import Buffer
    from logger.area import Area
    from logger.ratchet import Ratchet

_NO_TAG = bytes(8)
_CHECKPOINT_SIZE = size(frames.TABLES[frames.CHECKPOINT])
_STATE_SIZE = size(frames.TABLES[frames.STATE])
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
        self._opened_ms = 0
        # The seal before found no place: the next header vouches for it, and the key steps only then.
        self._owes_seal = False
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

    def last_state(self) -> "tuple[int, int, int] | None":
        """(tick, state, reason) of the newest sector's last state frame; of one before if it holds its plan alone.

        Such a sector is there for a closing seal that the one before did not take.
        """
        index = self.index
        stated = None
        alone = True
        while alone and index >= 0:
            for kind, payload in self.frames_of(index):
                alone = alone and kind == frames.PLAN
                if kind == frames.STATE and len(payload) >= _STATE_SIZE:
                    values = unpack(frames.TABLES[kind], payload)[:3]
                    # A state that we do not know would be one that no command leads out of.
                    stated = values if values[1] <= STATE_STOPPED else stated
            # Not index - 1: headers that check and are none of ours may leave billions out.
            index = self.places.index_before(index)
        return stated

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
        self.places.opened(position, self.index)
        self._opened_ms = tick_ms
        self.is_open = True
        if self._owes_seal:
            self._owes_seal = False
            self._ratchet.advance()
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
            self._ratchet.epoch + self._owes_seal,
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
        try:
            while not self._seal(records.SEAL_CLOSED, tick_ms):
                self._open_next(self._next_place(), tick_ms)
        except RingFull:
            # No place takes the seal: the trip ends without.
            pass
        self._owes_seal = False
        self._ratchet.forget()
        self.is_open = False
        self.places.wrap = False

    def _seal(self, kind: int, tick_ms: int) -> bool:
        """Seal the open sector; False when its flash takes no seal: then the next header has to vouch for it."""
        key, epoch = self._ratchet.key, self._ratchet.epoch
        if key is None or self._sector.is_sealed:
            return True
        if self._sector.is_mounted and kind == records.SEAL_FULL:
            # A cut may have begun this seal before: the same bytes again.
            tick_ms = self._opened_ms
        tag = self._sector.seal(key, epoch, kind, tick_ms)
        if tag is None:
            # With the tick that the header tells, so that the tag can be made again from the sector alone.
            self._prev_tag = self._sector.tag(key, epoch, self._opened_ms)[:8]
            self._owes_seal = True
            return False
        self._prev_tag = tag[:8]
        self._ratchet.advance()
        return True

    # Mounting

    def mount(self, trip: int, first_sequence: int, wrap: bool) -> None:
        """Find the newest sector, and those of `trip`; when it is still open, repair what a power cut has left."""
        newest, mine, head = -1, -1, None
        for position in range(self.places.count):
            # Each header is read once: half-written bits may read otherwise the next time.
            data = self._area.read((RING_FIRST + position) * SECTOR_SIZE, FRAMES_AT + 1)
            header = records.unpack_checked(records.HEADER, data, HEADER_AT, records.MAGIC_HEADER)
            if header is None:
                if data[FRAMES_AT] != 0xFF:
                    self.places.suspect(position)
                continue
            if header[4] > newest:
                newest = header[4]
                self.places.head = position
                self.sequence, self.newest_trip = newest, header[5]
            if header[5] == trip and header[4] >= first_sequence:
                self.places.keep(position, header[6])
                if header[4] > mine:
                    mine, head = header[4], (position, header, data)
        if trip == 0 or head is None:
            return
        position, header, data = head
        self.trip, self.index, self.events, self._opened_ms = trip, header[6], header[10], header[8]
        self._sector = OpenSector(self._area, RING_FIRST + position, mine, trip)
        self.is_open = mine == newest and self._ratchet.key is not None and self._ratchet.trip == trip
        self.places.wrap = wrap and self.is_open
        self._mount_sector(header[7], data[:FRAMES_AT])

    def _mount_sector(self, epoch: int, begun: bytearray) -> None:
        if self.is_open:
            self._area.again((RING_FIRST + self.places.head) * SECTOR_SIZE, begun)
            # The cut came between a header that vouches for the sector before, and its key step.
            self._step_after(epoch - 1)
        sector, found = self._sector.mount()
        if not self.is_open:
            return
        seal = self._sector.sealed(sector)
        self.places.go_on(seal is not None)
        if seal is not None:
            self._prev_tag = seal[2][:8]
            self._step_after(seal[0])
            if seal[1] == records.SEAL_CLOSED:
                self.close(self._opened_ms)
            return
        is_sealing = self._sector.is_sealing(sector)
        if is_sealing or self._sector.may_be_left(sector, found):
            # The next header may have been begun, to vouch for this sector as it was.
            self.places.void_next()
        if not is_sealing:
            # Before the key steps: a tag that is still half-written must not lose its key.
            self._sector.refresh(sector, found)
        for _, kind, start, end in found:
            # A payload that is too short is none of ours, though its check is right.
            if kind == frames.CHECKPOINT and end - start >= _CHECKPOINT_SIZE:
                self._step_after(unpack(frames.TABLES[kind], sector, start, end)[0])
        stated = self.last_state()
        # Ticks that the sector tells, not that of now: a seal that is cut short again is begun with the same bytes.
        if stated is not None and stated[1] == STATE_STOPPED:
            self._begin_with_plan()
            self.close(stated[0])
        elif is_sealing:
            self._seal(records.SEAL_FULL, self._opened_ms)

    def _step_after(self, epoch: int) -> None:
        """Step to the next key if the cut came between a tag and its key step."""
        if epoch == self._ratchet.epoch:
            self._ratchet.advance()

    def resume(self, boot: int) -> None:
        """Go on with the open trip after a restart."""
        self.boot = boot
        self._begin_with_plan()

    def _begin_with_plan(self) -> None:
        """Write the plan frame if a cut came between it and the header."""
        if self._sector.last_end == FRAMES_AT and not self._sector.is_sealed:
            self._sector.put(frames.PLAN, self._plan_payload())
