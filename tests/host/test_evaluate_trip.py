"""Excursions, budgets, legs, milestones, flags and calibration on whole trips, and what may not change them."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from celltrail.errors import UsageFault
from celltrail.evaluate import plausible
from celltrail.evaluate.evaluation import evaluate
from celltrail.evaluate.excursions import excursions_of
from celltrail.evaluate.legs import GUESSED, MEASURED, STATED
from celltrail.evaluate.milestones import load_milestones
from celltrail.evaluate.timeline import Timeline
from celltrail.evaluate.uncertainty import load_calibrations
from celltrail.evaluate.verdicts import IN, OUT, UNDECIDABLE
from celltrail.plans.judging import Budget, Judging
from celltrail.utc import iso
from celltrail.views.evaluation_json import evaluation_json
from celltrail_protocol import codes
from tests.host.evaluating import TENTHS, a_series, a_trip, begun, closed, high, low, put, rules_of
from tests.host.forge import START_UTC_MS, TMP117, Forge

# Readings begin 5 s after the clock was set at tick 5 s.
FIRST_MS = START_UTC_MS + 5000


def band(low_c, high_c, allowed_s, used_s=0, side="high"):
    return Budget(side, Decimal(low_c), Decimal(high_c), allowed_s, used_s, (0,))


# Excursions


def test_an_excursion_tells_when_how_long_how_far_and_how_much():
    made = evaluate(a_trip([5.0] * 10 + [8.0, 9.0, None, 9.5, 8.5] + [5.0] * 10), rules_of(high(8.0), high(8.0, 60)))
    (one,) = made.excursions
    assert (one.start.utc_ms, one.end.utc_ms) == (FIRST_MS + 600_000, FIRST_MS + 900_000)
    assert (one.readings, one.outside_s, one.unknown_s) == (4, 240, 60)
    assert (one.extreme_c, one.extreme_at.utc_ms) == (9.5, FIRST_MS + 780_000)
    assert one.area_c_min == pytest.approx(0 + 1 + 1.5 + 0.5)
    assert (one.legs, one.sure) == ((0,), True)


def test_one_reading_in_range_ends_an_excursion():
    made = evaluate(a_trip([9.0, 7.9, 9.0, 9.0]), rules_of(high(8.0)))
    assert [(one.first_slot, one.last_slot) for one in made.excursions] == [(0, 0), (2, 3)]


def test_below_is_as_above():
    made = evaluate(a_trip([5.0, 2.0, 1.0, 5.0]), rules_of(low(2.0)))
    (one,) = made.excursions
    assert (one.side, one.extreme_c, one.area_c_min) == ("below", 1.0, pytest.approx(1.0))


def test_within_the_uncertainty_is_said():
    (one,) = evaluate(a_trip([5.0, 8.0, 5.0]), rules_of(high(8.0))).excursions
    assert not one.sure


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 12)), min_size=1, max_size=60),
    st.floats(0, 5),
)
def test_shifting_all_readings_up_never_removes_a_high_excursion(celsius, shift_c):
    trip = a_trip([5.0] * 60)
    timeline = evaluate_timeline(trip)
    warmer = [None if one is None else one + shift_c for one in celsius]
    before, after = (excursions_of([high(8.0)], a_series(some), timeline) for some in (celsius, warmer))
    for one in before:
        assert any(it.first_slot <= one.first_slot and one.last_slot <= it.last_slot for it in after)
    assert sum(one.area_c_min for one in after) >= sum(one.area_c_min for one in before) - 1e-9


def evaluate_timeline(checked):
    return Timeline(checked.record, checked.clock, 60)


# Sectors


def any_trip(celsius, groups, rolls):
    """The same readings, packed and spread over sectors in another way."""
    forge = begun()
    at = 0
    for number, group in enumerate(groups):
        put(forge, celsius[at : at + group], slot=at, group=group)
        at += group
        if number in rolls:
            forge.roll()
    put(forge, celsius[at:], slot=at)
    return closed(forge)


@settings(max_examples=25)
@given(
    st.lists(st.one_of(st.none(), st.sampled_from([1.0, 4.0, 5.0, 8.0, 9.0])), min_size=1, max_size=80),
    st.lists(st.integers(1, 30), max_size=5),
    st.sets(st.integers(0, 4)),
)
def test_how_a_record_is_split_into_sectors_changes_nothing(celsius, groups, rolls):
    rules = rules_of(high(8.0, 120), low(2.0, 300, cumulative=True), budgets=[band("8", "15", 600)])
    one, two = (evaluate(any_trip(celsius, *how), rules) for how in (([], set()), (groups, rolls)))
    documents = [evaluation_json(made) | {"sha256": "", "file": ""} for made in (one, two)]
    assert documents[0] == documents[1]


# Budgets


@pytest.mark.parametrize(
    ("used", "before_s", "expected"),
    [(9, 0, IN), (10, 0, OUT), (5, 300, OUT), (4, 300, IN), (0, 600, OUT), (0, 0, IN)],
)
def test_a_budget_is_used_up_when_it_is_reached(used, before_s, expected):
    made = evaluate(a_trip([5.0] * 10 + [9.0] * used), rules_of(budgets=[band("8", "15", 600, before_s)]))
    (result,) = made.budgets
    assert (result.verdict, made.answer) == (expected, expected)
    assert result.used_s == used * 60
    assert result.left_s == 600 - before_s - used * 60


@pytest.mark.parametrize(
    ("side", "celsius", "used_s"), [("high", 8.0, 60), ("high", 15.0, 0), ("low", 8.0, 0), ("low", 15.0, 60)]
)
def test_the_end_next_to_the_label_belongs_to_a_band(side, celsius, used_s):
    made = evaluate(a_trip([20.0, celsius]), rules_of(budgets=[band("8", "15", 600, side=side)]))
    assert made.budgets[0].used_s == used_s


def test_a_budget_is_told_by_leg_and_gaps_count_as_possible():
    forge = begun()
    put(forge, [9.0] * 5 + [5.0] * 5)
    forge.now_ms += 1000
    forge.mark(codes.MARK_LOADED, "BRU")
    put(forge, [9.0] * 3 + [None] * 4 + [5.0] * 3, slot=10)
    made = evaluate(closed(forge), rules_of(budgets=[band("8", "15", 600)]))
    (result,) = made.budgets
    assert result.by_leg_s == (300, 180)
    assert (result.surely_s, result.used_s, result.possibly_s) == (480, 480, 720)
    assert result.verdict == UNDECIDABLE


# Legs and milestones


def marked():
    forge = begun()
    for at, kind, place in ((0, codes.MARK_PACKED, "Leuven"), (60, codes.MARK_HANDED_OVER, "BRU")):
        put(forge, [5.0 + at / 20] * 60, slot=at)
        forge.now_ms += 1000
        forge.mark(kind, place)
    put(forge, [9.0] * 60, slot=120)
    return closed(forge)


def test_legs_lie_between_marks():
    made = evaluate(marked(), rules_of(high(8.0)))
    assert [(leg.name, leg.first_slot, leg.end_slot, leg.basis) for leg in made.legs] == [
        ("start to packed Leuven", 0, 60, MEASURED),
        ("packed Leuven to handed-over BRU", 60, 120, MEASURED),
        ("handed-over BRU to end", 120, 180, MEASURED),
    ]
    assert [leg.length_s for leg in made.legs] == [59 * 60 + 1, 3600, 3659]
    assert [leg.statistics.mean_c for leg in made.channels[0].legs] == [5.0, 8.0, 9.0]
    assert [leg.outside_s[0] for leg in made.channels[0].legs] == [0.0, 3600.0, 3600.0]
    assert made.excursions[0].legs == (1, 2)


def csv_file(tmp_path, text):
    path = tmp_path / "milestones.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_milestones_of_a_file_make_legs_that_are_stated(tmp_path):
    lines = [f"{iso(FIRST_MS + minutes * 60_000 + 1000)},{event},{place}" for minutes, event, place in (
        (30, "departed", "BRU"), (-600, "collected", "UZ"), (90, "arrived", "DFW"))]  # fmt: skip
    path = csv_file(tmp_path, "utc,event,place\n" + "\n".join(lines) + "\n")
    made = evaluate(marked(), rules_of(high(8.0)), milestones=load_milestones(path))
    assert [(leg.name, leg.basis, leg.first_slot) for leg in made.legs] == [
        ("collected UZ to start", STATED, 0),
        ("start to departed BRU", STATED, 0),
        ("departed BRU to packed Leuven", STATED, 31),
        ("packed Leuven to arrived DFW", STATED, 60),
        ("arrived DFW to handed-over BRU", STATED, 91),
        ("handed-over BRU to end", MEASURED, 120),
    ]
    assert all(leg.basis != GUESSED for leg in made.legs)


def test_milestones_of_epcis_events(tmp_path):
    path = tmp_path / "events.json"
    path.write_text(
        '{"type": "EPCISDocument", "epcisBody": {"eventList": [{"type": "ObjectEvent", "eventTime":'
        ' "2025-03-01T09:00:00+01:00", "eventTimeZoneOffset": "+01:00", "bizStep": "departing",'
        ' "readPoint": {"id": "https://id.gs1.org/414/9506000134307"}}]}}'
    )
    (one,) = load_milestones(path)
    assert (one.name, one.place, one.zone) == ("departing", "https://id.gs1.org/414/9506000134307", "+01:00")
    assert one.moment.utc_ms == START_UTC_MS


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "header must hold utc and event"),
        ("utc,event\n", "holds no milestone"),
        ("utc,event,weather\n", "header must hold"),
        ("utc,event\n2025-03-01T09:00:00Z,\n", "row 2: has no event"),
        ("utc,event\n2025-03-01 09:00,packed\n", "row 2: '2025-03-01 09:00' lacks its offset"),
        ("utc,event\nsoon,packed\n", "row 2: 'soon' is not an instant"),
        ("utc,event,within_s\n2025-03-01T09:00:00Z,packed,-1\n", "row 2: within_s is '-1'"),
        ("utc,event,within_s\n2025-03-01T09:00:00Z,packed,nan\n", "row 2: within_s is 'nan'"),
        ('{"epcisBody": 5}', "holds no EPCIS events"),
        ('{"epcisBody": {"eventList": [{"eventTime": 5, "bizStep": "x"}]}}', "event 1: lacks its eventTime"),
        ("{", "is not JSON"),
    ],
)
def test_a_file_of_milestones_that_makes_no_sense_is_refused_in_words(tmp_path, text, complaint):
    with pytest.raises(UsageFault) as caught:
        load_milestones(csv_file(tmp_path, text))
    assert complaint in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_milestones_or_a_fault(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(data)
    try:
        load_milestones(path)
    except UsageFault:
        return


def test_milestones_need_a_clock(tmp_path):
    forge = Forge(channels=(TENTHS,))
    forge.begin()
    put(forge, [5.0] * 10)
    path = csv_file(tmp_path, "utc,event\n2025-03-01T09:00:00Z,packed\n")
    with pytest.raises(UsageFault, match="no clock was set"):
        evaluate(closed(forge), rules_of(), milestones=load_milestones(path))


def test_a_milestone_that_is_not_sure_to_the_second_leaves_readings_open(tmp_path):
    """Judged from a departure that was noted to 10 minutes: what was warm within these is undecidable."""

    def answer(warm_minutes, within_s):
        trip = a_trip([9.0] * warm_minutes + [5.0] * 100)
        text = f"utc,event,within_s\n{iso(FIRST_MS + 1_800_000 + 1)},loaded,{within_s}\n"
        known = load_milestones(csv_file(tmp_path, text))
        return evaluate(trip, rules_of(high(8.0), judging=Judging(start="loaded")), milestones=known).answer

    assert answer(20, 60) == IN
    assert answer(25, 600) == UNDECIDABLE
    assert answer(35, 600) == UNDECIDABLE
    assert answer(45, 600) == OUT


# Flags


def kinds(celsius, channels=(TMP117,), **missing):
    forge = begun(channels=channels)
    step_c = channels[0][1] / 1e9
    forge.readings(0, [round(one / step_c) for one in celsius])
    for code in missing.get("codes", ()):
        forge.missing(len(celsius), 3, code)
    made = evaluate(closed(forge), rules_of(high(100.0)))
    assert made.channels[0].statistics.readings == len(celsius)
    return [(flag.kind, flag.first_slot, flag.count) for flag in made.flags]


def quiet(count):
    return [5 + 0.01 * (i % 7) for i in range(count)]


def test_a_quiet_trip_has_no_flags():
    assert kinds(quiet(600)) == []


def test_a_jump_up_and_down_is_one_doubt_and_its_reading_stays():
    assert kinds([*quiet(50), -8.0, *quiet(50)]) == [(plausible.JUMP, 50, 2)]


def test_a_value_that_rests_is_a_doubt_only_for_fine_sensors():
    assert kinds([*quiet(10), *[5.0] * 400, *quiet(10)])[0][0] == plausible.FROZEN
    assert kinds([*quiet(10), *[5.0] * 300, *quiet(10)]) == []
    assert kinds([5.0] * 500, channels=(TENTHS,)) == []


def test_a_probe_that_was_pulled_out_is_told():
    assert kinds(quiet(50), codes=[codes.FAULT_OPEN]) == [(plausible.DISCONNECTED, 50, 3)]
    assert kinds(quiet(50), codes=[codes.FAULT_BUS]) == []


def test_the_end_of_the_range_is_a_doubt():
    assert (plausible.SATURATED, 50, 1) in kinds([*quiet(50), 150.0])


# Calibration


def calibration(tmp_path, **changes):
    values = {"number": 0, "certificate": '"K-17"', "date": '"2024-03-02"', "uncertainty_c": 0.1} | changes
    path = tmp_path / "cal.toml"
    path.write_text("[[channel]]\n" + "\n".join(f"{key} = {value}" for key, value in values.items()))
    return load_calibrations(path)


def test_a_calibration_takes_the_place_of_the_datasheet_and_ages(tmp_path):
    known = calibration(tmp_path, offset_c=-0.5, drift_c_per_year=0.05, probe_c=0.02)
    made = evaluate(a_trip([5.0] * 10), rules_of(high(8.0)), known)
    within = made.channels[0].series.uncertainty
    assert made.channels[0].statistics.mean_c == 4.5
    assert (within.step_c, within.sensor_c, within.probe_c) == (0.05, 0.1, 0.02)
    assert within.drift_c == pytest.approx(0.05, rel=0.01)
    assert within.total_c == pytest.approx(0.22, abs=0.001)
    assert made.notes == ()


def test_points_correct_by_straight_lines_and_hold_beyond_them(tmp_path):
    known = calibration(tmp_path, points="[[0.0, 0.5], [10.0, 10.0], [20.0, 19.0]]")
    made = evaluate(a_trip([-5.0, 0.0, 5.0, 10.0, 15.0, 30.0]), rules_of(high(8.0)), known)
    assert made.channels[0].series.celsius.tolist() == pytest.approx([-4.5, 0.5, 5.25, 10.0, 14.5, 29.0])
    assert made.channels[0].series.uncertainty.corrections_c == (-1.0, 0.5)


@pytest.mark.parametrize(
    ("points", "celsius", "expected"),
    [
        ("[[2.0, 2.1], [8.0, 8.1]]", [2.0, 5.0, 8.0], ()),
        ("[[2.0, 2.1], [8.0, 8.1]]", [2.0, 5.0, 8.1], ("2.10 to 8.20", "2.1 to 8.1")),
        ("[[2.0, 2.1], [8.0, 8.1]]", [1.9, 5.0], ("2.00 to 5.10", "2.1 to 8.1")),
        # One point is an offset: it doesn't say where it holds.
        ("[[5.0, 5.1]]", [-20.0, 20.0], ()),
    ],
)
def test_readings_beyond_the_calibrated_points_are_doubted(points, celsius, expected, tmp_path):
    made = evaluate(a_trip(celsius), rules_of(high(30.0)), calibration(tmp_path, points=points))
    told = (
        [f"channel 0: readings from {expected[0]} degC go beyond the calibrated {expected[1]} degC"] if expected else []
    )
    assert list(made.notes) == told
    assert [f"channel 0: {one}" for one in made.channels[0].series.doubts] == told


def test_an_old_calibration_is_said(tmp_path):
    made = evaluate(a_trip([5.0]), rules_of(high(8.0)), calibration(tmp_path, date='"2023-01-01"'))
    assert "790 days old" in made.notes[0]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"number": 4}, "number is 4"),
        ({"date": '"yesterday"'}, "cal.toml: channel 1: date is 'yesterday'; it must be a day such as 2026-01-15"),
        ({"date": '"15.01.2026"'}, "date is '15.01.2026'; it must be a day such as"),
        ({"date": 20260115}, "date is 20260115; it must be a day such as"),
        ({"date": "2026-01-15T00:00:00Z"}, "it must be a day such as"),
        ({"date": '"1926-01-15"'}, "date is 1926-01-15; it must be a day from 2000-01-01 to today"),
        ({"date": '"2206-01-15"'}, "date is 2206-01-15; it must be a day from"),
        ({"uncertainty_c": -1}, "uncertainty_c is -1"),
        ({"uncertainty_c": 0}, "uncertainty_c is 0; it must be a number from 0.001 to 10"),
        ({"uncertainty_c": 50}, "uncertainty_c is 50"),
        ({"uncertainty_c": '"0.05"'}, "uncertainty_c is '0.05'; it must be a number"),
        ({"offset_c": -30}, "offset_c is -30"),
        ({"points": "[[273.15, 0.0], [281.2, 8.0]]"}, "points is [[273.15, 0.0], [281.2, 8.0]]; it must be 1 to 3"),
        ({"points": "[[32.0, 0.0], [46.4, 8.0]]"}, "no more than 10 degC apart: is the unit right?"),
        ({"weather": 1}, "weather is not known"),
        ({"points": "[[0, 0], [0, 1]]"}, "both ascending"),
        ({"points": "[[5, 0], [6, -1]]"}, "both ascending"),
        ({"points": "[[1, 1, 1]]"}, "both ascending"),
        ({"points": "[[1, 2]]", "offset_c": 1}, "left out where there are points"),
    ],
)
def test_a_calibration_that_makes_no_sense_is_refused_in_words(tmp_path, changes, complaint):
    with pytest.raises(UsageFault) as caught:
        calibration(tmp_path, **changes)
    assert complaint in str(caught.value)


def test_a_day_may_be_written_as_toml_does(tmp_path):
    assert calibration(tmp_path, date="2024-03-02") == calibration(tmp_path)


def test_thousands_of_excursions_are_told_at_once():
    celsius = np.tile([9.0, 5.0], 5000)
    made = evaluate(a_trip(celsius.tolist()), rules_of(high(8.0), low(5.0)))
    assert len(made.excursions) == 10_000
