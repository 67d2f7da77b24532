"""One time axis for a whole trip: UTC where the clock is known, else the time that the logger ran."""

from dataclasses import dataclass

import numpy as np

from celltrail.evidence.clock import Clock
from celltrail.evidence.record import Floats, Instant, Ints, Record
from celltrail.utc import iso

_MINUTE = 60_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_FEW_SLOTS = 3.5
_STEPS = [_MINUTE * n for n in (1, 2, 5, 10, 15, 30)] + [_HOUR * n for n in (1, 2, 3, 6, 12)]
_STEPS += [_DAY * n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)]


@dataclass(frozen=True)
class Axis:
    """Milliseconds since 1970, or since power-on with the boots end to end; NaN is unknown."""

    clock: Clock
    is_utc: bool
    shifts: dict[int, int]

    def of(self, boots: Ints, ticks: Ints) -> Floats:
        """The places of instants on the axis."""
        if self.is_utc:
            return self.clock.utc_of(boots, ticks)[0]
        shift = np.array([self.shifts.get(int(boot), 0) for boot in np.unique(boots)], np.float64)
        return np.asarray(shift[np.unique(boots, return_inverse=True)[1]] + ticks)

    def at(self, instant: Instant) -> float | None:
        """The place of one instant, or None."""
        place = float(self.of(np.array([instant.boot]), np.array([instant.tick_ms]))[0])
        return None if np.isnan(place) else place

    def label(self, ms: float) -> str:
        """2025-03-01 08:00 UTC, or 2 d 08:00 since power-on."""
        if self.is_utc:
            return iso(round(ms))[:16].replace("T", " ") + " UTC"
        return f"{int(ms // _DAY)} d {int(ms // _HOUR % 24):02d}:{int(ms // _MINUTE % 60):02d} since power-on"

    def tick_labels(self, low: float, high: float, most: int) -> list[tuple[float, str]]:
        """Round places between two, at most `most`, with short labels."""
        step = next((one for one in _STEPS if (high - low) / one <= most), _STEPS[-1])
        first = int(np.ceil(low / step)) * step
        return [(float(ms), self._short(ms, step)) for ms in range(first, int(high) + 1, step)][: most + 1]

    def _short(self, ms: int, step: int) -> str:
        if not self.is_utc:
            return f"{ms // _DAY} d" if step >= _DAY else f"{ms / _HOUR:g} h"
        text = iso(ms)
        return text[5:10] if step >= _DAY else f"{text[5:10]} {text[11:16]}"


def axis_of(record: Record, clock: Clock) -> Axis:
    """UTC as soon as one boot has a clock pair."""
    shifts = {}
    total = 0
    for instant in record.last_ticks:
        shifts[instant.boot] = total
        total += instant.tick_ms
    return Axis(clock, bool(clock.synced), shifts)


def stretches(x: Floats, y: Floats, period_ms: int) -> list[tuple[Floats, Floats]]:
    """The curve cut where more than a few slots are missing, so that no line is drawn through an outage."""
    breaks = np.flatnonzero(np.diff(x) > _FEW_SLOTS * max(period_ms, 1)) + 1
    return list(zip(np.split(x, breaks), np.split(y, breaks), strict=True))


def extremes(x: Floats, y: Floats, bins: int) -> tuple[Floats, Floats]:
    """At most four points a bin: the first, the lowest, the highest, the last; so no peak is lost."""
    if len(x) <= 4 * bins:
        return x, y
    # A period of 0 puts all points at one place.
    place = np.minimum(((x - x[0]) / ((x[-1] - x[0]) or 1.0) * bins).astype(np.int64), bins - 1)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(place) != 0]))
    ends = np.append(starts[1:], len(x)) - 1
    by_bin = np.repeat(np.arange(len(starts)), ends - starts + 1)
    # Sorted by bin and then by value, the ends of each bin are its extremes.
    order = np.lexsort((y, by_bin))
    kept = np.unique(np.concatenate([starts, ends, order[starts], order[ends]]))
    return x[kept], y[kept]
