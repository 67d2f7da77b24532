"""What goes into the record and when: readings through the journal into packed groups, events at once, checkpoints in time."""

from celltrail_protocol import frames, series
from celltrail_protocol.layout import ProtocolError, pack, unpack
from celltrail_protocol.records import NO_READING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from logger.journal import Journal, Reading
    from logger.ring import Ring

PACK_SLOTS = 120
_MOST_MISSING = 65535


class Recorder:
    """`packed` holds for each channel the last slot that lies in the ring; -1 before the first."""

    def __init__(self, ring: "Ring", journal: "Journal") -> None:
        self.ring = ring
        self.journal = journal
        self.packed: "list[int]" = []
        # Packing makes the pending file that a live proof spoke of invalid; this counts how often.
        self.generation = 0

    def start(self, channels: int) -> None:
        """A new trip with this many channels."""
        self.packed = [-1] * channels

    def event(self, kind: int, values: "Sequence[Any]", tick_ms: int) -> None:
        """Commit one frame; raises RingFull."""
        self.ring.append(kind, pack(frames.TABLES[kind], values), tick_ms)

    def settings(self, plan: bytes, tick_ms: int) -> None:
        """Commit the plan's CBOR in as many parts as it takes; raises RingFull."""
        piece = frames.LONGEST_PAYLOAD - 2 - 60
        parts = -(-len(plan) // piece)
        for part in range(parts):
            self.event(frames.SETTINGS, (part, parts, plan[part * piece : (part + 1) * piece]), tick_ms)

    def reading(self, slot: int, values: "Sequence[int]", codes: bytes, tick_ms: int) -> None:
        """Commit the reading of all channels at one slot; raises RingFull."""
        if not self.journal.append(slot, values, codes):
            self.pack(tick_ms)
            self.journal.rotate()
            if not self.journal.append(slot, values, codes):
                self._without_journal(slot, values, codes, tick_ms)
        if self.journal.count >= PACK_SLOTS:
            self.pack(tick_ms)

    def _without_journal(self, slot: int, values: "Sequence[int]", codes: bytes, tick_ms: int) -> None:
        """The journal's flash is broken: the reading goes straight into the ring, at more bytes."""
        self._pack_readings([(slot, tuple(values), codes)], tick_ms)

    def pack(self, tick_ms: int) -> None:
        """Move what is pending into the ring; raises RingFull."""
        if self.journal.count:
            self._pack_readings(self.journal.readings(len(self.packed)), tick_ms)
            self.journal.clear()
            self.generation += 1

    def _pack_readings(self, readings: "list[Reading]", tick_ms: int) -> None:
        for channel in range(len(self.packed)):
            run: "list[int]" = []
            first, code = 0, 0
            for slot, values, codes in readings:
                if slot <= self.packed[channel]:
                    continue
                value = values[channel]
                its_code = _code(values, codes, channel)
                if run and (slot != first + len(run) or its_code != code):
                    self._put_run(channel, first, run, code, tick_ms)
                    run = []
                if not run:
                    first, code = slot, its_code
                run.append(value)
            if run:
                self._put_run(channel, first, run, code, tick_ms)

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
        if len(data) + 6 > frames.LONGEST_PAYLOAD - 60:
            return False
        self.event(frames.READINGS, (channel, slot, len(run), data), tick_ms)
        return True

    def gap(self, slot: int, count: int, reason: int, tick_ms: int) -> None:
        """Commit that slots were not sampled; what was read before them goes first. Raises RingFull."""
        self.pack(tick_ms)
        self.event(frames.GAP, (slot, count, reason), tick_ms)
        self.packed = [slot + count - 1] * len(self.packed)

    def checkpoint(self, tick_ms: int, battery_mV: int) -> None:
        """Pack, and tag the record so far; raises RingFull."""
        self.pack(tick_ms)
        self.ring.checkpoint(tick_ms, battery_mV)

    def mount(self, channels: int) -> None:
        """Find how far each channel is packed, looking back as many sectors as that takes."""
        self.start(channels)
        index, first = self.ring.index, self.ring.first_index()
        while index >= first and -1 in self.packed:
            for kind, payload in self.ring.frames_of(index):
                self._note(kind, payload)
            index -= 1

    def _note(self, kind: int, payload: bytes) -> None:
        try:
            if kind in (frames.READINGS, frames.MISSING):
                channel, slot, count = unpack(frames.TABLES[kind], payload)[:3]
                if channel < len(self.packed):
                    self.packed[channel] = max(self.packed[channel], slot + count - 1)
            elif kind == frames.GAP:
                slot, count, _ = unpack(frames.TABLES[kind], payload)
                self.packed = [max(last, slot + count - 1) for last in self.packed]
            elif kind == frames.SHOCK:
                self.ring.events = unpack(frames.TABLES[kind], payload)[0] + 1
        except ProtocolError:
            # A frame of a later format: nothing in it is ours to note.
            pass

    def last_slot(self) -> int:
        """The highest slot that the record knows, or -1."""
        return max(self.packed + [self.journal.last_slot()])


def _code(values: "Sequence[int]", codes: bytes, channel: int) -> int:
    """Why a channel has no value; 0 when it has one."""
    if values[channel] != NO_READING:
        return 0
    before = [value for value in values[:channel] if value == NO_READING]
    return codes[len(before)]
