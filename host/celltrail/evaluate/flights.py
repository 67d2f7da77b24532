"""Flights, guessed from air pressure: a cabin climbs to some 2,000 m and comes down, faster than any weather.

A cabin changes by 11 to 18 hPa a minute and is held at 750 to 850 hPa; weather moves by 10 hPa in hours, a lift by 12
hPa a hundred metres. What a road over a mountain does looks alike, and lowers the confidence.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from celltrail.evaluate.legs import INFERRED, Milestone
from celltrail.evaluate.timeline import Timeline
from celltrail.evidence.record import Channel, Floats, Record

TAKE_OFF, LANDING = "take-off", "landing"
# So much within an hour is a climb or a descent: 500 m at sea level.
_CLIMB_hPa = 60.0
_HOUR_S = 3600.0
# A change begins, and has ended, where the pressure is within this of the level before, and after, it.
_LEVEL_hPa = 4.0
# Below this a cabin is held, and hardly a road.
_CABIN_hPa = 900.0
_FAST_hPa_PER_MIN = 3.0
_FEWEST_READINGS = 3
# More are no trip, and would take long.
_MOST_FLIGHTS = 30
# By how many signs speak for it.
_CONFIDENCE = {1: 0.5, 2: 0.7, 3: 0.85}


@dataclass(frozen=True)
class Flight:
    """Numbers of readings: the last one before the climb, and the first one after the descent; None: not seen."""

    off: int
    on: int | None
    lowest_hPa: float


def infer_flights(record: Record, timeline: Timeline) -> list[Milestone]:
    """A take-off and a landing for each flight that the first barometer shows; nothing without one."""
    if not record.pressures:
        return []
    channel = record.pressures[0]
    hPa = channel.sensor.hectopascal_of(channel.raw)
    at_s = np.asarray(timeline.places_of(channel.slots) * timeline.period_s, np.float64)
    found: list[Milestone] = []
    for flight in flights_in(hPa, at_s):
        signs = _signs(hPa, at_s, flight, _shocks_at(record, timeline))
        found.append(_milestone(timeline, channel, flight.off, TAKE_OFF, signs))
        if flight.on is not None:
            found.append(_milestone(timeline, channel, flight.on, LANDING, signs))
    return found


def flights_in(hPa: Floats, at_s: Floats) -> list[Flight]:
    """Flights in readings at these ascending times; what was before a landing says nothing about what comes after."""
    found: list[Flight] = []
    at = 0
    while len(hPa) - at >= _FEWEST_READINGS and len(found) < _MOST_FLIGHTS:
        before, _ = _hour_before(hPa[at:], at_s[at:])
        falls = np.flatnonzero(before - hPa[at:] >= _CLIMB_hPa)
        if not len(falls):
            break
        off = at + _climb_from(hPa[at:], int(falls[0]), float(before[falls[0]]))
        on = _landing(hPa, at_s, off + 1)
        found.append(Flight(off, on, float(hPa[off : on if on is not None else len(hPa)].min())))
        if on is None:
            break
        at = on
    return found


def _landing(hPa: Floats, at_s: Floats, first: int) -> int | None:
    """The first reading on the level after the descent; None when the record ends before it."""
    if len(hPa) - first < _FEWEST_READINGS:
        return None
    _, lowest = _hour_before(hPa[first:], at_s[first:])
    rises = np.flatnonzero(hPa[first:] - lowest >= _CLIMB_hPa)
    return _descent_to(hPa, at_s, first + int(rises[0])) if len(rises) else None


def _hour_before(hPa: Floats, at_s: Floats) -> tuple[Floats, Floats]:
    """The highest and the lowest reading within the hour up to each; readings are evenly spaced but for gaps."""
    steps = np.diff(at_s)
    width = max(2, round(_HOUR_S / float(np.median(steps))) + 1)
    padded = np.concatenate([np.full(width - 1, hPa[0]), hPa])
    windows = sliding_window_view(padded, width)
    highest, lowest = windows.max(axis=1), windows.min(axis=1)
    # Across a longer gap the window holds readings that are older: nobody knows how fast it changed.
    times = np.concatenate([np.full(width - 1, at_s[0]), at_s])
    old = at_s - times[: len(at_s)] > 2 * _HOUR_S
    return np.where(old, hPa, highest), np.where(old, hPa, lowest)


def _climb_from(hPa: Floats, fall: int, level_hPa: float) -> int:
    """The last reading before `fall` that is still on the level before it."""
    on_level = np.flatnonzero(hPa[: fall + 1] >= level_hPa - _LEVEL_hPa)
    return int(on_level[-1]) if len(on_level) else 0


def _descent_to(hPa: Floats, at_s: Floats, rise: int) -> int:
    """The first reading from `rise` on that is on the level of the hour after it."""
    end = int(np.searchsorted(at_s, at_s[rise] + _HOUR_S, side="right"))
    after = hPa[rise:end]
    return rise + int(np.flatnonzero(after >= after.max() - _LEVEL_hPa)[0])


def _shocks_at(record: Record, timeline: Timeline) -> Floats:
    slots = np.array([timeline.slot_of(one.at) for one in record.shocks], np.int64)
    return np.asarray(timeline.places_of(slots) * timeline.period_s, np.float64)


def _signs(hPa: Floats, at_s: Floats, flight: Flight, shocks_s: Floats) -> list[str]:
    fallen = float(hPa[flight.off]) - flight.lowest_hPa
    signs = [f"the pressure fell by {fallen:.0f} hPa"]
    inside = slice(flight.off, flight.on)
    if flight.lowest_hPa < _CABIN_hPa:
        signs.append(f"it was below {_CABIN_hPa:.0f} hPa")
    end_s = float(at_s[flight.on]) if flight.on is not None else float(at_s[-1])
    minutes = np.diff(at_s[inside]) / 60
    fastest = float((-np.diff(hPa[inside]) / minutes).max()) if len(minutes) else 0.0
    quiet = not np.any((shocks_s > at_s[flight.off]) & (shocks_s < end_s))
    if fastest >= _FAST_hPa_PER_MIN and quiet:
        signs.append(f"it fell by {fastest:.0f} hPa a minute, and no shock came")
    return signs


def _milestone(timeline: Timeline, channel: Channel, number: int, name: str, signs: list[str]) -> Milestone:
    moment = timeline.moments_of(channel.slots[number : number + 1])[0]
    return Milestone(moment, name, INFERRED, confidence=_CONFIDENCE[len(signs)], evidence=", ".join(signs))
