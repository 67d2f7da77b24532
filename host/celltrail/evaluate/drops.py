"""The height of a fall that would do the same: from how long it fell, or from how much its velocity changed.

From rest: h = g t^2 / 2. From a velocity change dV, of which a rebound with restitution e is a part:
h = dV^2 / (2 g (1 + e)^2), with e anywhere from 0 (stays down) to 1 (springs back). With both, e = dV / (g t) - 1.
"""

from dataclasses import dataclass

from celltrail.evidence.record import GRAVITY

RESTITUTION = (0.0, 1.0)


@dataclass(frozen=True)
class DropHeight:
    """Metres. `lowest_m` to `highest_m` is the equivalent height by `method`: "fall" or "velocity".

    `at_least` says that the fall began before the window did. `restitution` is what both together give, a check: from
    0 to 1 for a plain drop.
    """

    method: str
    lowest_m: float
    highest_m: float
    at_least: bool
    assumption: str
    restitution: float | None = None


def height_of_fall(seconds: float) -> float:
    """Metres fallen from rest."""
    return GRAVITY * seconds**2 / 2


def height_of_velocity(change_m_s: float, restitution: float) -> float:
    """Metres that give this velocity change when it comes back with this restitution."""
    return change_m_s**2 / (2 * GRAVITY * (1 + restitution) ** 2)


def restitution_of(change_m_s: float, seconds: float) -> float:
    """How much of the speed came back, by both."""
    return change_m_s / (GRAVITY * seconds) - 1


def drop_height(change_m_s: float, fall_s: float | None, fell_before: bool) -> DropHeight:
    """The equivalent height of an event: from the fall when there was a whole one, else from its velocity change."""
    highest_m, lowest_m = (height_of_velocity(change_m_s, one) for one in RESTITUTION)
    if fall_s and not fell_before:
        height_m = height_of_fall(fall_s)
        restitution = restitution_of(change_m_s, fall_s)
        return DropHeight("fall", height_m, height_m, False, "it fell from rest", restitution)
    assumption = "restitution 0 to 1"
    if fall_s:
        least_m = height_of_fall(fall_s)
        assumption += f", and it fell for {fall_s * 1000:.0f} ms at least"
        return DropHeight("velocity", max(lowest_m, least_m), max(highest_m, least_m), True, assumption)
    return DropHeight("velocity", lowest_m, highest_m, False, assumption)
