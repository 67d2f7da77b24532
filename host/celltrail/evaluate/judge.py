"""One limit against one channel: in, out or undecidable, and by how much.

A rule is broken at every level up to the one that the readings held (`levels`). So it is *out* when that level is
beyond the limit even if all readings are wrong by the whole uncertainty in the product's favour and nothing happened
where nothing was measured; *in* when it is not even if they are wrong the other way and the worst happened there;
else *undecidable*.
"""

from dataclasses import dataclass

import numpy as np

from celltrail.evaluate import levels
from celltrail.evaluate.levels import Stretch
from celltrail.evaluate.rules import Rule
from celltrail.evaluate.series import Series
from celltrail.evaluate.timeline import seconds_of
from celltrail.evaluate.verdicts import OUT, SAME_C, UNDECIDABLE, three_valued

MEASURED = "the limit lies within the uncertainty of the readings"
UNMEASURED = "there is time without readings"
UNDATED = "a moment is not known well enough"
NO_READINGS = "there are no readings"


@dataclass(frozen=True)
class RuleResult:
    """`level_c` is the level that the readings held for the rule's delay, `worst_c` what it may have been where nothing
    was measured: None when that has no bound; uncertainty comes on top of both.

    `beyond_c` is how far `level_c` is beyond the limit, negative inside. The seconds are those outside that the rule
    compares with its delay: as read, surely, and possibly (None: no bound). `as_read` is the verdict without
    uncertainty of readings, but with what was not measured.
    """

    rule: Rule
    verdict: str
    as_read: str
    reasons: tuple[str, ...]
    level_c: float | None
    worst_c: float | None
    beyond_c: float | None
    uncertainty_c: float
    outside_s: float
    surely_s: float
    possibly_s: float | None

    @property
    def decided_by_c(self) -> float | None:
        """How far the level is from the limit beyond the uncertainty; None when the rule is not decided."""
        if self.verdict == UNDECIDABLE:
            return None
        if self.verdict == OUT:
            return None if self.beyond_c is None else self.beyond_c - self.uncertainty_c
        if self.worst_c is None:
            return None
        return (self.rule.limit_c - self.worst_c) * self.rule.sign - self.uncertainty_c


def judge(rule: Rule, series: Series, fastest_c_per_min: float | None) -> RuleResult:
    """The verdict of a rule on the readings of its channel."""
    sign, within_c = rule.sign, series.uncertainty.total_c
    least, most, read = series.at_least(sign), series.at_most(sign), series.as_read(sign)
    filled = most
    if fastest_c_per_min is not None:
        filled = levels.filled(most, fastest_c_per_min * series.period_s / 60)
    limit = sign * rule.limit_c
    sure_level, level = _level(rule, least, series.period_s), _level(rule, read, series.period_s)
    worst = _level_at_most(rule, filled, series.period_s)
    verdict, as_read = three_valued(sure_level - within_c, worst + within_c, limit), three_valued(level, worst, limit)
    reasons = _reasons(verdict, limit, within_c, sure_level, level, worst)
    if not len(series.places):
        verdict, as_read, reasons = UNDECIDABLE, UNDECIDABLE, (NO_READINGS,)
    return RuleResult(
        rule=rule,
        verdict=verdict,
        as_read=as_read,
        reasons=reasons,
        level_c=_finite(sign * level),
        worst_c=_finite(sign * worst),
        beyond_c=_finite(level - limit),
        uncertainty_c=within_c,
        outside_s=_outside_s(rule, read, limit, series.period_s),
        surely_s=_outside_s(rule, least, limit + within_c, series.period_s),
        possibly_s=_possibly_s(rule, filled, limit - within_c, series.period_s),
    )


def _level(rule: Rule, stretch: Stretch, period_s: float) -> float:
    if rule.is_cumulative:
        return levels.counted_level(stretch, levels.counted_readings(rule.delay_s, period_s))
    return levels.held_level(stretch, levels.held_readings(rule.delay_s, period_s))


def _level_at_most(rule: Rule, stretch: Stretch, period_s: float) -> float:
    if rule.is_cumulative:
        return levels.counted_level_at_most(stretch, levels.counted_readings(rule.delay_s, period_s))
    return levels.held_level_at_most(stretch, levels.held_readings(rule.delay_s, period_s))


def _reasons(
    verdict: str, limit: float, within_c: float, sure_level: float, level: float, worst: float
) -> tuple[str, ...]:
    """Why a rule is undecidable: what would decide it if it were not so."""
    if verdict != UNDECIDABLE:
        return ()
    reasons = []
    read_out, worst_out = level >= limit - SAME_C, worst >= limit - SAME_C
    if read_out and sure_level < limit - SAME_C:
        reasons.append(UNDATED)
    if worst_out and not read_out:
        reasons.append(UNMEASURED)
    if not reasons or abs(level - limit) <= within_c + SAME_C:
        reasons.append(MEASURED)
    return tuple(reasons)


def _outside_s(rule: Rule, stretch: Stretch, limit: float, period_s: float) -> float:
    """All readings outside, each for a period; or the longest run, from its first reading to its last."""
    places = stretch.places[stretch.up >= limit - SAME_C]
    if rule.is_cumulative:
        return len(places) * period_s
    return max(0, levels.longest_run(places) - 1) * period_s


def _possibly_s(rule: Rule, stretch: Stretch, limit: float, period_s: float) -> float | None:
    inside = stretch.places[stretch.up < limit - SAME_C]
    if rule.is_cumulative:
        places = stretch.end - stretch.first - len(inside)
    else:
        places = max(0, levels.longest_gap(inside, stretch.first, stretch.end) - 1)
    return seconds_of(places, period_s)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
