"""The evaluation as JSON: `celltrail evaluate --json`.

Seconds, degC, K and UTC in ISO 8601; null is unknown, or without bound where a key begins with `possibly` or `worst`.
The keys are documented in docs/evaluation.md.
"""

from typing import Any

from celltrail.evaluate.budget import BudgetResult
from celltrail.evaluate.evaluation import ChannelResult, Evaluation
from celltrail.evaluate.excursions import Excursion
from celltrail.evaluate.judge import RuleResult
from celltrail.evaluate.legs import Leg, Milestone
from celltrail.evaluate.mkt import DH_KJ_MOL, R_J_MOL_K
from celltrail.evaluate.plausible import Flag
from celltrail.evaluate.statistics import Statistics
from celltrail.evaluate.uncertainty import Uncertainty
from celltrail.views.moment_json import moment_json
from celltrail.views.shock_json import shocks_json

EVALUATION_VERSION = 1


def evaluation_json(made: Evaluation) -> dict[str, Any]:
    """The whole document."""
    record, verdict = made.record, made.checked.verdict
    return {
        "version": EVALUATION_VERSION,
        "file": str(made.checked.trail.path),
        "sha256": verdict.digest.hex(),
        "verify": verdict.word,
        "logger": {"uid": record.uid.hex() if any(record.uid) else None, "name": record.name},
        "trip": record.trip if record.trip >= 0 else None,
        "profile": {
            "name": made.rules.name,
            "title": made.rules.title,
            "as_armed": made.rules.armed,
            "sources": list(made.rules.sources),
        },
        "answer": made.answer,
        "judged": {"start": moment_json(made.start), "end": moment_json(made.end)},
        "rules": [_rule(number, one) for number, one in enumerate(made.results)],
        "budgets": [_budget(one) for one in made.budgets],
        "excursions": [_excursion(one) for one in made.excursions],
        "channels": [_channel(made, one) for one in made.channels],
        "legs": [leg_json(one) for one in made.legs],
        **shocks_json(made),
        "flags": [_flag(one) for one in made.flags],
        "notes": list(made.notes),
    }


def _rule(number: int, one: RuleResult) -> dict[str, Any]:
    rule = one.rule
    return {
        "rule": number,
        "channel": rule.channel,
        "side": "high" if rule.is_high else "low",
        "limit_c": rule.limit_c,
        "mode": "cumulative" if rule.is_cumulative else "single",
        "delay_s": rule.delay_s,
        "verdict": one.verdict,
        "as_read": one.as_read,
        "reasons": list(one.reasons),
        "level_c": one.level_c,
        "worst_c": one.worst_c,
        "beyond_c": one.beyond_c,
        "uncertainty_c": one.uncertainty_c,
        "decided_by_c": one.decided_by_c,
        "outside_s": one.outside_s,
        "surely_s": one.surely_s,
        "possibly_s": one.possibly_s,
    }


def _budget(one: BudgetResult) -> dict[str, Any]:
    return {
        "channel": one.channel,
        "side": one.budget.side,
        "low_c": float(one.budget.low_c),
        "high_c": float(one.budget.high_c),
        "allowed_s": one.budget.allowed_s,
        "used_before_s": one.used_before_s,
        "verdict": one.verdict,
        "used_s": one.used_s,
        "surely_s": one.surely_s,
        "possibly_s": one.possibly_s,
        "left_s": one.left_s,
        "by_leg_s": list(one.by_leg_s),
    }


def _excursion(one: Excursion) -> dict[str, Any]:
    return {
        "channel": one.channel,
        "side": "high" if one.is_high else "low",
        "limit_c": one.limit_c,
        "start": moment_json(one.start),
        "end": moment_json(one.end),
        "readings": one.readings,
        "outside_s": one.outside_s,
        "unknown_s": one.unknown_s,
        "extreme_c": one.extreme_c,
        "extreme_at": moment_json(one.extreme_at),
        "area_c_min": one.area_c_min,
        "sure": one.sure,
        "legs": list(one.legs),
    }


def _channel(made: Evaluation, one: ChannelResult) -> dict[str, Any]:
    within, kinetic = one.series.uncertainty, one.kinetic
    return {
        "channel": one.series.number,
        "sensor": made.record.channels[one.series.number].sensor.name,
        "unknown_s": one.series.unknown_s,
        "uncertainty": {
            "total_c": within.total_c,
            "step_c": within.step_c,
            "sensor_c": within.sensor_c,
            "drift_c": within.drift_c,
            "probe_c": within.probe_c,
            "offset_c": _offset_c(within),
            "points_c": [list(point) for point in within.points],
            "basis": within.basis,
        },
        "statistics": _statistics(one.statistics),
        "mkt": None
        if kinetic is None
        else {
            "window_s": kinetic.window_s,
            "highest_c": kinetic.value_c,
            "whole_window": kinetic.whole,
            "reference_c": kinetic.reference_c,
            "dh_kJ_mol": DH_KJ_MOL,
            "r_J_mol_K": R_J_MOL_K,
        },
        "legs": [
            {
                "leg": leg.leg,
                "statistics": _statistics(leg.statistics),
                "outside_s": {str(rule): seconds for rule, seconds in leg.outside_s.items()},
            }
            for leg in one.legs
        ],
    }


def _offset_c(within: Uncertainty) -> float | None:
    """What is added to every reading; null where it depends on the reading, which the points tell."""
    least, most = within.corrections_c
    return least if least == most else None


def _statistics(one: Statistics) -> dict[str, Any]:
    return {
        "readings": one.readings,
        "covered_s": one.covered_s,
        "lowest_c": one.lowest_c,
        "highest_c": one.highest_c,
        "mean_c": one.mean_c,
        "sd_c": one.sd_c,
        "percentiles_c": {str(rank): value for rank, value in (one.percentiles_c or {}).items()},
    }


def leg_json(one: Leg) -> dict[str, Any]:
    """A leg and what it is known from."""
    return {
        "leg": one.number,
        "basis": one.basis,
        "confidence": one.confidence,
        "length_s": one.length_s,
        "start": _milestone(one.start),
        "end": _milestone(one.end),
    }


def _milestone(one: Milestone) -> dict[str, Any]:
    return {
        "event": one.name,
        "place": one.place,
        "note": one.note,
        "source": one.source,
        "confidence": one.confidence,
        "evidence": one.evidence,
        "zone": one.zone or None,
        **moment_json(one.moment),
    }


def _flag(one: Flag) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "channel": one.channel,
        "start": moment_json(one.start),
        "end": moment_json(one.end),
        "count": one.count,
        "text": one.text,
    }
