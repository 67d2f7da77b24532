"""Levels against what the words say, place by place."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from celltrail.evaluate import levels
from tests.host.evaluating import a_stretch

VALUES = st.lists(st.one_of(st.none(), st.integers(-5, 5).map(float)), min_size=1, max_size=40)
COUNTS = st.integers(1, 12)


def naive_held(values, count, unknown):
    windows = [values[i : i + count] for i in range(len(values) - count + 1)]
    return max((min(unknown if one is None else one for one in window) for window in windows), default=-math.inf)


def naive_counted(values, count, unknown):
    known = sorted((unknown if one is None else one for one in values), reverse=True)
    return known[count - 1] if count <= len(known) else -math.inf


@given(VALUES, COUNTS)
def test_a_level_is_held_by_readings_in_a_row(values, count):
    assert levels.held_level(a_stretch(values), count) == naive_held(values, count, -math.inf)


@given(VALUES, COUNTS)
def test_what_was_not_measured_may_have_been_anything(values, count):
    assert levels.held_level_at_most(a_stretch(values), count) == naive_held(values, count, math.inf)


@given(VALUES, COUNTS)
def test_readings_add_up_wherever_they_lie(values, count):
    stretch = a_stretch(values)
    assert levels.counted_level(stretch, count) == naive_counted(values, count, -math.inf)
    assert levels.counted_level_at_most(stretch, count) == naive_counted(values, count, math.inf)


@given(VALUES, st.sampled_from([0.5, 1.0, 3.0]))
def test_gaps_hold_no_more_than_the_rate_lets_them(values, rise):
    known = [(place, one) for place, one in enumerate(values) if one is not None]
    expected = [
        min((one + rise * abs(place - at) for at, one in known), default=math.inf) if value is None else value
        for place, value in enumerate(values)
    ]
    made = levels.filled(a_stretch(values), rise)
    if not known:
        assert len(made.places) == 0
        return
    assert made.places.tolist() == list(range(len(values)))
    near = [min(value, high) for value, high in zip(made.up.tolist(), expected, strict=True)]
    assert np.allclose(near, expected)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=50), st.data())
def test_the_smallest_of_any_span(values, data):
    starts = data.draw(st.lists(st.integers(0, len(values)), min_size=1, max_size=20))
    stops = [data.draw(st.integers(start, len(values))) for start in starts]
    found = levels.range_minimum(np.array(values), np.array(starts), np.array(stops))
    assert found.tolist() == [min(values[a:b], default=math.inf) for a, b in zip(starts, stops, strict=True)]


def test_a_delay_in_readings():
    assert levels.held_readings(1800, 60) == 31
    assert levels.held_readings(0, 60) == 1
    assert levels.held_readings(90, 60) == 3
    assert levels.counted_readings(3600, 60) == 60
    assert levels.counted_readings(0, 60) == 1


def test_runs_and_gaps():
    places = np.array([2, 3, 4, 8, 9])
    assert levels.longest_run(places) == 3
    assert levels.longest_run(np.zeros(0, np.int64)) == 0
    assert levels.longest_gap(places, 0, 15) == 5
    assert levels.longest_gap(np.zeros(0, np.int64), 0, 15) == 15
