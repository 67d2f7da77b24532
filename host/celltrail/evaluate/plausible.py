"""What physics makes hard to believe: shown beside the readings, and never a reason to leave one out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celltrail.evaluate.levels import Bools
from celltrail.evaluate.series import Series
from celltrail.evaluate.timeline import Moment, Timeline
from celltrail.evidence.record import Channel, Ints, Record
from celltrail_protocol.codes import FAULT_ABSENT, FAULT_OPEN, FAULT_SHORT

JUMP = "jump"
FROZEN = "frozen"
DISCONNECTED = "disconnected"
SATURATED = "saturated"

# A probe in a parcel: 5 K at once, or 10 K a minute, are more than air or liquid around it can do.
JUMP_C = 5.0
FASTEST_C_PER_MIN = 10.0
# A probe whose step is finer than its own noise doesn't read the same value for so long.
FROZEN_S = 6 * 3600
FROZEN_READINGS = 60
_FINE_STEP_C = 0.02
_CAUSES = {FAULT_OPEN: "probe open", FAULT_SHORT: "probe shorted", FAULT_ABSENT: "sensor did not answer"}


@dataclass(frozen=True)
class Flag:
    """A doubt about readings from `start` to `end`; `count` are the readings, or the slots without one."""

    kind: str
    channel: int
    start: Moment
    end: Moment
    first_slot: int
    count: int
    text: str


def flags_of(record: Record, series: Sequence[Series], timeline: Timeline) -> list[Flag]:
    """The doubts about all channels, in the order of time."""
    found: list[Flag] = []
    for one in series:
        channel = record.channels[one.number]
        found += _jumps(one, timeline) + _frozen(channel, one, timeline) + _saturated(channel, one, timeline)
        found += _disconnected(record, one, timeline)
    return sorted(found, key=lambda flag: (flag.first_slot, flag.channel))


def _jumps(series: Series, timeline: Timeline) -> list[Flag]:
    slots, celsius, places = series.judged_slots, series.judged_celsius, timeline.places_of(series.judged_slots)
    steps = np.abs(np.diff(celsius))
    allowed = np.maximum(JUMP_C, FASTEST_C_PER_MIN * np.diff(places) * series.period_s / 60)
    # Neighbouring jumps, up and down again, are one doubt.
    found = []
    for first, last in _runs(steps > allowed):
        highest = float(steps[first : last + 1].max())
        text = f"{highest:.1f} K from one reading to the next: faster than a parcel can be"
        found.append(_flag(JUMP, series, timeline, int(slots[first + 1]), int(slots[last + 1]), last - first + 1, text))
    return found


def _frozen(channel: Channel, series: Series, timeline: Timeline) -> list[Flag]:
    if channel.sensor.celsius(1) > _FINE_STEP_C:
        return []
    slots, celsius = series.judged_slots, series.judged_celsius
    found = []
    for first, last in _runs(np.diff(celsius) == 0):
        count = last - first + 2
        if count >= FROZEN_READINGS and (count - 1) * series.period_s >= FROZEN_S:
            text = f"{count} times the very same value: sensors of this kind never rest so still"
            found.append(_flag(FROZEN, series, timeline, int(slots[first]), int(slots[last + 1]), count, text))
    return found


def _saturated(channel: Channel, series: Series, timeline: Timeline) -> list[Flag]:
    half_c = series.uncertainty.step_c
    low_c, high_c = series.uncertainty.corrected(np.array([channel.sensor.low_c, channel.sensor.high_c]))
    slots, celsius = series.judged_slots, series.judged_celsius
    found = []
    for first, last in _runs((celsius <= low_c + half_c) | (celsius >= high_c - half_c)):
        text = "at the end of what the sensor measures: it may have been more"
        found.append(_flag(SATURATED, series, timeline, int(slots[first]), int(slots[last]), last - first + 1, text))
    return found


def _disconnected(record: Record, series: Series, timeline: Timeline) -> list[Flag]:
    """Runs of slots for which the logger noted that the probe was not there, neighbours made one."""
    missing = [run for run in record.runs if run.kind == "missing" and run.channel == series.number]
    mine = [run for run in missing if run.code in _CAUSES]
    found: list[Flag] = []
    for run in sorted(mine, key=lambda one: one.first):
        text = _CAUSES[run.code]
        first, count = run.first, run.end - run.first
        if found and found[-1].text == text and found[-1].first_slot + found[-1].count == run.first:
            before = found.pop()
            first, count = before.first_slot, before.count + count
        found.append(_flag(DISCONNECTED, series, timeline, first, run.end - 1, count, text))
    return found


def _runs(which: Bools) -> list[tuple[int, int]]:
    """First and last index of each run of true values."""
    edges: Ints = np.flatnonzero(np.diff(np.concatenate([[False], which, [False]]).astype(np.int8)))
    return [(first, end - 1) for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)]


def _flag(kind: str, series: Series, timeline: Timeline, first: int, last: int, count: int, text: str) -> Flag:
    start, end = timeline.moments_of(np.array([first], np.int64)), timeline.moments_of(np.array([last], np.int64), 1)
    return Flag(kind, series.number, start[0], end[0], first, count, text)
