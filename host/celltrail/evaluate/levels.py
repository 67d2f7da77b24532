"""How far the readings of one channel went and for how long: numpy on places, without words.

A *place* counts periods on the channel's time axis: neighbours are one period apart, and a place without a reading is
unknown. Values point *up*: they are degC for a limit above and -degC for one below, so that beyond is always larger.
A *level* is the highest limit that a rule would still have found broken, so that a verdict also says by how much.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from celltrail.evidence.record import Floats, Ints

Bools = npt.NDArray[np.bool_]
# Of all gaps of a trip, so many places are looked at one by one; what is beyond is unknown altogether.
_MOST_FILLED = 1_000_000


@dataclass(frozen=True)
class Stretch:
    """Ascending `places` with their values `up`; what is judged are the places [first, end)."""

    places: Ints
    up: Floats
    first: int
    end: int

    @property
    def unknown(self) -> int:
        """How many places have no reading."""
        return self.end - self.first - len(self.places)


def range_minimum(values: Floats, starts: Ints, stops: Ints) -> Floats:
    """The smallest of values[start:stop] for each pair; infinity where there is none."""
    lengths = stops - starts
    found = np.full(len(starts), np.inf)
    table, width = values, 1
    # Two overlapping spans whose length is a power of two cover any span.
    while width <= len(values):
        mine = (lengths >= width) & (lengths < 2 * width)
        found[mine] = np.minimum(table[starts[mine]], table[stops[mine] - width])
        table, width = np.minimum(table[:-width], table[width:]), 2 * width
    return found


def held_readings(delay_s: float, period_s: float) -> int:
    """So many readings in a row span at least the delay from the first to the last."""
    return math.ceil(delay_s / period_s) + 1


def counted_readings(delay_s: float, period_s: float) -> int:
    """So many readings add up to at least the delay, each standing for one period."""
    return max(1, math.ceil(delay_s / period_s))


def held_level(stretch: Stretch, count: int) -> float:
    """The level that `count` places in a row held, by readings alone; -infinity when there are none such."""
    starts = np.arange(max(0, len(stretch.places) - count + 1))
    in_a_row = stretch.places[starts + count - 1] - stretch.places[starts] == count - 1
    starts = starts[in_a_row]
    return float(range_minimum(stretch.up, starts, starts + count).max(initial=-np.inf))


def held_level_at_most(stretch: Stretch, count: int) -> float:
    """The level that `count` places in a row may have held, when places without a reading may have been anything."""
    # The best window begins at the start or right behind a reading: moved further left it would lose nothing.
    begins = np.concatenate([[stretch.first], stretch.places + 1])
    begins = begins[begins + count <= stretch.end]
    starts, stops = (np.searchsorted(stretch.places, edge) for edge in (begins, begins + count))
    return float(range_minimum(stretch.up, starts, stops).max(initial=-np.inf))


def counted_level(stretch: Stretch, count: int) -> float:
    """The level that `count` readings reached; -infinity when there are fewer."""
    if count > len(stretch.up):
        return -np.inf
    return float(np.partition(stretch.up, -count)[-count])


def counted_level_at_most(stretch: Stretch, count: int) -> float:
    """The same when places without a reading may have been anything."""
    left = count - stretch.unknown
    return np.inf if left <= 0 else counted_level(stretch, left)


def filled(stretch: Stretch, rise: float) -> Stretch:
    """The stretch with the highest value that each unknown place can have, when values change by `rise` a place."""
    edges = np.concatenate([[stretch.first - 1], stretch.places, [stretch.end]])
    gaps = np.diff(edges) - 1
    if not len(stretch.places) or not 0 < gaps.sum() <= _MOST_FILLED:
        return stretch
    before = np.concatenate([[np.inf], stretch.up])
    after = np.concatenate([stretch.up, [np.inf]])
    which = np.repeat(np.arange(len(gaps)), gaps)
    step = np.arange(len(which)) - np.repeat(np.cumsum(gaps) - gaps, gaps) + 1
    highest = np.minimum(before[which] + rise * step, after[which] + rise * (gaps[which] + 1 - step))
    places, up = np.concatenate([stretch.places, edges[which] + step]), np.concatenate([stretch.up, highest])
    order = np.argsort(places)
    return Stretch(places[order], up[order], stretch.first, stretch.end)


def longest_run(places: Ints) -> int:
    """The most places that follow one another without a break."""
    if not len(places):
        return 0
    breaks = np.flatnonzero(np.diff(places) != 1)
    return int(np.diff(np.concatenate([[-1], breaks, [len(places) - 1]])).max())


def longest_gap(places: Ints, first: int, end: int) -> int:
    """The most places in a row of [first, end) that are not among `places`."""
    return int(np.diff(np.concatenate([[first - 1], places, [end]])).max()) - 1
