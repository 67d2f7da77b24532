"""The packed parts of a record: readings and shock waveforms of all sectors, decoded side by side."""

from collections.abc import Sequence
from itertools import repeat
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from celltrail.evidence.headers import dtype_of
from celltrail.evidence.pending import Pending
from celltrail.evidence.record import Channel, Flaw, Instant, Ints, Run, Shock
from celltrail.evidence.scan import Sector
from celltrail.evidence.series_numpy import decode_many
from celltrail.plans.sensor import Sensor
from celltrail_protocol.frames import READINGS, TABLES, WAVE
from celltrail_protocol.series import BLOCK_READINGS, BLOCK_WAVE

# A reading each second for 400 days, the longest trip: a crafted file may not fill the memory.
MOST_READINGS = 35_000_000


# The pieces of one event's waveform by axis, as (first sample, values).
Waves: TypeAlias = dict[int, list[tuple[int, npt.NDArray[np.int16]]]]


class SeriesFrames:
    """Frames of one kind with their sectors; a frame is (offset, payload start, payload end)."""

    def __init__(self, kind: int, block: int) -> None:
        self._dtype = dtype_of(TABLES[kind])
        self._block = block
        self._sectors: list[tuple[Sector, list[tuple[int, int, int]]]] = []
        self.flaws: list[Flaw] = []

    def open_sector(self, sector: Sector) -> list[tuple[int, int, int]]:
        """The list that takes this sector's frames."""
        places: list[tuple[int, int, int]] = []
        self._sectors.append((sector, places))
        return places

    def unpack(self) -> tuple[npt.NDArray[np.void], npt.NDArray[np.int16], Ints]:
        """The sound frames' heads, all their values, and where the values of each begin."""
        data, frames, owners = self._gather()
        starts, ends = frames[:, 1], frames[:, 2]
        fits = ends - starts >= self._dtype.itemsize
        heads = _heads(data, np.where(fits, starts, 0), self._dtype)
        counts = np.where(fits, heads["count"], 0).astype(np.int64)
        counts[np.cumsum(counts) > MOST_READINGS] = 0
        values, bad = decode_many(data, starts + self._dtype.itemsize, ends, counts, self._block)
        for number in np.flatnonzero(bad):
            self._flaw(owners[number], frames[number], "packed values that are not valid")
        return _keep_good(heads, values, counts, ~bad)

    def _gather(self) -> tuple[npt.NDArray[np.uint8], Ints, list[Sector]]:
        """All sectors end to end, frames placed in them, and each frame's sector."""
        used = [(sector, places) for sector, places in self._sectors if places]
        pieces = [np.frombuffer(sector.data, np.uint8) for sector, _ in used]
        # The zeros keep the heads of frames at the very end within the data.
        data = np.concatenate([*pieces, np.zeros(self._dtype.itemsize, np.uint8)])
        shifts = np.cumsum([0, *(len(piece) for piece in pieces)])
        moved = [np.array(places, np.int64) + shifts[i] for i, (_, places) in enumerate(used)]
        frames = np.concatenate(moved) if moved else np.zeros((0, 3), np.int64)
        self._shift_of = {id(sector): int(shifts[i]) for i, (sector, _) in enumerate(used)}
        return data, frames, [sector for sector, places in used for _ in places]

    def _flaw(self, sector: Sector, frame: Ints, text: str) -> None:
        shift = self._shift_of[id(sector)]
        self.flaws.append(Flaw(text, sector.index, int(frame[0]) - shift, int(frame[2]) - shift))


def _heads(data: npt.NDArray[np.uint8], starts: Ints, dtype: np.dtype[np.void]) -> npt.NDArray[np.void]:
    octets = data[starts[:, None] + np.arange(dtype.itemsize)]
    return np.ascontiguousarray(octets).view(dtype).reshape(-1)


def _keep_good(
    heads: npt.NDArray[np.void], values: npt.NDArray[np.int16], counts: Ints, good: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.int16], Ints]:
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
    number: int, heads: npt.NDArray[np.void], values: npt.NDArray[np.int16], begins: Ints
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


def _runs(heads: npt.NDArray[np.void], pending: Pending) -> list[Run]:
    slots = heads["slot"].astype(np.int64)
    ends = slots + heads["count"]
    runs = list(map(Run, heads["channel"].tolist(), slots.tolist(), ends.tolist(), repeat("reading")))
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
