"""The packed parts of a record: readings and shock waveforms of all sectors, decoded side by side."""

from collections.abc import Sequence
from functools import partial
from itertools import repeat
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from celltrail.evidence.frame_table import FrameTable, Heads
from celltrail.evidence.pending import Pending
from celltrail.evidence.record import Channel, Flaw, Instant, Ints, Run, Shock
from celltrail.evidence.series_numpy import decode_many
from celltrail.plans.sensor import Sensor
from celltrail_protocol.frames import READINGS, WAVE
from celltrail_protocol.series import BLOCK_READINGS, BLOCK_WAVE

# A reading each second for 400 days, the longest trip: a crafted file may not fill the memory.
MOST_READINGS = 35_000_000


# The pieces of one event's waveform by axis, as (first sample, values).
Waves: TypeAlias = dict[int, list[tuple[int, npt.NDArray[np.int16]]]]


class SeriesFrames(FrameTable):
    """Frames of one kind that hold packed series."""

    def __init__(self, kind: int, block: int) -> None:
        super().__init__(kind)
        self._block = block

    def unpack(self) -> tuple[Heads, npt.NDArray[np.int16], Ints]:
        """The sound frames' heads, all their values, and where the values of each begin."""
        octets, starts, ends = self.gather()
        fits = ends - starts >= self.dtype.itemsize
        heads = self.heads(octets, np.where(fits, starts, 0))
        counts = np.where(fits, heads["count"], 0).astype(np.int64)
        counts[np.cumsum(counts) > MOST_READINGS] = 0
        values, bad = decode_many(octets, starts + self.dtype.itemsize, ends, counts, self._block)
        for number in np.flatnonzero(bad).tolist():
            self.flaw(int(starts[number]), int(ends[number]), "packed values that are not valid")
        return _keep_good(heads, values, counts, ~bad)


def _keep_good(
    heads: Heads, values: npt.NDArray[np.int16], counts: Ints, good: npt.NDArray[np.bool_]
) -> tuple[Heads, npt.NDArray[np.int16], Ints]:
    if not good.all():
        values = values[np.repeat(good, counts)]
        heads, counts = heads[good], counts[good]
    return heads, values, np.cumsum(counts) - counts


class ReadingFrames(SeriesFrames):
    """All readings frames of a record."""

    def __init__(self) -> None:
        super().__init__(READINGS, BLOCK_READINGS)

    def decode(self, sensors: Sequence[Sensor], pending: Pending) -> tuple[tuple[Channel, ...], list[Run], list[Flaw]]:
        """The channels with their readings, pending ones included; what each frame covers; and flaws."""
        heads, values, begins = self.unpack()
        channels = tuple(
            _channel(number, sensor, *_of_channel(number, heads, values, begins), pending)
            for number, sensor in enumerate(sensors)
        )
        return channels, _runs(heads, pending), self.flaws + pending.flaws


def _of_channel(
    number: int, heads: Heads, values: npt.NDArray[np.int16], begins: Ints
) -> tuple[Ints, npt.NDArray[np.int16], bool]:
    """The slots and values of one channel, and whether the slots ascend."""
    mine = heads["channel"] == number
    counts, slots = heads["count"].astype(np.int64), heads["slot"].astype(np.int64)
    if not mine.all():
        values = values[np.repeat(mine, counts)]
        counts, slots = counts[mine], slots[mine]
        begins = np.cumsum(counts) - counts
    ascending = bool((slots[1:] >= slots[:-1] + counts[:-1]).all())
    return np.arange(len(values)) + np.repeat(slots - begins, counts), values, ascending


def _channel(
    number: int, sensor: Sensor, slots: Ints, raw: npt.NDArray[np.int16], ascending: bool, pending: Pending
) -> Channel:
    late = [(slot, value) for channel, slot, value in pending.readings if channel == number]
    if late:
        slots = np.concatenate([slots, np.array([slot for slot, _ in late], np.int64)])
        raw = np.concatenate([raw, np.array([value for _, value in late], np.int16)])
        ascending = bool((np.diff(slots) > 0).all())
    if not ascending:
        # Of readings for the same slot the one that stands first counts; the others show up in `runs`.
        slots, first = np.unique(slots, return_index=True)
        raw = raw[first]
    return Channel(number, sensor, slots, raw)


def _runs(heads: Heads, pending: Pending) -> list[Run]:
    slots = heads["slot"].astype(np.int64)
    ends = slots + heads["count"]
    fields = zip(heads["channel"].tolist(), slots.tolist(), ends.tolist(), repeat("reading"), repeat(0))
    # Without a Python call for each of what may be hundreds of thousands.
    runs = list(map(partial(tuple.__new__, Run), fields))
    runs += [Run(channel, slot, slot + 1, "reading") for channel, slot, _ in pending.readings]
    return runs + [Run(channel, slot, slot + 1, "missing", code) for channel, slot, code in pending.missing]


class Shocks(SeriesFrames):
    """All shock events and the waves that belong to them."""

    def __init__(self) -> None:
        super().__init__(WAVE, BLOCK_WAVE)
        self._events: list[tuple[int, Instant, Sequence[Any]]] = []

    def add(self, event: int, at: Instant, rest: Sequence[Any]) -> None:
        """A shock frame; `rest` are its fields after the tick."""
        self._events.append((event, at, rest))

    def decode(self, step_ng: int) -> tuple[tuple[Shock, ...], list[Flaw]]:
        """The shocks in the order recorded, each with its waveform when it is whole."""
        waves = self._waves()
        # `pop`: a waveform belongs to the first event of its number. A crafted file may repeat the number.
        shocks = tuple(_shock(event, at, rest, step_ng, waves.pop(event, {})) for event, at, rest in self._events)
        return shocks, self.flaws

    def _waves(self) -> dict[int, Waves]:
        """The pieces by event and axis, as (first sample, values)."""
        heads, values, begins = self.unpack()
        found: dict[int, Waves] = {}
        for head, begin in zip(heads, begins.tolist(), strict=True):
            piece = values[begin : begin + int(head["count"])]
            axes = found.setdefault(int(head["event"]), {})
            axes.setdefault(int(head["axis"]), []).append((int(head["first"]), piece))
        return found


def _shock(
    event: int,
    at: Instant,
    rest: Sequence[Any],
    step_ng: int,
    waves: Waves,
) -> Shock:
    tick_us, rate_mHz, base, peak, velocity, duration, longest, flags, window, pre = rest
    axes = [_joined(waves.get(axis, []), window) for axis in range(3)]
    whole = tuple(axis for axis in axes if axis is not None)
    shown = whole if len(whole) == len(axes) and window else ()
    return Shock(
        event,
        at,
        tick_us,
        rate_mHz,
        step_ng,
        base,
        peak,
        velocity,
        duration,
        longest,
        flags,
        window,
        pre,
        shown,
    )


def _joined(pieces: list[tuple[int, npt.NDArray[np.int16]]], window: int) -> npt.NDArray[np.int16] | None:
    """The pieces end to end, or None when they don't make exactly `window` samples."""
    expected = 0
    for first, piece in sorted(pieces, key=lambda one: one[0]):
        if first != expected:
            return None
        expected += len(piece)
    if expected != window or not pieces:
        return None
    return np.concatenate([piece for _, piece in sorted(pieces, key=lambda one: one[0])])
