"""What goes into the record: readings through the journal into packed groups, events and checkpoints at once."""

from celltrail_protocol import frames, series
from celltrail_protocol.layout import ProtocolError, pack, unpack
from logger.journal import one_channel, reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from logger.journal import Journal
    from logger.ring import Ring

PACK_SLOTS = 120
# A pending reading of one channel never takes more in the ring: in a frame of its own it takes 13 bytes, and
# pages may end early.
_MOST_PACKED = 16
# So that little of a page is lost when a frame does not fit.
_LONGEST_SERIES = frames.LONGEST_PAYLOAD - 66
_PIECE = frames.LONGEST_PAYLOAD - 62


class Recorder:
    """`packed` holds for each channel the last slot that lies in the ring; -1 before the first.

    `generation` changes when readings are packed or dropped: an old pending file is none of this trip then.
    `stated` is the (state, reason) of the newest state frame that `mount` has found, or None.
    """

    def __init__(self, ring: "Ring", journal: "Journal") -> None:
        self.ring = ring
        self.journal = journal
        self.packed: "list[int]" = []
        self.generation = 0
        self.stated: "tuple[int, int] | None" = None

    def start(self, channels: int) -> None:
        """A new trip with this many channels."""
        self.packed = [-1] * channels
        self.stated = None
        self.journal.clear()
        self.generation += 1

    def event(self, kind: int, values: "Sequence[Any]", tick_ms: int) -> None:
        """Commit one frame; raises RingFull."""
        self.ring.append(kind, pack(frames.TABLES[kind], values), tick_ms)

    def in_parts(self, kind: int, data: bytes, tick_ms: int) -> None:
        """Commit CBOR in as many frames as it takes, none for none; raises RingFull."""
        parts = -(-len(data) // _PIECE)
        for part in range(parts):
            self.event(kind, (part, parts, data[part * _PIECE : (part + 1) * _PIECE]), tick_ms)

    def reading(self, slot: int, values: "Sequence[int]", codes: bytes, tick_ms: int) -> None:
        """Commit the reading of all channels at one slot; raises RingFull."""
        journal, payload = self.journal, reading(slot, values, codes)
        if not journal.append(payload):
            # The flash of the journal is worn out: straight into the ring, at more bytes, and try again with the next.
            journal.remember(payload)
            self._pack_and_rotate(tick_ms)
            return
        self.ring.kept = journal.count * len(self.packed) * _MOST_PACKED
        if not journal.has_room(len(values)):
            self._pack_and_rotate(tick_ms)
        elif journal.count >= PACK_SLOTS:
            self.pack(tick_ms)

    def _pack_and_rotate(self, tick_ms: int) -> None:
        self.pack(tick_ms)
        self.journal.rotate()

    def pack(self, tick_ms: int) -> None:
        """Move what is pending into the ring; raises RingFull, and then goes on where it stopped when called again."""
        self.ring.kept = 0
        if self.journal.count:
            for channel in range(len(self.packed)):
                self._pack_channel(channel, tick_ms)
            self.journal.clear()
            self.generation += 1

    def is_full(self, tick_ms: int) -> bool:
        """Whether the trip has to end now, so that all that is committed finds room; raises RingFull."""
        if self.ring.room() > 0:
            return False
        # Pending readings were reckoned at the most that they can take.
        self.pack(tick_ms)
        return self.ring.room() <= 0

    def _pack_channel(self, channel: int, tick_ms: int) -> None:
        """Runs of readings, and runs of missing ones with the same fault, as one frame each."""
        pending, channels = self.journal.pending, len(self.packed)
        run: "list[int]" = []
        at = first = run_code = 0
        while at < len(pending):
            slot, value, code = one_channel(pending, at, channel, channels)
            at += 1 + pending[at]
            if slot <= self.packed[channel]:
                continue
            if run and (slot != first + len(run) or code != run_code):
                self._put_run(channel, first, run, run_code, tick_ms)
                run = []
            if not run:
                first, run_code = slot, code
            run.append(value)
        if run:
            self._put_run(channel, first, run, run_code, tick_ms)

    def _put_run(self, channel: int, slot: int, run: "list[int]", code: int, tick_ms: int) -> None:
        if code:
            self.event(frames.MISSING, (channel, slot, len(run), code), tick_ms)
            self.packed[channel] = slot + len(run) - 1
        elif len(run) <= 255 and self._put_readings(channel, slot, run, tick_ms):
            self.packed[channel] = slot + len(run) - 1
        else:
            half = len(run) // 2
            self._put_run(channel, slot, run[:half], 0, tick_ms)
            self._put_run(channel, slot + half, run[half:], 0, tick_ms)

    def _put_readings(self, channel: int, slot: int, run: "list[int]", tick_ms: int) -> bool:
        data = series.encode(run, run[0], series.BLOCK_READINGS)
        if len(data) > _LONGEST_SERIES:
            return False
        self.event(frames.READINGS, (channel, slot, len(run), data), tick_ms)
        return True

    def gap(self, slot: int, count: int, reason: int, tick_ms: int) -> None:
        """Commit that slots were not sampled; what was read before them goes first. Raises RingFull."""
        self.pack(tick_ms)
        self.event(frames.GAP, (slot, count, reason), tick_ms)
        for channel in range(len(self.packed)):
            self.packed[channel] = slot + count - 1

    def checkpoint(self, tick_ms: int, battery_mV: int) -> None:
        """Pack, and tag the record so far; raises RingFull."""
        self.pack(tick_ms)
        self.ring.checkpoint(tick_ms, battery_mV)

    # Mounting

    def mount(self, channels: int) -> None:
        """Find how far each channel is packed, looking back as many sectors as that takes."""
        self.start(channels)
        ring = self.ring
        stated = ring.last_state()
        self.stated = stated[1:] if stated is not None else None
        index = ring.index
        while index >= 0 and -1 in self.packed:
            for kind, payload in ring.frames_of(index):
                try:
                    self._note(kind, payload)
                    if index == ring.index and kind == frames.SHOCK:
                        ring.events = min(unpack(frames.TABLES[kind], payload)[0] + 1, 0xFFFF)
                except ProtocolError:
                    # A frame of a later format: nothing in it is ours to note.
                    pass
            # Not index - 1: headers that check and are none of ours may leave billions out.
            index = ring.places.index_before(index)

    def _note(self, kind: int, payload: bytes) -> None:
        if kind in (frames.READINGS, frames.MISSING):
            channel, slot, count = unpack(frames.TABLES[kind], payload)[:3]
            if channel < len(self.packed):
                self.packed[channel] = max(self.packed[channel], slot + count - 1)
        elif kind == frames.GAP:
            slot, count, _ = unpack(frames.TABLES[kind], payload)
            self.packed = [max(last, slot + count - 1) for last in self.packed]

    def last_slot(self) -> int:
        """The highest slot that the record knows, or -1."""
        return max(self.packed + [self.journal.last_slot()])
