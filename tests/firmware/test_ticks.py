"""64-bit time from counters that wrap: on many periods, at their edges, asked too late, and read out of order."""

import time

from boards.ticks import CHIP_PERIOD, LongTicks, ticks_period


class Counter:
    """A counter of `bits` bits; `true` is what it has really counted."""

    def __init__(self, period, true=0):
        self.period = period
        self.true = true

    def read(self):
        return self.true % self.period


def test_counts_on_over_many_periods_at_steps_of_any_length():
    for period in (4, 256, CHIP_PERIOD):
        counter = Counter(period)
        ticks = LongTicks(counter.read, period)
        step = 1
        while counter.true < 40 * period:
            assert ticks.now() == counter.true
            # From a single count to the longest step there may be.
            step = step * 7919 % (period // 2)
            counter.true += step or period // 2 - 1
        assert ticks.now() == counter.true


def test_time_begins_at_the_counter_and_not_at_zero():
    counter = Counter(256, 250)
    ticks = LongTicks(counter.read, 256)
    assert ticks.now() == 250
    counter.true = 260
    assert ticks.now() == 260


def test_a_sleep_as_long_as_is_allowed_may_end_nearly_as_late_again():
    for late in (0, 63, 64):
        counter = Counter(256, 1000)
        ticks = LongTicks(counter.read, 256)
        begin = ticks.now()
        assert ticks.longest() - begin == 64
        counter.true = 1000 + 64 + late
        assert ticks.now() - begin == (64 + late if late < 64 else 0)


def test_asked_too_late_time_stands_still_and_goes_on_late_by_whole_periods():
    counter = Counter(256)
    ticks = LongTicks(counter.read, 256)
    counter.true = 100
    assert ticks.now() == 100
    seen = []
    for true in range(100 + 128, 1000, 16):
        counter.true = true
        seen.append(ticks.now())
    assert seen == sorted(seen)
    assert seen[0] == 100
    assert seen[-1] == counter.true - 256


def test_a_read_that_was_overtaken_does_not_jump():
    values = [0, 100, 103, 101, 110]
    ticks = LongTicks(lambda: values.pop(0), CHIP_PERIOD)
    assert [ticks.now() for _ in range(4)] == [100, 103, 103, 110]


def test_bits_beyond_the_period_are_ignored():
    counter = Counter(1 << 40)
    ticks = LongTicks(counter.read, 256)
    for true in range(0, 3000, 100):
        counter.true = true
        assert ticks.now() == true


def test_a_period_that_is_no_power_of_two_is_refused():
    for period in (0, 1, 2, 3, 1000, -256):
        try:
            LongTicks(lambda: 0, period)
        except ValueError:
            continue
        raise AssertionError(period)


def test_the_runtime_tells_its_own_period():
    period = ticks_period()
    assert period >= CHIP_PERIOD
    assert period & (period - 1) == 0
    if hasattr(time, "ticks_diff"):
        # One count before the wrap and one after are two counts apart.
        assert time.ticks_diff(1, period - 1) == 2
        ticks = LongTicks(time.ticks_us, period)
        before = ticks.now()
        time.sleep_ms(20)
        assert 10_000 <= ticks.now() - before < 60_000_000
