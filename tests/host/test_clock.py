import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from celltrail.evidence.boot_map import DRIFT, ROUNDING_MS, WANDER
from celltrail.evidence.clock import Clock
from celltrail.evidence.record import ClockPair, Instant

DAY = 86_400_000
UTC = 1_740_816_000_000


def pair(boot, tick_ms, utc_ms, uncertainty_ms=20, recorded=True):
    return ClockPair(Instant(boot, tick_ms), utc_ms, uncertainty_ms, 1, recorded)


def clock(pairs, last_ticks):
    """`last_ticks`: the length of each boot."""
    lengths = [Instant(boot, tick) for boot, tick in last_ticks.items()]
    return Clock(SimpleNamespace(clock_pairs=tuple(pairs), last_ticks=lengths))


def test_one_pair_gives_the_offset_and_a_bound_that_grows_both_ways():
    one = clock([pair(1, 5000, UTC)], {1: DAY})
    assert one.utc_ms(Instant(1, 5000)) == UTC
    assert one.bound_ms(Instant(1, 5000)) == 20 + ROUNDING_MS
    assert one.utc_ms(Instant(1, 5000 + DAY)) == UTC + DAY
    assert one.bound_ms(Instant(1, 5000 + DAY)) == math.ceil(20 + DAY * DRIFT + ROUNDING_MS)
    assert one.utc_ms(Instant(1, 0)) == UTC - 5000
    assert one.flags == []


def test_between_two_pairs_the_rate_is_measured():
    # 40 ppm fast over ten days: 34,560 ms.
    drift_ms = 34_560
    two = clock([pair(1, 0, UTC), pair(1, 10 * DAY, UTC + 10 * DAY - drift_ms)], {1: 10 * DAY})
    assert two.utc_ms(Instant(1, 5 * DAY)) == UTC + 5 * DAY - drift_ms // 2
    # In the middle a quarter of what the band's width makes of the whole.
    assert two.bound_ms(Instant(1, 5 * DAY)) == math.ceil(20 + 10 * DAY * WANDER / 4 + ROUNDING_MS)
    assert two.bound_ms(Instant(1, 10 * DAY)) == 20 + ROUNDING_MS
    # The measured rate goes on outside.
    assert two.utc_ms(Instant(1, 20 * DAY)) == UTC + 20 * DAY - 2 * drift_ms
    # The rate was measured to 42 ms in ten days, and may have changed within its band.
    assert two.bound_ms(Instant(1, 20 * DAY)) == math.ceil(20 + 10 * DAY * WANDER + 42 + ROUNDING_MS)
    assert two.flags == []


def test_pairs_too_near_to_tell_a_rate_do_not_bend_what_is_outside():
    two = clock([pair(1, 0, UTC), pair(1, 1000, UTC + 1015)], {1: DAY})
    assert two.utc_ms(Instant(1, DAY)) == UTC + DAY + 15


def test_a_boot_without_pair_lies_between_its_neighbours():
    # Boot 1 ends at 08:00 + 1 h; boot 3 begins at 08:00 + 5 h; boot 2 ran for 2 h in between.
    hour = 3_600_000
    three = clock([pair(1, hour, UTC + hour, 0), pair(3, 0, UTC + 5 * hour, 0)], {1: hour, 2: 2 * hour, 3: hour})
    at = Instant(2, hour)
    # Its power-on lies between 1 h and 3 h, so its first hour's end is at 3 h, give or take one.
    assert three.utc_ms(at) == pytest.approx(UTC + 3 * hour, abs=hour * DRIFT * 2)
    assert three.bound_ms(at) == pytest.approx(hour + 2 * hour * DRIFT + ROUNDING_MS, abs=1)


def test_a_boot_without_pair_and_without_a_later_one_is_unknown():
    two = clock([pair(1, 0, UTC)], {1: 1000, 2: 5000})
    assert two.utc_ms(Instant(2, 10)) is None
    assert two.bound_ms(Instant(2, 10)) is None
    utc, bound = two.utc_of(np.array([1, 2]), np.array([0, 0]))
    assert np.isnan(utc).tolist() == [False, True]
    assert np.isinf(bound).tolist() == [False, True]


def test_no_pair_at_all_is_unknown():
    assert clock([], {1: 1000}).utc_ms(Instant(1, 5)) is None


