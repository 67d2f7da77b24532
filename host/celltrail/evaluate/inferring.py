"""Legs that nobody marked: when the parcel was handled and when it rested, guessed from shocks and temperature.

Shocks that follow each other within a while are one handling; what lies between two handlings for hours is a rest.
Each sign that speaks for a change raises its confidence, which stays well below that of anything measured: two or more
shocks, hours of quiet on the other side, and a temperature that goes another way afterwards.
"""

import numpy as np

from celltrail.evaluate.legs import INFERRED, Milestone
from celltrail.evaluate.timeline import Timeline
from celltrail.evidence.record import Channel, Floats, Instant, Ints, Record, Shock

HANDLED, RESTED = "handling", "rest"
# Shocks closer together than this belong to one handling; a longer quiet is a rest.
_TOGETHER_S = 45 * 60
_REST_S = 2 * 3600
# Before and after a change, so long a stretch tells the trend; it turns when it differs by so much.
_TREND_S = 3600
_TURN_C_PER_H = 0.2
_FEWEST_READINGS = 5
# By how many signs speak for it.
_CONFIDENCE = {1: 0.4, 2: 0.55, 3: 0.7}


def infer_milestones(record: Record, timeline: Timeline) -> list[Milestone]:
    """Where handling and rest seem to begin; nothing when no shocks were recorded."""
    shocks = [(timeline.slot_of(one.at), one) for one in record.shocks]
    if not shocks:
        return []
    slots = np.array([slot for slot, _ in shocks], np.int64)
    places = timeline.places_of(slots)
    apart_s = np.diff(places) * timeline.period_s
    groups = np.split(np.arange(len(shocks)), np.flatnonzero(apart_s > _TOGETHER_S) + 1)
    found: list[Milestone] = []
    for group in groups:
        first, last = int(group[0]), int(group[-1])
        quiet = (_quiet_s(places, first, timeline, -1), _quiet_s(places, last, timeline, 1))
        if quiet[0] >= _REST_S:
            found.append(_change(record, timeline, HANDLED, shocks[first], len(group)))
        if quiet[1] >= _REST_S:
            found.append(_change(record, timeline, RESTED, shocks[last], len(group)))
    return found


def _quiet_s(places: Ints, number: int, timeline: Timeline, side: int) -> float:
    """How long no shock came before (-1) or after (1) one."""
    near = number + side
    if 0 <= near < len(places):
        other = int(places[near])
    else:
        other = timeline.place_of(0) if side < 0 else timeline.place_of(max(timeline.end - 1, 0))
    return abs(int(places[number]) - other) * timeline.period_s


def _change(record: Record, timeline: Timeline, name: str, at: tuple[int, Shock], shocks: int) -> Milestone:
    slot, shock = at
    signs = ["hours without a shock on one side"]
    if shocks > 1:
        signs.append(f"{shocks} shocks on the other")
    turn = max((_turn(channel, slot, timeline.period_s) for channel in record.channels), default=0.0)
    if turn >= _TURN_C_PER_H:
        signs.append(f"the temperature turned by {turn:.1f} K an hour")
    # A rest begins behind the last shock, which still is of the handling.
    at_tick = Instant(shock.at.boot, shock.at.tick_ms + (name == RESTED))
    return Milestone(
        timeline.moment(at_tick),
        name,
        INFERRED,
        confidence=_CONFIDENCE[len(signs)],
        evidence=", ".join(signs),
    )


def _turn(channel: Channel, slot: int, period_s: float) -> float:
    """By how much the trend of the temperature changes at a slot, K an hour; 0 with too few readings."""
    reach = max(1, round(_TREND_S / period_s))
    before, after = (
        slice(*np.searchsorted(channel.slots, edges)) for edges in ([slot - reach, slot], [slot, slot + reach])
    )
    trends = [_trend(channel.slots[part] * period_s / 3600, channel.celsius[part]) for part in (before, after)]
    return 0.0 if None in trends else abs((trends[1] or 0.0) - (trends[0] or 0.0))


def _trend(hours: Floats, celsius: Floats) -> float | None:
    """The slope of the straight line that fits best, K an hour."""
    if len(hours) < _FEWEST_READINGS:
        return None
    away = hours - hours.mean()
    return float(away @ celsius / (away @ away))
