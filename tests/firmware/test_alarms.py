"""Alarms: the limit itself is outside; single and cumulative with delay; slots without a reading."""

from celltrail_protocol.records import NO_READING
from logger.alarms import Alarms

HIGH, LOW = 0, 1
SINGLE, CUMULATIVE = 0, 1


def raised_at(rule, series, period_ms=60000):
    """The slots of the one-channel series at which the rule raises its alarm."""
    alarms = Alarms([rule], period_ms)
    return [slot for slot in range(len(series)) if alarms.take(slot, [series[slot]])]


def test_the_limit_itself_counts():
    assert raised_at([0, HIGH, SINGLE, 100, 0], [99, 100]) == [1]
    assert raised_at([0, LOW, SINGLE, 100, 0], [101, 100]) == [1]
    assert raised_at([0, HIGH, SINGLE, 100, 0], [99, 98]) == []
    assert raised_at([0, LOW, SINGLE, -100, 0], [-99, -101]) == [1]


def test_single_needs_the_delay_without_a_break():
    # Outside from slot 1 on: 3 minutes lie between slots 1 and 4.
    assert raised_at([0, HIGH, SINGLE, 10, 180], [0, 10, 10, 10, 10]) == [4]
    assert raised_at([0, HIGH, SINGLE, 10, 180], [0, 10, 10, 9, 10, 10, 10]) == []
    assert raised_at([0, HIGH, SINGLE, 10, 180], [0, 10, 10, 9, 10, 10, 10, 10]) == [7]


def test_cumulative_sums_over_breaks():
    assert raised_at([0, HIGH, CUMULATIVE, 10, 180], [10, 0, 10, 0, 0, 10]) == [5]
    assert raised_at([0, HIGH, CUMULATIVE, 10, 181], [10, 0, 10, 0, 0, 10, 0, 11]) == [7]
    assert raised_at([0, HIGH, CUMULATIVE, 10, 0], [0, 10]) == [1]


def test_slot_without_a_reading_ends_nothing_and_adds_nothing():
    gone = NO_READING
    assert raised_at([0, HIGH, SINGLE, 10, 120], [10, gone, 10]) == [2]
    assert raised_at([0, LOW, SINGLE, 10, 0], [gone, 20, gone]) == []
    assert raised_at([0, HIGH, CUMULATIVE, 10, 120], [10, gone, gone, 10]) == [3]
    # It raises nothing itself, even when the time is over.
    assert raised_at([0, HIGH, SINGLE, 10, 60], [10, gone, gone, 9]) == []


def test_slots_that_were_not_sampled_count_as_time_of_a_single_event():
    alarms = Alarms([[0, HIGH, SINGLE, 10, 300]], 60000)
    assert alarms.take(0, [10]) == ()
    assert alarms.take(5, [10]) == (0,)


def test_raised_once_and_for_the_trip():
    alarms = Alarms([[0, HIGH, SINGLE, 10, 0], [1, LOW, SINGLE, 5, 0]], 60000)
    assert alarms.take(0, [10, 6]) == (0,)
    assert alarms.take(1, [10, 5]) == (1,)
    assert alarms.take(2, [11, 0]) == ()
    assert alarms.raised == 3


def test_what_was_raised_before_a_restart_is_not_raised_again():
    alarms = Alarms([[0, HIGH, SINGLE, 10, 0], [0, LOW, SINGLE, 5, 0]], 60000, raised=1)
    assert alarms.take(9, [10]) == ()
    assert alarms.take(10, [5]) == (1,)
