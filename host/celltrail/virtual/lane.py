"""The surroundings of a parcel from a hospital in Antwerp to a laboratory in Dallas, in summer.

The stages and their temperatures are our assumptions for a plausible trip, not measurements: about five days
with a night in a cool room, a passenger flight, two days at customs and a hot apron.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEP_S = 10
_SUN_K = 8.0


@dataclass(frozen=True)
class Stage:
    """Where the parcel is: its share of the whole trip, and the air around it."""

    name: str
    share: float
    ambient_C: float
    swing_K: float
    sunny: bool = False
    air_hPa: float = 1013.25


# What a cabin is held at in cruise, about 2,000 m, and the air of the destination's 180 m.
_CABIN_HPA, _DALLAS_HPA = 790.0, 992.0
STAGES = (
    Stage("hospital", 0.03, 21.0, 0.5),
    Stage("courier car", 0.02, 19.0, 2.0),
    Stage("airline acceptance", 0.05, 20.0, 1.5),
    Stage("airport cool room", 0.12, 5.0, 1.0),
    Stage("apron Brussels", 0.015, 24.0, 1.0, sunny=True),
    Stage("aircraft hold", 0.08, 9.0, 2.0, air_hPa=_CABIN_HPA),
    Stage("apron transit airport", 0.015, 30.0, 1.5, sunny=True),
    Stage("customs warehouse", 0.35, 23.0, 3.0),
    Stage("airline cool room", 0.15, 6.0, 1.0),
    Stage("aircraft hold", 0.03, 12.0, 2.0, air_hPa=_CABIN_HPA),
    Stage("apron Dallas", 0.02, 37.0, 1.5, True, _DALLAS_HPA),
    Stage("delivery truck", 0.05, 29.0, 3.0, False, _DALLAS_HPA),
    Stage("laboratory reception", 0.07, 21.0, 0.5, False, _DALLAS_HPA),
)


def lag(course: NDArray[np.float64], lag_s: float) -> NDArray[np.float64]:
    """What a body with this time constant shows of a course (first-order lag, explicit Euler)."""
    lagged, value = np.empty_like(course), float(course[0])
    share = STEP_S / lag_s
    for i, goal in enumerate(course.tolist()):
        value += (goal - value) * share
        lagged[i] = value
    return lagged


@dataclass(frozen=True)
class Lane:
    """One trip: the ambient temperature and pressure every STEP_S, and when the parcel changes hands."""

    at_ms: NDArray[np.int64]
    ambient_C: NDArray[np.float64]
    air_hPa: NDArray[np.float64]
    handovers_s: tuple[float, ...]


def travel(rng: np.random.Generator, duration_s: float) -> Lane:
    """Draw one trip: each stage is up to a third shorter or longer, then all are fitted to the duration."""
    shares = np.array([stage.share for stage in STAGES]) * rng.uniform(2 / 3, 4 / 3, len(STAGES))
    ends_s = np.cumsum(shares / shares.sum()) * duration_s
    at_s = np.arange(0, int(duration_s) + 1, STEP_S, dtype=np.int64)
    index = np.minimum(np.searchsorted(ends_s, at_s, side="right"), len(STAGES) - 1)
    means = np.array([stage.ambient_C + rng.normal(0, 1) for stage in STAGES])
    swings = np.array([stage.swing_K for stage in STAGES])
    sun = np.array([_SUN_K * rng.uniform(0, 1) * stage.sunny for stage in STAGES])
    wobble = _wobble(rng, len(at_s))
    # The air around a parcel does not jump when a door opens.
    ambient = lag(means[index] + swings[index] * wobble + sun[index], lag_s=900)
    # A cabin climbs and descends within some twenty minutes.
    air = lag(np.array([stage.air_hPa for stage in STAGES])[index], lag_s=500)
    return Lane(at_s * 1000, ambient, air, (0.0, *map(float, ends_s[:-1])))


def _wobble(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """A slow random course within -1..1: three sines with periods of 20 minutes to 6 hours."""
    phases, periods_s = rng.uniform(0, 2 * np.pi, 3), np.array([1200.0, 5400.0, 21600.0])
    at_s = np.arange(count, dtype=np.float64)[:, None] * STEP_S
    return np.asarray(np.sin(2 * np.pi * at_s / periods_s + phases).mean(axis=1))
