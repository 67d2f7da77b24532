"""Limits on whole trips: what counts, what ends an event, what is unknown, and from when to when."""

import json
import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from celltrail.evaluate.evaluation import evaluate
from celltrail.evaluate.judge import MEASURED, NO_READINGS, UNMEASURED, judge
from celltrail.evaluate.rules import rules_as_armed, rules_of_profile
from celltrail.evaluate.verdicts import IN, OUT, UNDECIDABLE
from celltrail.plans.judging import Judging
from celltrail.plans.profile import load_profile, profile_names
from celltrail_protocol import codes
from logger.alarms import Alarms
from tests.host.evaluating import GOLDEN, a_series, a_trip, begun, closed, high, low, put, read, rules_of

WHO = {
    "WHO-TR07-1": {("high", 45.0, "single", 1), ("high", 30.0, "cumulative", 10), ("low", -0.5, "single", 1)},
    "WHO-TR07-2": {("high", 45.0, "single", 1), ("high", 30.0, "cumulative", 10), ("high", 10.0, "cumulative", 20)},
}


def as_read(celsius, *limits, period_s=60):
    return [judge(limit, a_series(celsius, period_s=period_s), None).as_read for limit in limits]


# The trade's rules


@pytest.mark.parametrize("name", WHO)
def test_who_profiles_hold_the_limits_of_who(name):
    made = {(one.side, float(one.limit_c), one.mode, one.delay_s / 3600) for one in load_profile(name).alarms}
    assert made == WHO[name]


def test_who_limits_are_those_of_the_golden_file():
    path = GOLDEN / "who_tr07_alarm_rules.json"
    if not path.exists():
        pytest.skip("needs ../shared/data/golden")
    golden = json.loads(path.read_text())
    side, mode = {"upper": "high", "lower": "low"}, {"consecutive": "single", "accumulative": "cumulative"}
    for name, key in (("WHO-TR07-1", "type1"), ("WHO-TR07-2", "type2")):
        assert WHO[name] == {(side[one["dir"]], one["c"], mode[one["mode"]], one["h"]) for one in golden[key]}


@pytest.mark.parametrize(
    ("celsius", "expected"),
    [
        ([30.0] * 60, OUT),
        ([29.9] * 600, IN),
        ([30.0] * 59 + [29.9] * 100, IN),
        # 60 readings of ten minutes in all, however they lie.
        ([30.0, 29.9] * 60, OUT),
        ([30.0] * 30 + [5.0] * 500 + [30.0] * 30, OUT),
    ],
)
def test_who_30_degrees_for_10_hours_in_all(celsius, expected):
    assert as_read(celsius, high(30.0, 36_000, cumulative=True), period_s=600) == [expected]


@pytest.mark.parametrize(
    ("celsius", "expected"),
    [
        ([45.0] * 13, OUT),
        ([45.0] * 12, IN),
        # One reading in range ends it.
        ([45.0] * 12 + [44.9] + [45.0] * 12, IN),
        ([44.9] * 100, IN),
    ],
)
def test_who_45_degrees_for_an_hour_at_a_stretch(celsius, expected):
    assert as_read(celsius, high(45.0, 3600), period_s=300) == [expected]


@pytest.mark.parametrize(("celsius", "expected"), [([-0.5] * 13, OUT), ([-0.4] * 13, IN), ([-0.5] * 12, IN)])
def test_who_freezing_for_an_hour(celsius, expected):
    assert as_read(celsius, low(-0.5, 3600), period_s=300) == [expected]


def test_every_profile_judges_a_trip():
    checked = a_trip([5.0] * 200)
    for name in profile_names():
        made = evaluate(checked, rules_of_profile(load_profile(name), 1))
        assert made.answer in (IN, OUT, UNDECIDABLE)
        assert made.rules.sources


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=30),
    st.sampled_from([0, 60, 90, 180, 300]),
    st.booleans(),
    st.booleans(),
)
def test_the_host_and_the_logger_call_the_same_trips_out(raw, delay_s, is_high, is_cumulative):
    rule = [0, 0 if is_high else 1, 1 if is_cumulative else 0, 3, delay_s]
    device = Alarms([rule], 60_000)
    for slot, value in enumerate(raw):
        device.take(slot, (value,))
    side = high if is_high else low
    found = as_read([float(one) for one in raw], side(3.0, delay_s, is_cumulative))
    assert found == [OUT if device.raised else IN]


# Gaps


