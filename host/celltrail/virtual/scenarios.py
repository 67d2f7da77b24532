"""Trips to try the logger on. Each is drawn from a seed: the same seed gives the same trip on every PC."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from celltrail.errors import UsageFault
from celltrail.virtual.handling import handle
from celltrail.virtual.lane import STAGES, Lane, lag, travel
from celltrail.virtual.stimulus import Shock, Stimulus, Temperature
from celltrail.virtual.thermal import Box, Dewar, DryIceBox
from celltrail_protocol import codes

DEFAULT_DAYS = 5.0
_DAY_S = 86_400
# What one TMP117 shows in still air, before it rounds to its step of 7.8 mK.
_NOISE_K = 0.004
_SHORTEST_DAYS, _LONGEST_DAYS = 0.001, 100.0

Series = NDArray[np.float64]


@dataclass(frozen=True)
class Trip:
    """A scenario's result: the courses of four places, of which the first channels get a thermometer.

    payload_C: the payload itself, where a TMP117 can't measure it and a platinum probe can.
    """

    lane: Lane
    places_C: tuple[Series, Series, Series, Series]
    shocks: tuple[Shock, ...]
    payload_C: Series | None = None


def box(rng: np.random.Generator, duration_s: float) -> Trip:
    """2-8 degC box from Antwerp to Dallas; places: payload, coolant, under the lid, outside.

    Boxes differ: the wall's conductance is log-normal with 15 %, so that some trips end warm.
    """
    lane = travel(rng, duration_s)
    scale = duration_s / (DEFAULT_DAYS * _DAY_S)
    wall = 0.16 * float(np.exp(rng.normal(0, 0.15)))
    shipper = Box(wall_W_per_K=wall, coolant_kg=4.5 * scale)
    payload, coolant = shipper.run(lane.ambient_C, start_C=3.0)
    lid = 0.85 * payload + 0.15 * lag(lane.ambient_C, 3600)
    return Trip(lane, (payload, coolant, lid, lane.ambient_C), handle(rng, lane.handovers_s, duration_s))


def dry_ice(rng: np.random.Generator, duration_s: float) -> Trip:
    """Dry-ice box whose ice is gone late; places: in the wall, logger pocket, near the lid, outside.

    The payload itself is at -78.5 degC, where a TMP117 can't measure. Its thermometer sits in the foam wall,
    at 36 % of the way from the ice to the outside: by the straight profile of steady conduction about -43
    degC. A platinum probe lies at the payload.
    """
    lane = travel(rng, duration_s)
    needed_kg = 0.35 * float(np.mean(lane.ambient_C) + 78.5) * duration_s / 571e3
    inside = DryIceBox(ice_kg=needed_kg * float(rng.uniform(0.8, 0.95))).run(lane.ambient_C)
    walls = [lag(inside + share * (lane.ambient_C - inside), 7200) for share in (0.36, 0.55, 0.7)]
    places = (walls[0], walls[1], walls[2], lane.ambient_C)
    return Trip(lane, places, handle(rng, lane.handovers_s, duration_s), inside)


def dewar(rng: np.random.Generator, duration_s: float) -> Trip:
    """LN2 dry-vapour dewar that loses its vacuum at 60 %; places: neck plug, its top, lid, outside.

    The payload's vapour is far below a TMP117's range, so the thermometer sits in the neck plug, a quarter of
    the way from the ambient to the vapour: about -32 degC. Rising boil-off first cools the plug; then all is
    gone. A platinum probe lies in the vapour.
    """
    lane = travel(rng, duration_s)
    fails_at_step = int(0.6 * len(lane.at_ms))
    # Enough for twice the trip, as a dewar of ten days has for one of five.
    nitrogen_kg = 0.0085 * float(np.mean(lane.ambient_C) + 190) * 2 * duration_s / 199e3
    vapour, left = Dewar(nitrogen_kg, fails_at_step).run(lane.ambient_C)
    failed = np.arange(len(vapour)) >= fails_at_step
    # The fuller and the faster it boils, the more cold gas flows through the neck.
    share = 0.23 + 0.02 * left + 0.06 * (failed & (left > 0))
    depths = [lag(lane.ambient_C - part * share * (lane.ambient_C - vapour), 2400) for part in (1.0, 0.6, 0.2)]
    places = (depths[0], depths[1], depths[2], lane.ambient_C)
    return Trip(lane, places, handle(rng, lane.handovers_s, duration_s), vapour)


def bench(rng: np.random.Generator, duration_s: float) -> Trip:
    """A logger on a table: 21 degC with a daily course of 0.3 K; all places alike, nobody touches it."""
    still = travel(rng, duration_s)
    room = 21.0 + 0.3 * np.sin(2 * np.pi * still.at_ms / 86_400_000)
    lane = Lane(still.at_ms, room, np.full_like(room, STAGES[0].air_hPa), ())
    return Trip(lane, (room, room, room, room), ())


SCENARIOS: dict[str, Callable[[np.random.Generator, float], Trip]] = {
    "box": box,
    "dry-ice": dry_ice,
    "dewar": dewar,
    "bench": bench,
}


def list_scenarios() -> dict[str, str]:
    """Name and one line for each scenario."""
    return {name: (draw.__doc__ or "").splitlines()[0].rstrip(".") for name, draw in SCENARIOS.items()}


def make_scenario(
    name: str,
    *,
    seed: int = 1,
    days: float = DEFAULT_DAYS,
    start_utc_ms: int,
    models: tuple[int, ...] = (codes.MODEL_TMP117,),
    barometer: bool = False,
) -> Stimulus:
    """Draw a trip with 1 to 4 thermometers and an ADXL372; UsageFault for what can't be drawn."""
    if name not in SCENARIOS:
        raise UsageFault(f"there is no scenario {name!r}; choose one of {', '.join(SCENARIOS)}")
    if not _SHORTEST_DAYS <= days <= _LONGEST_DAYS:
        raise UsageFault(f"a scenario lasts {_SHORTEST_DAYS} to {_LONGEST_DAYS:.0f} days, not {days}")
    if seed < 0:
        raise UsageFault("a seed is a whole number from 0 on")
    rng = np.random.default_rng(seed)
    trip = SCENARIOS[name](rng, days * _DAY_S)
    temperatures = tuple(
        Temperature.from_celsius(trip.lane.at_ms, course + rng.normal(0, _NOISE_K, len(course)))
        for course in _courses(trip, models)
    )
    return Stimulus(
        start_utc_ms,
        round(days * _DAY_S * 1000),
        temperatures[: len(models)],
        trip.shocks,
        models=models,
        pressure=Temperature.from_celsius(trip.lane.at_ms, trip.lane.air_hPa) if barometer else None,
    )


def _courses(trip: Trip, models: tuple[int, ...]) -> list[Series]:
    """What each of the four channels would feel."""
    courses = list(trip.places_C)
    for channel, model in enumerate(models):
        if model == codes.MODEL_MAX31865 and trip.payload_C is not None:
            courses[channel] = trip.payload_C
    return courses
