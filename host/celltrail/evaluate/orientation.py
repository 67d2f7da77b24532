"""How the parcel lay before a shock, and on which side it was hit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from celltrail.evidence.record import GRAVITY, Shock

AXES = "xyz"
# A sensor at rest reads 1 g upward; less than half of that is a fall, and much else is motion.
_FALLING_G = 0.5
_RESTING_G = (0.8, 1.2)
# A direction belongs to all axes whose share of it is above this: one is a side, two an edge, three a corner.
_SHARE = 0.35
_KINDS = ("nothing", "side", "edge", "corner")


@dataclass(frozen=True)
class Orientation:
    """`state` is resting, falling or moving; `up` such as +z when it rested, with its tilt in degrees.

    `hit` names the sides that were hit, such as -z or -x-z, and `kind` whether that is a side, an edge or a corner.
    """

    state: str
    up: str
    tilt_deg: float | None
    hit: str
    kind: str


def orientation_of(shock: Shock, velocity_m_s: Sequence[float]) -> Orientation:
    """From rest before the event, and from the direction in which its velocity changed."""
    base = [value / GRAVITY for value in shock.base_m_s2]
    size = math.hypot(*base)
    hit, kind = _hit(velocity_m_s)
    if size < _FALLING_G:
        return Orientation("falling", "", None, hit, kind)
    if not _RESTING_G[0] <= size <= _RESTING_G[1]:
        return Orientation("moving", "", None, hit, kind)
    axis = max(range(3), key=lambda i: abs(base[i]))
    tilt = math.degrees(math.acos(min(1.0, abs(base[axis]) / size)))
    return Orientation("resting", _named(axis, base[axis]), tilt, hit, kind)


def _hit(velocity_m_s: Sequence[float]) -> tuple[str, str]:
    """The floor pushes the parcel away from itself: what was hit lies opposite to the change of velocity."""
    size = math.hypot(*velocity_m_s)
    if not size:
        return "", _KINDS[0]
    named = [_named(i, -one) for i, one in enumerate(velocity_m_s) if abs(one) / size > _SHARE]
    return "".join(named), _KINDS[len(named)]


def _named(axis: int, value: float) -> str:
    return ("+" if value > 0 else "-") + AXES[axis]
