"""The schedule: a grid that does not drift, and how many slots are past."""

from celltrail_protocol.records import NO_SLOT
from logger.schedule import Schedule


def test_no_origin_at_first():
    assert Schedule(60000).slot0 == NO_SLOT


def test_slots_are_due_on_the_grid_however_late_the_last_was():
    schedule = Schedule(1000)
    schedule.start(0, 500)
    assert schedule.due_ms() == 500
    for _ in range(1000):
        schedule.slot += 1
    assert schedule.due_ms() == 1000500


def test_goes_on_at_a_new_origin():
    schedule = Schedule(60000)
    schedule.start(77, 10000)
    assert schedule.due_ms() == 10000
    schedule.slot += 2
    assert schedule.due_ms() == 130000


def test_slot_is_missed_when_the_next_one_is_due():
    schedule = Schedule(1000)
    schedule.start(5, 0)
    assert schedule.missed(0) == 0
    assert schedule.missed(999) == 0
    assert schedule.missed(1000) == 1
    assert schedule.missed(3999) == 3


def test_ticks_beyond_32_bits():
    schedule = Schedule(3600000)
    schedule.start(0, 1 << 40)
    schedule.slot = 5000000
    assert schedule.due_ms() == (1 << 40) + 18000000000000
    assert schedule.missed((1 << 40) + 18000000000000 + 7200000) == 2