@pytest.mark.parametrize(
    ("celsius", "limit", "expected"),
    [
        ([5.0] * 10 + [None] * 31 + [5.0] * 10, high(8.0, 1800), UNDECIDABLE),
        ([5.0] * 10 + [None] * 30 + [5.0] * 10, high(8.0, 1800), IN),
        ([5.0] * 10 + [None] + [5.0] * 10, high(8.0), UNDECIDABLE),
        # An event that ended at the gap may have gone on.
        ([5.0] * 9 + [9.0] * 20 + [None] * 11 + [5.0] * 9, high(8.0, 1800), UNDECIDABLE),
        ([5.0] * 9 + [9.0] * 31 + [None] * 99 + [5.0] * 9, high(8.0, 1800), OUT),
        ([5.0] * 9 + [None] * 60, low(2.0, 3600, cumulative=True), UNDECIDABLE),
        ([5.0] * 9 + [None] * 59, low(2.0, 3600, cumulative=True), IN),
        ([None] * 5, high(8.0, 3600), UNDECIDABLE),
    ],
)
def test_a_gap_is_unknown_not_fine(celsius, limit, expected):
    result = judge(limit, a_series(celsius), None)
    assert result.verdict == expected
    if expected == UNDECIDABLE:
        assert result.reasons == ((NO_READINGS,) if set(celsius) == {None} else (UNMEASURED,))


def test_what_a_payload_can_do_bounds_a_gap():
    celsius = [5.0] * 10 + [None] * 40 + [5.0] * 10
    assert judge(high(8.0), a_series(celsius), 0.1).verdict == IN
    assert judge(high(8.0), a_series(celsius), 0.2).verdict == UNDECIDABLE


def test_time_without_power_is_a_gap_though_no_slot_is_missing():
    made = evaluate(restarted(off_min=40), rules_of(high(8.0, 1800), high(8.0, 3600)))
    assert [one.verdict for one in made.results] == [UNDECIDABLE, IN]
    # 41 minutes and the bounds of two clocks, less the minute that any two readings are apart.
    assert 39 * 60 <= made.channels[0].series.unknown_s <= 43 * 60


def test_a_restart_without_any_clock_is_an_outage_of_unknown_length():
    made = evaluate(restarted(None), rules_of(high(8.0, 86400), high(8.0, 1e6, cumulative=True)))
    assert [one.verdict for one in made.results] == [UNDECIDABLE, UNDECIDABLE]
    assert made.results[0].possibly_s is None
    assert made.channels[0].series.unknown_s is None


def restarted(off_min):
    forge = begun()
    put(forge, [5.0] * 20)
    forge.reboot(20)
    if off_min is not None:
        # The last reading was at minute 19.
        forge.clock(1_740_816_000_000 + (19 + 1 + off_min) * 60_000)
    put(forge, [5.0] * 20, slot=20)
    return closed(forge)


def test_the_end_of_a_trip_without_proof_is_unknown(tmp_path):
    forge = begun()
    put(forge, [5.0] * 200)
    made = evaluate(read(forge.running_parts(live=False), tmp_path), rules_of(high(8.0, 1800)))
    assert (made.results[0].verdict, made.results[0].possibly_s) == (UNDECIDABLE, None)
    assert any("how the trip ended" in note for note in made.notes)
    # With the live proof it is known that there is nothing more.
    assert evaluate(read(forge.running_parts(), tmp_path), rules_of(high(8.0, 1800))).answer == IN


# Uncertainty


@pytest.mark.parametrize(
    ("celsius", "within_c", "expected", "by_c"),
    [
        (7.5, 0.3, IN, 0.2),
        (7.8, 0.3, UNDECIDABLE, None),
        (8.2, 0.3, UNDECIDABLE, None),
        (8.3, 0.3, OUT, 0.0),
        (8.5, 0.3, OUT, 0.2),
        (8.0, 0.0, OUT, 0.0),
    ],
)
def test_three_answers_and_by_how_much(celsius, within_c, expected, by_c):
    result = judge(high(8.0), a_series([5.0, celsius, 5.0], within_c), None)
    assert result.verdict == expected
    assert result.decided_by_c == (None if by_c is None else pytest.approx(by_c))
    assert result.beyond_c == pytest.approx(celsius - 8.0)
    assert result.reasons == ((MEASURED,) if expected == UNDECIDABLE else ())
    assert result.as_read == (OUT if celsius >= 8.0 else IN)


def test_the_level_is_what_was_held_for_the_delay():
    celsius = [5.0] * 10 + [9.0] + [8.5] * 40 + [5.0] * 10
    result = judge(high(8.0, 1800), a_series(celsius, 0.1), None)
    assert (result.level_c, result.verdict) == (8.5, OUT)
    assert result.decided_by_c == pytest.approx(0.4)
    assert result.outside_s == 40 * 60
    below = judge(low(2.0, 1800), a_series([1.0] * 31), None)
    assert (below.level_c, below.beyond_c) == (1.0, 1.0)


MANY = st.lists(st.one_of(st.none(), st.floats(0, 12)), min_size=1, max_size=60)
LIMITS = st.builds(
    lambda make, limit_c, delay_s, cumulative: make(limit_c, delay_s, cumulative),
    st.sampled_from([high, low]), st.floats(2, 8), st.sampled_from([0, 60, 300, 1200]), st.booleans(),
)  # fmt: skip
ORDER = {IN: 0, UNDECIDABLE: 1, OUT: 0}


