"""Time outside a limit: each excursion with its start, end, extreme and area.

A reading stands for the period that follows it. One reading in range ends an excursion; a place without a reading
doesn't, but its time is told apart, since nobody knows what it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from celltrail.evaluate.rules import Rule
from celltrail.evaluate.series import Series
from celltrail.evaluate.timeline import Moment, Timeline, seconds_of
from celltrail.evaluate.verdicts import SAME_C


@dataclass(frozen=True)
class Excursion:
    """Readings outside, from the first to the last. `outside_s` is a period for each of them, `unknown_s` what lies
    between them without a reading (None: no bound). `sure` says that one at least is outside whatever the uncertainty.

    `area_c_min` is the sum of what is beyond the limit, in degree-minutes, over what was measured.
    `legs` are the numbers of the legs that it touches.
    """

    channel: int
    is_high: bool
    limit_c: float
    start: Moment
    end: Moment
    first_slot: int
    last_slot: int
    readings: int
    outside_s: float
    unknown_s: float | None
    extreme_c: float
    extreme_at: Moment
    area_c_min: float
    sure: bool
    legs: tuple[int, ...] = ()

    @property
    def side(self) -> str:
        """above or below."""
        return "above" if self.is_high else "below"


def excursions_of(rules: Sequence[Rule], series: Series, timeline: Timeline) -> list[Excursion]:
    """The excursions of a channel, for each limit that its rules name, in the order of time."""
    limits = dict.fromkeys((rule.is_high, rule.limit_c) for rule in rules)
    found = [one for is_high, limit_c in limits for one in _beyond(is_high, limit_c, series, timeline)]
    return sorted(found, key=lambda one: (one.first_slot, one.is_high, one.limit_c))


def _beyond(is_high: bool, limit_c: float, series: Series, timeline: Timeline) -> list[Excursion]:
    sign = 1 if is_high else -1
    over = sign * (series.judged_celsius - limit_c)
    outside = np.flatnonzero(over >= -SAME_C)
    if not len(outside):
        return []
    # Within `outside`: where runs of neighbouring readings begin, and where the highest of each is.
    begins = np.concatenate([[0], np.flatnonzero(np.diff(outside) != 1) + 1])
    counts = np.diff(np.append(begins, len(outside)))
    beyond, slots = over[outside].clip(0), series.judged_slots[outside]
    run = np.repeat(np.arange(len(begins)), counts)
    peaks = np.lexsort((-np.arange(len(run)), beyond, run))[begins + counts - 1]
    first, last = slots[begins], slots[begins + counts - 1]
    unknown = timeline.places_of(last) - timeline.places_of(first) + 1 - counts
    columns = (
        timeline.moments_of(first),
        timeline.moments_of(last, later=1),
        timeline.moments_of(slots[peaks]),
        first.tolist(),
        last.tolist(),
        counts.tolist(),
        unknown.tolist(),
        series.judged_celsius[outside[peaks]].tolist(),
        np.add.reduceat(beyond, begins).tolist(),
        (beyond[peaks] >= series.uncertainty.total_c - SAME_C).tolist(),
    )
    return [_excursion(is_high, limit_c, series, row) for row in zip(*columns, strict=True)]


def _excursion(is_high: bool, limit_c: float, series: Series, row: tuple[Any, ...]) -> Excursion:
    start, end, extreme_at, first, last, count, unknown, extreme_c, area, sure = row
    return Excursion(
        channel=series.number,
        is_high=is_high,
        limit_c=limit_c,
        start=start,
        end=end,
        first_slot=first,
        last_slot=last,
        readings=count,
        outside_s=count * series.period_s,
        unknown_s=seconds_of(unknown, series.period_s),
        extreme_c=extreme_c,
        extreme_at=extreme_at,
        area_c_min=area * series.period_s / 60,
        sure=sure,
    )
