"""Impacts on a parcel: how many, when, how high, and what an accelerometer inside would feel.

The prior is a study of 100 overnight air parcels (FedEx and UPS) with 2,394 impacts above 10 g: 24 impacts a
one-way trip; 31 % drops, 43.6 % kicks, 25.4 % tosses; 95 % of drops below 0.40 m, the highest 1.97 m; 51.1 %
on an edge, 42 % on a corner, 6.9 % on a face. We use its height distribution for all three kinds. Pulse
shapes are the textbook half sine with a ringing after it. Vibration of vehicles is left out: it stays below
what wakes the logger.
"""

import numpy as np
from numpy.typing import NDArray

from celltrail.virtual.stimulus import Shock

IMPACTS_A_TRIP = 24
_KINDS, _KIND_SHARES = ("drop", "kick", "toss"), (0.31, 0.436, 0.254)
_FACES, _FACE_SHARES = ("edge", "corner", "face"), (0.511, 0.42, 0.069)
_MEDIAN_HEIGHT_m = 0.12
# With this spread 5 % of a log-normal are above 0.40 m: ln(0.40 / 0.12) / 1.645.
_HEIGHT_SPREAD = 0.73
_LARGEST_HEIGHT_m = 1.97
_PULSE_s = (0.002, 0.015)
_RINGING_Hz = (80.0, 300.0)
_DAMPING = 0.08
_RINGING_SHARE = 0.25
_RINGING_s = 0.06
_STEP_s = 1e-4
_G = 9.80665
_REST_g = np.array([0.0, 0.0, 1.0])
_NEAR_HANDOVER_s = 600.0
_KNOCKS, _KNOCKS_APART_s, _KNOCK_g, _KNOCK_s = 5, 0.4, 4.0, 0.008
_APART_s = 5.0


def handle(rng: np.random.Generator, handovers_s: tuple[float, ...], duration_s: float) -> tuple[Shock, ...]:
    """Draw the impacts of one trip; they cluster around the handovers."""
    count = int(rng.poisson(IMPACTS_A_TRIP))
    centres_s = rng.choice(np.array(handovers_s), count)
    at_s = np.sort(centres_s + rng.uniform(0, min(_NEAR_HANDOVER_s, duration_s / 20), count))
    shocks, free_from_s = [], 1.0
    for wanted_s in at_s.tolist():
        shock = _impact(rng, max(wanted_s, free_from_s))
        free_from_s = shock.span_us[1] / 1e6 + _APART_s
        if free_from_s < duration_s:
            shocks.append(shock)
    return tuple(shocks)


def knocking(at_s: float) -> Shock:
    """Somebody knocks five times on the lid, to wake the radio."""
    course_g = _KNOCK_g * np.sin(np.pi * np.arange(round(_KNOCK_s / _STEP_s) + 1) * _STEP_s / _KNOCK_s)
    at_us = np.arange(len(course_g)) * round(_STEP_s * 1e6)
    starts_us = round(at_s * 1e6) + np.arange(_KNOCKS) * round(_KNOCKS_APART_s * 1e6)
    xyz_g = _REST_g + np.round(np.tile(course_g, _KNOCKS), 4)[:, None] * _REST_g
    return Shock((starts_us[:, None] + at_us).ravel().astype(np.int64), xyz_g)


def _impact(rng: np.random.Generator, at_s: float) -> Shock:
    kind = str(rng.choice(_KINDS, p=_KIND_SHARES))
    height_m = min(float(rng.lognormal(np.log(_MEDIAN_HEIGHT_m), _HEIGHT_SPREAD)), _LARGEST_HEIGHT_m)
    pulse_s = float(np.exp(rng.uniform(*np.log(_PULSE_s))))
    fall_s = 0.0 if kind == "kick" else float(np.sqrt(2 * height_m / _G))
    velocity_mps = (1 + rng.uniform(0.2, 0.5)) * np.sqrt(2 * height_m * _G)
    course_g = _pulse(rng, float(velocity_mps), pulse_s)
    direction = _direction(rng, sideways=kind == "kick")
    return _shock(at_s, fall_s, course_g[:, None] * direction)


def _pulse(rng: np.random.Generator, velocity_mps: float, pulse_s: float) -> NDArray[np.float64]:
    """Half sine whose area is the velocity change, and a damped ringing after it; every _STEP_s, in g."""
    peak_g = velocity_mps * np.pi / (2 * pulse_s) / _G
    t_s = np.arange(round((pulse_s + _RINGING_s) / _STEP_s)) * _STEP_s
    omega = 2 * np.pi * rng.uniform(*_RINGING_Hz)
    after_s = np.maximum(t_s - pulse_s, 0.0)
    ringing = -_RINGING_SHARE * np.exp(-_DAMPING * omega * after_s) * np.sin(omega * after_s)
    return np.asarray(peak_g * np.where(t_s < pulse_s, np.sin(np.pi * t_s / pulse_s), ringing))


def _direction(rng: np.random.Generator, sideways: bool) -> NDArray[np.float64]:
    """Unit vector on a face, edge or corner of the parcel; a kick comes from the side."""
    face = str(rng.choice(_FACES, p=_FACE_SHARES))
    axes = {"face": 1, "edge": 2, "corner": 3}[face]
    order = [*rng.permutation(2).tolist(), 2] if sideways else rng.permutation(3).tolist()
    vector = np.zeros(3)
    vector[order[:axes]] = rng.uniform(0.4, 1.0, axes) * rng.choice([-1.0, 1.0], axes)
    return np.asarray(vector / np.sqrt((vector**2).sum()))


def _shock(at_s: float, fall_s: float, impact_g: NDArray[np.float64]) -> Shock:
    """Rest, free fall (if any), the impact, rest. Rows are as close as the course needs."""
    lift_s = 0.01
    rest, weightless = [_REST_g], [np.zeros(3), np.zeros(3)]
    times_s, rows = [0.0], rest
    if fall_s > 3 * lift_s:
        times_s, rows = [0.0, lift_s, fall_s], rest + weightless
    impact_s = times_s[-1] + _STEP_s * np.arange(1, len(impact_g) + 1)
    settled_s = impact_s[-1] + lift_s
    xyz_g = np.vstack([*rows, _REST_g + impact_g, _REST_g])
    at_us = np.rint((at_s + np.concatenate([times_s, impact_s, [settled_s]])) * 1e6).astype(np.int64)
    # Rounded, so that the last bits of one PC's sine don't matter.
    return Shock(at_us, np.round(xyz_g, 4))