def test_a_drift_above_200_ppm_is_flagged_and_widens_the_bound():
    # 300 ppm over a day are 25,920 ms.
    off = clock([pair(1, 0, UTC), pair(1, DAY, UTC + DAY + 25_920)], {1: DAY})
    assert len(off.flags) == 1
    assert "disagree by 25 s over 1 d" in off.flags[0] or "26 s" in off.flags[0]
    assert "a drift of 300 ppm" in off.flags[0]
    # Either clock may be the wrong one, and the crystal may go the other way.
    assert off.bound_ms(Instant(1, 0)) == math.ceil(20 + 25_920 + 20 + DAY * DRIFT + ROUNDING_MS)
    assert "compare the times with an event whose time you know" in off.flags[0]


def test_a_drift_of_150_ppm_is_not_flagged():
    assert clock([pair(1, 0, UTC), pair(1, DAY, UTC + DAY + 12_960)], {1: DAY}).flags == []


@pytest.mark.parametrize("quarters", [4, -4, 22, 1])
def test_a_wrong_time_zone_of_the_reading_computer_is_flagged_and_not_used(quarters):
    shift = quarters * 900_000
    off = clock([pair(1, 0, UTC), pair(1, DAY, UTC + DAY + shift + 1500, recorded=False)], {1: DAY})
    assert "looks like a wrong time zone; the reading computer's is not used: check its clock" in off.flags[0]
    assert off.utc_ms(Instant(1, DAY)) == UTC + DAY


def test_a_read_out_pair_that_agrees_is_used():
    agreed = clock([pair(1, 0, UTC), pair(1, DAY, UTC + DAY + 3000, recorded=False)], {1: DAY})
    assert agreed.flags == []
    assert agreed.utc_ms(Instant(1, DAY)) == UTC + DAY + 3000
    assert agreed.bound_ms(Instant(1, DAY)) == 20 + ROUNDING_MS


def test_of_two_pairs_for_one_tick_the_surer_counts():
    both = clock([pair(1, 0, UTC + 40, 100), pair(1, 0, UTC, 5)], {1: 10})
    assert both.utc_ms(Instant(1, 0)) == UTC
    assert both.bound_ms(Instant(1, 0)) == 5 + ROUNDING_MS


def test_readings_of_mixed_boots_keep_their_places():
    mixed = clock([pair(1, 0, UTC), pair(2, 0, UTC + DAY)], {1: 1000, 2: 1000})
    utc, _ = mixed.utc_of(np.array([2, 1, 2, 1]), np.array([1, 2, 3, 4]))
    assert (utc - UTC).tolist() == [DAY + 1, 2, DAY + 3, 4]


TRUE_RATE = st.floats(-45e-6, 45e-6)


@given(TRUE_RATE, st.lists(st.integers(0, 30 * DAY), min_size=1, max_size=6, unique=True), st.integers(0, 40 * DAY))
def test_the_true_time_lies_within_the_bound(rate, ticks, tick):
    # A crystal of constant rate, pairs with errors inside their uncertainty.
    def true_utc(at):
        return UTC + at * (1 + rate)

    pairs = [pair(1, at, round(true_utc(at)) + (at % 31 - 15), 16) for at in ticks]
    made = clock(pairs, {1: 30 * DAY})
    utc, bound = made.utc_of(np.array([1]), np.array([tick]))
    assert made.flags == []
    assert abs(utc[0] - true_utc(tick)) <= bound[0] + 16 * 41


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1 << 40), st.integers(0, 1 << 42), st.integers(0, 1 << 32)))
)
def test_any_pairs_give_times_or_none(entries):
    pairs = [pair(boot, tick, utc, unsure, recorded=tick % 2 == 0) for boot, tick, utc, unsure in entries]
    made = clock(pairs, {0: 5, 2: 1 << 30})
    _, bound = made.utc_of(np.arange(5), np.arange(5))
    assert (bound >= 0).all()


def test_rounding_to_milliseconds_is_no_drift():
    assert clock([pair(1, 100, UTC, 0), pair(1, 116, UTC + 15, 0)], {1: DAY}).flags == []
    assert clock([pair(1, 100, UTC, 0), pair(1, 116, UTC + 30, 0)], {1: DAY}).flags != []
