"""One stored waveform: its main pulse, how long it is at a tenth of its peak, and whether the parcel fell before it."""

import math
from dataclasses import dataclass

import numpy as np

from celltrail.evidence.record import GRAVITY, Floats, Shock

# Of the peak; where a pulse begins and ends.
EDGE_SHARE = 0.1
# Less than this, gravity included, and the parcel falls; sensors are off by a tenth or two.
FALLING_G = 0.5
_SHORTEST_FALL_S = 0.005
# So long before the first active sample the pulse may rise already.
_RISE_S = 0.002
# A half-sine is above a tenth of its peak for this share of its length.
HALF_SINE_SHARE = 1 - 2 * math.asin(EDGE_SHARE) / math.pi


@dataclass(frozen=True)
class Pulse:
    """`duration_ms` at a tenth of the resultant's peak; `whole` False when the window ends before the pulse does.

    `velocity_m_s` is the integral over it, by axis. `fall_s` is how long it fell before, `fell_before` whether it fell
    already when the window began.
    """

    resultant_g: float
    duration_ms: float
    whole: bool
    velocity_m_s: tuple[float, float, float]
    fall_s: float | None
    fell_before: bool


def wave_g(shock: Shock) -> Floats:
    """The stored waveform in g as measured, gravity included: shape (3, samples)."""
    return np.array(shock.waves, np.float64) * (shock.step_ng * 1e-9)


def rest_g(shock: Shock) -> Floats:
    """Rest before the event in g, shape (3, 1)."""
    return np.array(shock.base, np.float64)[:, None] * (shock.step_ng * 1e-9)


def pulse_of(shock: Shock) -> Pulse | None:
    """The main pulse of a stored waveform; None when there is none, or it says nothing."""
    if not shock.waves or not shock.rate_mHz or not shock.step_ng:
        return None
    measured = wave_g(shock)
    away = measured - rest_g(shock)
    resultant = np.sqrt((away**2).sum(axis=0))
    peak = int(np.argmax(resultant))
    if not resultant[peak]:
        return None
    begin, has_begin = _edge(resultant[peak::-1])
    end, has_end = _edge(resultant[peak:])
    fall_s, fell_before = _fall(np.sqrt((measured**2).sum(axis=0)), shock)
    x, y, z = (_integral(axis, peak - begin, peak + end) * GRAVITY / shock.rate_Hz for axis in away)
    return Pulse(
        resultant_g=float(resultant[peak]),
        duration_ms=(begin + end) / shock.rate_Hz * 1000,
        whole=has_begin and has_end,
        velocity_m_s=(x, y, z),
        fall_s=fall_s,
        fell_before=fell_before,
    )


def _edge(outward: Floats) -> tuple[float, bool]:
    """How many samples from the peak outward the pulse falls to its edge, and whether it does at all."""
    level = outward[0] * EDGE_SHARE
    below = np.flatnonzero(outward < level)
    if not len(below):
        return float(len(outward) - 1), False
    after = int(below[0])
    high, low = float(outward[after - 1]), float(outward[after])
    return after - 1 + (high - level) / (high - low), True


def _integral(axis: Floats, begin: float, end: float) -> float:
    """Of straight lines between samples, from one place to another; samples as the unit of time."""
    inner = np.arange(math.ceil(begin), math.floor(end) + 1, dtype=np.float64)
    places = np.concatenate([[begin], inner, [end]])
    values = np.interp(places, np.arange(len(axis)), axis)
    return float(((values[1:] + values[:-1]) / 2 * np.diff(places)).sum())


def _fall(size_g: Floats, shock: Shock) -> tuple[float | None, bool]:
    """How long the parcel fell until the first active sample, and whether it fell from the window's beginning on."""
    before = size_g[: shock.pre]
    falls = before < FALLING_G
    last = np.flatnonzero(falls)
    if not len(last) or shock.pre - int(last[-1]) - 1 > math.ceil(_RISE_S * shock.rate_Hz):
        return None, False
    stands = np.flatnonzero(~falls[: last[-1]])
    first = int(stands[-1]) + 1 if len(stands) else 0
    seconds = (int(last[-1]) - first + 1) / shock.rate_Hz
    return (seconds, first == 0) if seconds >= _SHORTEST_FALL_S else (None, False)
