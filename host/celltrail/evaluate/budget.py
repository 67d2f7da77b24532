"""Stability budgets: so long a product may be in a band in all, used up by leg and by trip."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celltrail.evaluate.legs import Leg
from celltrail.evaluate.levels import Bools
from celltrail.evaluate.series import Series
from celltrail.evaluate.verdicts import IN, OUT, SAME_C, UNDECIDABLE
from celltrail.evidence.record import Floats
from celltrail.plans.judging import Budget


@dataclass(frozen=True)
class BudgetResult:
    """Seconds in a band, a period for each reading: as read by leg and in all, surely, and possibly (None: no bound).

    `used_before_s` is what was used before this trip and counts in the verdict. A reached allowance is used up.
    """

    channel: int
    budget: Budget
    verdict: str
    used_before_s: float
    by_leg_s: tuple[float, ...]
    used_s: float
    surely_s: float
    possibly_s: float | None

    @property
    def left_s(self) -> float:
        """What is left for the next trip, as read; negative when it is overdrawn."""
        return self.budget.allowed_s - self.used_before_s - self.used_s


def use_budget(budget: Budget, series: Series, legs: Sequence[Leg]) -> BudgetResult:
    """What a channel used of a budget."""
    within_c, period_s, before_s = series.uncertainty.total_c, series.period_s, float(budget.used_s)
    slots = series.judged_slots[in_band(budget, series.judged_celsius)]
    edges = np.array([leg.first_slot for leg in legs] + [leg.end_slot for leg in legs[-1:]], np.int64)
    by_leg = np.diff(np.searchsorted(slots, edges)) * period_s
    surely_s = np.count_nonzero(in_band(budget, series.celsius, -within_c) & series.sure) * period_s
    unknown_s = series.unknown_s
    possibly_s = None
    if unknown_s is not None and len(series.places):
        possibly_s = np.count_nonzero(in_band(budget, series.celsius, within_c)) * period_s + unknown_s
    return BudgetResult(
        channel=series.number,
        budget=budget,
        verdict=_verdict(budget, before_s, surely_s, possibly_s),
        used_before_s=before_s,
        by_leg_s=tuple(by_leg.tolist()),
        used_s=len(slots) * period_s,
        surely_s=surely_s,
        possibly_s=possibly_s,
    )


def in_band(budget: Budget, celsius: Floats, wider_c: float = 0.0) -> Bools:
    """Which readings are in the band, made wider on both sides; the end at the label's range belongs to it."""
    low_c, high_c = float(budget.low_c) - wider_c, float(budget.high_c) + wider_c
    if budget.side == "high":
        return np.asarray((celsius >= low_c - SAME_C) & (celsius < high_c - SAME_C))
    return np.asarray((celsius > low_c + SAME_C) & (celsius <= high_c + SAME_C))


def _verdict(budget: Budget, before_s: float, surely_s: float, possibly_s: float | None) -> str:
    if _is_used_up(budget, before_s + surely_s):
        return OUT
    return UNDECIDABLE if possibly_s is None or _is_used_up(budget, before_s + possibly_s) else IN


def _is_used_up(budget: Budget, used_s: float) -> bool:
    return used_s > 0 and used_s >= budget.allowed_s