@given(MANY, LIMITS, st.floats(0, 3), st.floats(0, 3))
def test_more_uncertainty_only_makes_undecidable(celsius, limit, less_c, more_c):
    first = judge(limit, a_series(celsius, less_c), None)
    second = judge(limit, a_series(celsius, less_c + more_c), None)
    assert second.verdict in (first.verdict, UNDECIDABLE)
    assert first.surely_s >= second.surely_s
    assert (first.possibly_s or 0) <= (second.possibly_s or 0)


@given(MANY, LIMITS, st.floats(0, 5), st.floats(0, 1))
def test_warmer_is_never_less_out_above(celsius, limit, shift_c, within_c):
    assume(limit.is_high)
    order = [IN, UNDECIDABLE, OUT]
    warmer = [None if one is None else one + shift_c for one in celsius]
    before, after = (judge(limit, a_series(some, within_c), None) for some in (celsius, warmer))
    assert order.index(after.verdict) >= order.index(before.verdict)


@given(MANY, LIMITS, st.data())
def test_a_reading_more_never_makes_a_verdict_less_sure(celsius, limit, data):
    """A lost reading turns an answer into undecidable, never into the other answer."""
    lost = data.draw(st.integers(0, len(celsius) - 1))
    fewer = [None if i == lost else one for i, one in enumerate(celsius)]
    whole, part = (judge(limit, a_series(some), None).verdict for some in (celsius, fewer))
    assert part in (whole, UNDECIDABLE)


# Windows


def with_marks():
    forge = begun()
    at = 0
    for celsius, count, kind, place in (
        (20.0, 30, codes.MARK_PACKED, "Leuven"),
        (12.0, 30, codes.MARK_LOADED, "BRU"),
        (5.0, 60, codes.MARK_DELIVERED, "DFW"),
    ):
        put(forge, [celsius] * count, slot=at)
        at += count
        # A mark is made a second after the reading before it.
        forge.now_ms += 1000
        forge.mark(kind, place)
    put(forge, [15.0] * 30, slot=at)
    return closed(forge)


@pytest.mark.parametrize(
    ("judging", "highest"),
    [
        (Judging(), 20.0),
        (Judging(start="first-mark", end="last-mark"), 12.0),
        (Judging(start="loaded", end="delivered"), 5.0),
        (Judging(start="loaded"), 15.0),
        (Judging(ignore_start_s=3600, ignore_end_s=1800), 5.0),
        (Judging(start="packed", ignore_start_s=1800, end="delivered"), 5.0),
    ],
)
def test_a_trip_is_judged_between_its_moments(judging, highest):
    made = evaluate(with_marks(), rules_of(high(8.0), judging=judging))
    assert made.channels[0].statistics.highest_c == highest
    assert made.answer == (OUT if highest >= 8.0 else IN)
    assert not any("judged" in note for note in made.notes)


def test_a_moment_that_is_not_there_is_said():
    made = evaluate(with_marks(), rules_of(high(8.0), judging=Judging(start="stored", end="opened")))
    assert [note for note in made.notes if "judged" in note] == [
        "no event 'stored': judged from the beginning of the record",
        "no event 'opened': judged to the end of the record",
    ]
    assert made.channels[0].statistics.readings == 150


def test_the_limits_as_armed_are_those_in_the_record():
    checked = a_trip([5.0] * 10, alarms=[[0, 0, 0, 80, 1800], [0, 1, 1, 20, 60]])
    made = rules_as_armed(checked.record)
    assert made.armed
    assert made.limits == (high(8.0, 1800), low(2.0, 60, cumulative=True))
    # The profile of this name says what a plan can't.
    assert (made.name, made.judging.mkt_window_s) == ("2-8C", 86400)


def test_no_limits_no_answer():
    assert evaluate(a_trip([5.0] * 10), rules_of()).answer is None


def test_statistics():
    made = evaluate(a_trip([5.0, 6.0, None, 7.0]), rules_of(judging=Judging(mkt_window_s=120)))
    figures = made.channels[0].statistics
    assert (figures.readings, figures.covered_s) == (3, 180)
    assert (figures.lowest_c, figures.mean_c, figures.highest_c) == (5.0, 6.0, 7.0)
    assert figures.sd_c == pytest.approx(float(np.std([5, 6, 7], ddof=1)))
    assert figures.percentiles_c[50] == 6.0
    kinetic = made.channels[0].kinetic
    assert (kinetic.whole, kinetic.window_s) == (True, 120)
    decay = (math.exp(-10_000 / 278.15) + math.exp(-10_000 / 279.15)) / 2
    assert kinetic.value_c == pytest.approx(-10_000 / math.log(decay) - 273.15)


def test_mkt_is_not_told_for_frozen_products():
    for name in ("LN2", "dry-ice", "ultra-low"):
        made = evaluate(a_trip([-80.0] * 5), rules_of_profile(load_profile(name), 1))
        assert made.channels[0].kinetic is None
    assert load_profile("CRT").judging.mkt_window_s == 30 * 86400
    assert load_profile("2-8C").judging.mkt_reference_c == Decimal("8.0")
