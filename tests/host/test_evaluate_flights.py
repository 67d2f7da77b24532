"""Flights from air pressure: what a cabin does, against weather, lifts, mountains, gaps and the simulated lane."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from celltrail.evaluate.evaluation import evaluate
from celltrail.evaluate.flights import flights_in
from celltrail.evaluate.rules import rules_as_armed
from celltrail.views.evaluation_text import evaluation_lines
from celltrail.virtual.lane import STAGES, travel
from celltrail_protocol import codes
from tests.host.forge import TMP117, Forge, a_plan
from tests.host.test_audit import summary

BMP390 = (codes.MODEL_BMP390, 4_000_000_000, 7500, 31250, 100)
MINUTE_MS = 60_000
GROUND, CABIN = 1013.0, 790.0


def course(*parts, period_min=1):
    """hPa each period: (minutes, hPa at their end), straight between."""
    minutes, levels = [0.0], [parts[0][1]]
    for length, level in parts:
        minutes.append(minutes[-1] + length)
        levels.append(level)
    at = np.arange(0, minutes[-1] + 1e-9, period_min)
    return np.interp(at, minutes, levels), at * 60


FLIGHT = ((120, GROUND), (20, CABIN), (400, CABIN), (25, 992.0), (200, 992.0))


def minutes_of(found, at_s):
    return [(round(at_s[one.off] / 60), None if one.on is None else round(at_s[one.on] / 60)) for one in found]


@pytest.mark.parametrize("period_min", [1, 5, 15])
def test_take_off_and_landing_are_where_they_were(period_min):
    hPa, at_s = course(*FLIGHT, period_min=period_min)
    ((off, on),) = minutes_of(flights_in(hPa, at_s), at_s)
    assert abs(off - 120) <= period_min
    assert abs(on - 565) <= period_min


def test_two_flights_with_a_stop_between():
    hPa, at_s = course(*FLIGHT[:4], (90, 992.0), (20, CABIN), (60, CABIN), (25, 1000.0), (100, 1000.0))
    assert len(flights_in(hPa, at_s)) == 2
    (_, first_on), (second_off, _) = minutes_of(flights_in(hPa, at_s), at_s)
    assert 563 <= first_on <= 566
    assert 653 <= second_off <= 656


def test_a_record_that_ends_in_the_air_has_no_landing():
    hPa, at_s = course(*FLIGHT[:3])
    ((off, on),) = minutes_of(flights_in(hPa, at_s), at_s)
    assert (off, on) == (120, None)


@pytest.mark.parametrize(
    "parts",
    [
        ((600, GROUND), (720, 985.0), (600, 1020.0)),
        ((60, GROUND), (2, GROUND - 24), (60, GROUND - 24), (2, GROUND)),
        ((60, 840.0), (30, 800.0), (300, 840.0)),
        ((1000, GROUND),),
    ],
    ids=["a storm", "a tower", "a hill in Denver", "nothing"],
)
def test_what_is_no_flight(parts):
    hPa, at_s = course(*parts)
    assert flights_in(hPa, at_s) == []


def test_across_a_gap_nobody_knows_how_fast_it_changed():
    hPa, at_s = course((120, GROUND))
    later, later_s = course((120, 940.0))
    assert flights_in(np.concatenate([hPa, later]), np.concatenate([at_s, later_s + 10 * 3600])) == []


@given(st.lists(st.floats(300, 1100), max_size=400))
def test_any_readings_give_flights_in_order(values):
    hPa = np.array(values)
    found = flights_in(hPa, np.arange(len(values)) * 60.0)
    last = 0
    for one in found:
        assert last <= one.off < len(values)
        assert one.on is None or one.off < one.on < len(values)
        last = one.off if one.on is None else one.on


@pytest.mark.parametrize("seed", range(8))
def test_the_simulated_lane_has_its_two_flights(seed):
    lane = travel(np.random.default_rng(seed), 4 * 86400)
    found = flights_in(lane.air_hPa, lane.at_ms / 1000)
    assert len(found) == 2
    holds = [number for number, stage in enumerate(STAGES) if stage.name == "aircraft hold"]
    for one, number in zip(found, holds, strict=True):
        truth_s = lane.handovers_s[number], lane.handovers_s[number + 1]
        # The cabin's pressure lags: it is at its level some 40 minutes after the doors.
        assert abs(lane.at_ms[one.off] / 1000 - truth_s[0]) < 600
        assert -600 < lane.at_ms[one.on] / 1000 - truth_s[1] < 3600


# In a trip


def flown(*parts, mark=False):
    forge = Forge(settings=a_plan(alarms=[[0, 0, 0, 1024, 0]]), channels=(TMP117, BMP390))
    forge.now_ms = 5000
    forge.arm()
    forge.begin()
    hPa, _ = course(*parts)
    raw = np.rint(hPa * 100 / 4).astype(int).tolist()
    for at in range(0, len(raw), 60):
        forge.readings(at, [640] * len(raw[at : at + 60]))
        forge.readings(at, raw[at : at + 60], channel=1)
    forge.now_ms = len(raw) * MINUTE_MS
    if mark:
        forge.mark(codes.MARK_DELIVERED, "DFW")
    forge.state(codes.STATE_STOPPED, codes.REASON_COMMAND)
    forge.seal(1)
    checked = summary(forge).checked
    return evaluate(checked, rules_as_armed(checked.record))


def test_legs_of_a_flight_are_inferred_and_look_so():
    made = flown(*FLIGHT)
    assert [(leg.start.name, leg.end.name) for leg in made.legs] == [
        ("start", "take-off"),
        ("take-off", "landing"),
        ("landing", "end"),
    ]
    assert {leg.basis for leg in made.legs} == {"inferred"}
    assert made.legs[1].confidence == 0.85
    assert made.legs[1].length_s == pytest.approx(445 * 60, abs=120)
    assert "fell by 223 hPa, it was below 900 hPa" in made.legs[1].start.evidence
    assert sum("[inferred, confidence 85%]" in line for line in evaluation_lines(made)) == 3


def test_a_mountain_road_is_a_guess_of_low_confidence():
    made = flown((60, GROUND), (50, 945.0), (60, 945.0), (50, GROUND), (60, GROUND))
    assert [leg.confidence for leg in made.legs] == [0.5] * 3


def test_where_there_are_marks_no_flight_is_inferred():
    assert {leg.basis for leg in flown(*FLIGHT, mark=True).legs} == {"measured"}
