"""The whole answer on a trip: what the pages, tables and exports are made from."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from celltrail.errors import UsageFault
from celltrail.evaluate.budget import BudgetResult, use_budget
from celltrail.evaluate.calibration_record import from_record
from celltrail.evaluate.excursions import Excursion, excursions_of
from celltrail.evaluate.flights import infer_flights
from celltrail.evaluate.inferring import infer_milestones
from celltrail.evaluate.judge import RuleResult, judge
from celltrail.evaluate.legs import Leg, Milestone, events_of, legs_of, marks_of
from celltrail.evaluate.milestones import load_milestones
from celltrail.evaluate.plausible import Flag, flags_of
from celltrail.evaluate.rules import Rule, Rules, channels_of, rules_as_armed, rules_of_profile
from celltrail.evaluate.series import Series, Window, series_of
from celltrail.evaluate.shocks import DamageResult, LegShocks, ShockResult, damage_of, leg_shocks, shocks_of
from celltrail.evaluate.statistics import KineticMean, Statistics, kinetic_mean, statistics_of
from celltrail.evaluate.timeline import Moment, Timeline
from celltrail.evaluate.uncertainty import Calibration, Uncertainty, load_calibrations, uncertainty_of
from celltrail.evaluate.verdicts import joined
from celltrail.evaluate.window import window_of
from celltrail.evidence.record import Record
from celltrail.evidence.verify import Checked, load_checked
from celltrail.keys.keystore import KeyStore
from celltrail.plans.profile import load_profile
from celltrail.sentence import Sentence


@dataclass(frozen=True)
class LegStatistics:
    """The readings of one channel in one leg, and how long it was outside each of its limits, by rule number."""

    leg: int
    statistics: Statistics
    outside_s: Mapping[int, float]


@dataclass(frozen=True)
class ChannelResult:
    """One channel: what was judged of it."""

    series: Series
    statistics: Statistics
    kinetic: KineticMean | None
    legs: tuple[LegStatistics, ...]


@dataclass(frozen=True)
class Evaluation:
    """`answer` is that of all limits and budgets together: in, out, undecidable; None when there are none.

    `start` and `end` are what was judged. `notes` say what was not possible, one sentence each.
    """

    checked: Checked
    rules: Rules
    window: Window
    start: Moment
    end: Moment
    answer: str | None
    results: tuple[RuleResult, ...]
    budgets: tuple[BudgetResult, ...]
    channels: tuple[ChannelResult, ...]
    excursions: tuple[Excursion, ...]
    legs: tuple[Leg, ...]
    shocks: tuple[ShockResult, ...]
    leg_shocks: tuple[LegShocks, ...]
    damage: DamageResult | None
    flags: tuple[Flag, ...]
    notes: tuple[str, ...]

    @property
    def record(self) -> Record:
        """The record that it rests on."""
        return self.checked.record

    @property
    def judged(self) -> tuple[RuleResult | BudgetResult | DamageResult, ...]:
        """All that has a verdict: limits, budgets, and the damage boundary when there is one."""
        return (*self.results, *self.budgets, *(() if self.damage is None else (self.damage,)))


def evaluate_file(
    path: Path,
    keys: KeyStore,
    profile: str | None = None,
    milestones: Path | None = None,
    calibrations: Path | None = None,
    *,
    damaged: bool = False,
) -> Evaluation:
    """The evaluation of a file, by the profile of a name or a file, or by what it was armed with; UsageFault."""
    checked = load_checked(path, keys, damaged=damaged)
    rules = rules_as_armed(checked.record)
    if profile is not None:
        rules = rules_of_profile(load_profile(profile), len(checked.record.channels))
    return evaluate(
        checked,
        rules,
        load_calibrations(calibrations) if calibrations is not None else None,
        load_milestones(milestones) if milestones is not None else (),
    )


def evaluate(
    checked: Checked,
    rules: Rules,
    calibrations: Mapping[int, Calibration] | None = None,
    milestones: Sequence[Milestone] = (),
) -> Evaluation:
    """What happened on a trip by these rules; UsageFault when a milestone can't be placed.

    calibrations: by channel; None for those in the record.
    """
    record = checked.record
    timeline = Timeline(record, checked.clock, _end_of(checked))
    if milestones and not checked.clock.synced:
        raise UsageFault(f"{checked.trail.path}: no clock was set, so no milestone can be placed; leave them out")
    known = [*marks_of(record, timeline), *milestones]
    guessed = [] if known else [*infer_milestones(record, timeline), *infer_flights(record, timeline)]
    events = events_of(known or guessed, timeline)
    legs = legs_of(events)
    window = window_of(checked, rules.judging, [one for _, one in events], timeline)
    if calibrations is None:
        calibrations = from_record(record.calibration_bytes, [one.sensor for one in record.channels])
    series = [
        series_of(one, timeline, window, _uncertainty(checked, one.number, calibrations)) for one in record.channels
    ]
    fastest = rules.judging.fastest_c_per_min
    results = [judge(rule, series[rule.channel], None if fastest is None else float(fastest)) for rule in rules.limits]
    budgets = [
        use_budget(budget, series[number], legs)
        for budget in rules.budgets
        for number in channels_of(budget.channels, len(series))
    ]
    shocks = shocks_of(record, timeline, legs)
    damage = damage_of(shocks, rules.judging.fragility, bool(record.plan and record.plan.get("shock")))
    excursions = [found for one in series for found in excursions_of(_of(rules, one), one, timeline)]
    edges = window.start.slot, max(window.end.slot - 1, window.start.slot)
    return Evaluation(
        checked=checked,
        rules=rules,
        window=window,
        start=timeline.moments_of(np.array(edges[:1]))[0],
        end=timeline.moments_of(np.array(edges[1:]), later=1)[0],
        answer=joined(_verdicts(results, budgets, damage)),
        results=tuple(results),
        budgets=tuple(budgets),
        channels=tuple(_channel(one, rules, legs) for one in series),
        excursions=tuple(_with_legs(excursions, legs)),
        legs=tuple(legs),
        shocks=tuple(shocks),
        leg_shocks=tuple(leg_shocks(shocks, legs)),
        damage=damage,
        flags=tuple(flags_of(record, series, timeline)),
        notes=(*window.notes, *(doubt for one in series for doubt in _doubts(one))),
    )


def _verdicts(results: Sequence[RuleResult], budgets: Sequence[BudgetResult], damage: DamageResult | None) -> list[str]:
    limits = [one.verdict for one in results] + [one.verdict for one in budgets]
    return limits if damage is None else [*limits, damage.verdict]


def _end_of(checked: Checked) -> int:
    """Behind the last slot that is there or should be."""
    expected = [one.expected for one in checked.verdict.coverage]
    read = [int(channel.slots[-1]) + 1 for channel in checked.record.channels if len(channel.slots)]
    return max([0, *expected, *read])


def _uncertainty(checked: Checked, number: int, calibrations: Mapping[int, Calibration]) -> Uncertainty:
    sensor = checked.record.channels[number].sensor
    return uncertainty_of(sensor, calibrations.get(number), checked.verdict.last_utc_ms)


def _of(rules: Rules, series: Series) -> list[Rule]:
    return [rule for rule in rules.limits if rule.channel == series.number]


def _order(one: Excursion) -> tuple[int, int]:
    return one.first_slot, one.channel


def _with_legs(found: Sequence[Excursion], legs: Sequence[Leg]) -> list[Excursion]:
    """The excursions in the order of time, each with the legs that it touches."""
    first = [leg.first_slot for leg in legs]
    behind = [leg.end_slot for leg in legs]
    return [
        replace(one, legs=tuple(range(bisect_right(behind, one.first_slot), bisect_right(first, one.last_slot))))
        for one in sorted(found, key=_order)
    ]


def _doubts(series: Series) -> list[str]:
    return [Sentence("channel {channel}: {doubt}", channel=series.number, doubt=doubt) for doubt in series.doubts]


def _channel(series: Series, rules: Rules, legs: Sequence[Leg]) -> ChannelResult:
    judging = rules.judging
    reference_c = None if judging.mkt_reference_c is None else float(judging.mkt_reference_c)
    places, celsius, period_s = series.places[series.judged], series.judged_celsius, series.period_s
    return ChannelResult(
        series,
        statistics_of(celsius, period_s),
        kinetic_mean(places, celsius, period_s, judging.mkt_window_s, reference_c),
        tuple(_leg(series, rules, leg) for leg in legs),
    )


def _leg(series: Series, rules: Rules, leg: Leg) -> LegStatistics:
    inside = slice(*np.searchsorted(series.judged_slots, [leg.first_slot, leg.end_slot]))
    celsius = series.judged_celsius[inside]
    outside = {
        number: float(np.count_nonzero(rule.is_outside(celsius))) * series.period_s
        for number, rule in enumerate(rules.limits)
        if rule.channel == series.number
    }
    return LegStatistics(leg.number, statistics_of(celsius, series.period_s), outside)
