"""Shock events as JSON: a part of the document of `celltrail evaluate --json`."""

from typing import Any

from celltrail.evaluate.evaluation import Evaluation
from celltrail.evaluate.shocks import DamageResult, LegShocks, ShockResult, Spectrum
from celltrail.evaluate.srs import Q
from celltrail.views.moment_json import moment_json


def shocks_json(made: Evaluation) -> dict[str, Any]:
    """The keys shocks, shocks_by_leg and damage_boundary."""
    return {
        "shocks": [_shock(one) for one in made.shocks],
        "shocks_by_leg": [_leg(one) for one in made.leg_shocks],
        "damage_boundary": None if made.damage is None else _damage(made.damage, made.shocks),
    }


def _shock(one: ShockResult) -> dict[str, Any]:
    lay, drop = one.orientation, one.drop
    return {
        "event": one.shock.event,
        "at": moment_json(one.moment),
        "leg": one.leg,
        "peak_g": list(one.peak_g),
        "resultant_g": one.resultant_g,
        "resultant_most_g": one.resultant_most_g,
        "lower_bound": one.lower_bound,
        "under_read": one.under_read,
        "duration_ms": one.duration_ms,
        "active_ms": one.active_ms,
        "velocity_m_s": list(one.velocity_m_s),
        "velocity_change_m_s": one.velocity_change_m_s,
        "rate_Hz": one.shock.rate_Hz,
        "orientation": {
            "state": lay.state,
            "up": lay.up or None,
            "tilt_deg": lay.tilt_deg,
            "hit": lay.hit or None,
            "kind": lay.kind,
        },
        "drop": {
            "method": drop.method,
            "lowest_m": drop.lowest_m,
            "highest_m": drop.highest_m,
            "at_least": drop.at_least,
            "assumption": drop.assumption,
            "restitution": drop.restitution,
        },
        "remarks": list(one.remarks),
        "spectrum": _spectrum(one.spectrum),
    }


def _spectrum(one: Spectrum | None) -> dict[str, Any] | None:
    if one is None:
        return None
    rows = {axis: [round(value, 4) for value in row] for axis, row in zip("xyz", one.axes_g.tolist(), strict=True)}
    return {"q": Q, "at_Hz": [round(value, 3) for value in one.at_Hz.tolist()], "axes_g": rows}


def _leg(one: LegShocks) -> dict[str, Any]:
    return {
        "leg": one.leg,
        "count": one.count,
        "highest_g": one.highest_g,
        "highest_velocity_m_s": one.highest_velocity_m_s,
        "highest_drop_m": one.highest_drop_m,
    }


def _damage(one: DamageResult, shocks: tuple[ShockResult, ...]) -> dict[str, Any]:
    return {
        "critical_g": float(one.fragility.critical_g),
        "critical_m_s": float(one.fragility.critical_m_s),
        "verdict": one.verdict,
        "beyond": [shocks[number].shock.event for number in one.beyond],
        "unsure": [shocks[number].shock.event for number in one.unsure],
    }
