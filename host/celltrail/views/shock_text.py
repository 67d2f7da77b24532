"""The lines of `celltrail evaluate` on shocks."""

from celltrail.evaluate.drops import DropHeight
from celltrail.evaluate.orientation import Orientation
from celltrail.evaluate.shocks import DamageResult, LegShocks, ShockResult
from celltrail.evaluate.verdicts import OUT, UNDECIDABLE

_WORDS = {OUT: "OUT", UNDECIDABLE: "UNDECIDABLE"}


def shock_line(one: ShockResult, when: str) -> str:
    """One event: how hard, how long, which way, from what height, and what limits the figures."""
    least = "at least " if one.lower_bound else ""
    length = f"{one.active_ms:.1f} ms above the threshold"
    if one.duration_ms is not None:
        length = f"{one.duration_ms:.1f} ms"
    remarks = list(one.remarks)
    if one.under_read > 0.1:
        remarks.append(f"too short for {one.shock.rate_Hz:.0f} Hz: up to {one.under_read:.0%} missed")
    told = f" ({', '.join(remarks)})" if remarks else ""
    return (
        f"{when}  leg {one.leg}  {least}{one.resultant_g:.1f} g, {length}, {one.velocity_change_m_s:.2f} m/s, "
        f"{_orientation(one.orientation)}, {_drop(one.drop)}{told}"
    )


def _orientation(one: Orientation) -> str:
    hit = f"hit on {one.kind} {one.hit}" if one.hit else "no side hit"
    lay = f"{one.up} up, tilted {one.tilt_deg:.0f} deg" if one.tilt_deg is not None else one.state
    return f"{hit}, {lay}"


def _drop(one: DropHeight) -> str:
    if one.method == "fall":
        return f"fell {_height(one.lowest_m)}"
    return f"as a fall of {_height(one.lowest_m)} to {_height(one.highest_m)} ({one.assumption})"


def _height(metres: float) -> str:
    return f"{metres:.2f} m" if metres >= 0.1 else f"{metres * 100:.1f} cm"


def leg_line(one: LegShocks, name: str) -> str:
    """The events of a leg."""
    if one.highest_g is None or one.highest_velocity_m_s is None or one.highest_drop_m is None:
        return f"leg {one.leg}  none"
    return (
        f"leg {one.leg}  {one.count}, the hardest {one.highest_g:.1f} g and {one.highest_velocity_m_s:.2f} m/s, "
        f"as a fall of {_height(one.highest_drop_m)} at most  ({name})"
    )


def damage_line(one: DamageResult) -> str:
    """The answer to a damage boundary."""
    limit = f"{one.fragility.critical_g} g and {one.fragility.critical_m_s} m/s together"
    unsure = f", {len(one.unsure)} may be" if one.unsure else ""
    return f"damage boundary {limit}: {len(one.beyond)} events beyond{unsure}  {_WORDS.get(one.verdict, one.verdict)}"
