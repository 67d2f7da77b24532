"""ADXL372 driver on the chip's model: identity, FIFO, wake-up, faults; and the model's own rules."""

import errno

from accelerometer_bench import SECOND, Bench, pulse, pulse_segment, still, struck

from boards.models.adxl372 import ADXL372Model
from boards.models.i2c_bus import I2CBus
from boards.models.signals import RecordedAcceleration, Segment
from celltrail_protocol import codes
from drivers.accel_adxl372 import ADXL372, wake_threshold

# heapsize: 2m


def bench(signal: "object", **settings: int) -> Bench:
    return Bench(ADXL372, ADXL372Model, signal, **settings)


def started(signal: "object", threshold_mg: int = 10_000, **settings: int) -> Bench:
    settings.setdefault("rate_hz", 1600)
    it = bench(signal, **settings)
    it.driver.start(threshold_mg)
    return it


def ramp(seconds: int = 2) -> RecordedAcceleration:
    """x rises by 1 step a millisecond, y falls, z rises half as fast."""
    end_us = seconds * SECOND
    top = seconds * 100.0
    return RecordedAcceleration([Segment([0, end_us], [0.0, top], [0.0, -top], [0.0, top / 2])])


def test_reads_samples_in_order_and_leaves_one():
    it = started(still(0.26, -0.34, 1.0))
    # The first sample after the filter has settled is number 26, at 16.25 ms.
    it.clock.us = 36 * 625
    sets = it.read()
    assert sets == [(3, -3, 10)] * 10
    assert (it.byte(0x06), it.byte(0x07)) == (0, 3)
    assert it.read() == []


def test_words_are_those_of_the_data_sheet():
    # ADXL372 data sheet rev. C: table 1 (100 mg a step, +-200 g) and "FIFO data format": twelve bits from the left in
    # two's complement, high byte first; bit 0 marks x.
    driver, out = started(still(0.0, 0.0, 1.0)).driver, [0] * 3
    for words, sets in (
        (b"\x00\xa1\xff\x60\x00\x00", [10, -10, 0]),
        (b"\x7d\x01\x83\x00\x00\x10", [2000, -2000, 1]),
        (b"\x7f\xf1\x80\x00\xff\xf0", [2047, -2048, -1]),
    ):
        assert driver._unpack(memoryview(words), out, 0) == 1
        assert out == sets
    assert driver.step_ng == 100_000_000


def test_halves_are_rounded_up():
    it = started(still(0.25, -0.25, 0.75))
    it.clock.us = 100_000
    assert it.read()[0] == (3, -2, 8)


def test_nothing_is_lost_over_many_reads():
    it = started(ramp(), 100_000)
    sets = it.record(2 * SECOND, 40_000)
    assert not it.driver.overrun
    # Samples 26 (16.25 ms) to 3199; the last one of 3200 is left in the FIFO.
    assert len(sets) == 3200 - 26
    # The filter follows a ramp with a delay of sqrt(2) / (2 pi 800 Hz).
    for i in range(100, len(sets)):
        ms = (26 + i) * 0.625 - 0.2813
        for value, exact in zip(sets[i], (ms, -ms, ms / 2)):
            assert abs(value - exact) < 0.6, (i, sets[i])


def test_room_limits_what_is_taken():
    it = started(ramp(), 100_000)
    it.clock.us = SECOND // 10
    first = it.read(7)
    second = it.read(40)
    assert (len(first), len(second)) == (7, 40)
    assert first[-1][0] <= second[0][0] <= first[-1][0] + 2
    assert it.read(0) == []
    assert not it.driver.overrun


def test_overrun_is_told_and_the_newest_samples_are_whole_sets():
    it = started(ramp(), 100_000)
    it.clock.us = 300_000
    sets = it.read()
    assert it.driver.overrun
    # The chip cut a set in two when its 512 words ran full; 168 whole ones came out.
    assert len(sets) == 168
    for i in range(len(sets)):
        x, y, z = sets[i]
        assert abs(x - (300 - (170 - i) * 0.625)) < 2
        assert abs(x + y) <= 1 and abs(x - 2 * z) <= 2, sets[i]
    it.driver.overrun = False
    it.clock.us += 50_000
    more = it.read()
    assert abs(more[0][0] - sets[-1][0]) <= 2
    # 80 new sets and two thirds of the one that is left behind.
    assert len(more) == 80
    assert not it.driver.overrun


def test_cut_set_is_dropped_up_to_the_next_x():
    it = started(ramp(), 100_000)
    it.clock.us = 60_000
    it.bus.readfrom_mem(0x53, 0x42, 2)
    sets = it.read()
    assert it.driver.overrun
    for x, y, z in sets:
        assert abs(x + y) <= 1 and abs(x - 2 * z) <= 2


def test_words_without_an_x_make_no_set():
    it = started(still())
    assert it.driver._unpack(memoryview(b"\x01\x10\x02\x20\x03\x30" * 2), it.out, 0) == 0
    assert it.driver.overrun


def test_set_that_ends_in_the_next_read_is_whole():
    it = started(ramp(), 100_000)
    it.clock.us = 60_000
    it.read()
    # One word is lost, so that reads end inside of sets from now on.
    it.bus.readfrom_mem(0x53, 0x42, 2)
    sets = it.record(200_000, 20_000)
    assert len(sets) > 200
    for i in range(1, len(sets)):
        x, y, z = sets[i]
        assert abs(x + y) <= 1 and abs(x - 2 * z) <= 2, sets[i]
        assert 0 <= x - sets[i - 1][0] <= 1


def test_rates():
    for rate_hz in (400, 800, 1600, 3200, 6400):
        it = started(still(), rate_hz=rate_hz)
        assert it.driver.rate_mHz == rate_hz * 1000
        it.clock.us = 36_000
        assert abs(len(it.read()) - rate_hz * 20 // 1000) <= 1
    try:
        ADXL372(I2CBus(), rate_hz=1000)
    except ValueError:
        return
    raise AssertionError("a rate that the chip doesn't have")


def test_wakes_at_a_shock_and_sleeps_again():
    it = started(pulse(5 * SECOND, 30.0))
    assert it.chip.next_interrupt_us(4 * SECOND) is None
    at_us = it.wake(60 * SECOND)
    assert 5 * SECOND < at_us < 5 * SECOND + 4000
    assert it.chip.int1()
    assert it.driver.active()
    assert not it.chip.int1()
    assert it.driver.active()
    it.clock.us += 60_000
    assert not it.driver.active()
    assert it.chip.next_interrupt_us(3600 * SECOND) is None
    peak = max(it.read())
    assert abs(peak[0] - 300) <= 15
    assert it.driver.overrun


def test_every_shock_wakes():
    starts = [SECOND, SECOND + 50_000, 3 * SECOND]
    it = started(RecordedAcceleration([pulse_segment(start, -30.0) for start in starts]))
    woken = []
    at_us = it.wake(60 * SECOND)
    while at_us is not None:
        woken.append(at_us)
        assert it.driver.active()
        at_us = it.wake(60 * SECOND)
    assert len(woken) == 3
    for start, woke in zip(starts, woken):
        assert start < woke < start + 4000


def test_no_shock_is_missed_in_any_direction():
    aways = ((10.1, 0, 0), (-5.84, 5.84, 5.84), (-5.84, -5.84, -5.84), (0, 0, -10.1), (0, -7.15, 7.15))
    for rest in ((0.0, 0.0, 1.0), (0.577, 0.577, 0.577)):
        for turned in ((0.0, 0.0, 1.0), (-1.0, 0.0, 0.0), (3.0, 0.0, 0.0), (-6.0, 6.0, 6.0)):
            for away in aways:
                it = started(struck(rest, turned, away))
                it.clock.us = SECOND + 500_000
                it.driver.active()
                it.clock.us = 2 * SECOND + 25_000
                assert it.driver.active(), (rest, turned, away)


def test_wake_threshold():
    assert wake_threshold(10_000) == 50
    assert wake_threshold(1) == 1
    assert wake_threshold(10**6) == 0x7FF
    for threshold_mg in range(500, 200_000, 700):
        # A shock must be at least twice the chip's threshold away from rest.
        assert wake_threshold(threshold_mg) * 100 * 2 <= threshold_mg


def test_start_takes_a_new_reference():
    turn = Segment([SECOND, SECOND + 1000], [0.0, 9.0], [0.0, 0.0], [1.0, 0.0])
    it = started(RecordedAcceleration([turn]))
    it.clock.us = 10 * SECOND
    assert it.driver.active() and it.driver.active()
    it.driver.start(10_000)
    it.clock.us = 11 * SECOND
    assert not it.driver.active()


def test_stop_stands_by():
    it = started(pulse(2 * SECOND, 50.0))
    it.driver.stop()
    assert it.byte(0x3F) & 3 == 0
    assert not it.chip.sampling()
    assert it.chip.next_interrupt_us(60 * SECOND) is None
    it.clock.us = 3 * SECOND
    assert it.read() == []
    assert not it.driver.active()


def test_wrong_and_absent_chip():
    it = bench(still())
    it.chip.fail = "wrong_id"
    assert it.fault(lambda: it.driver.start(10_000)) == codes.FAULT_WRONG_ID
    for absent_errno in (errno.ENODEV, errno.EIO):
        driver = ADXL372(I2CBus((), absent_errno))
        assert it.fault(lambda: driver.start(10_000)) == codes.FAULT_ABSENT


def test_bus_errors():
    for fail, code in (("bus", codes.FAULT_BUS), ("timeout", codes.FAULT_BUS), ("nack", codes.FAULT_ABSENT)):
        it = started(still())
        it.clock.us = SECOND
        it.chip.fail = fail
        assert it.fault(lambda: it.driver.start(10_000)) == code
        assert it.fault(it.driver.active) == code
        assert it.fault(it.read) == code
        assert it.fault(it.driver.stop) == code


def test_chip_that_lost_its_settings_says_so():
    it = started(still())
    it.clock.us = SECOND
    it.chip.power_on()
    assert it.fault(it.driver.active) == codes.FAULT_NOT_READY
    assert it.fault(it.read) == codes.FAULT_NOT_READY
    it.driver.start(10_000)
    it.clock.us += SECOND
    assert not it.driver.active()
    assert len(it.read()) > 0


def test_saturation_shows_at_the_range():
    it = started(pulse(SECOND, 500.0))
    sets = it.record(SECOND + 100_000, 50_000)
    assert max(sets)[0] == it.driver.range_raw == 2000


def test_model_default_mode_keeps_its_activity():
    it = bench(pulse(SECOND, 50.0))
    it.bus.writeto_mem(0x53, 0x23, b"\x02\x81\x02\x81\x02\x81")
    it.write(0x3B, 0x20)
    it.write(0x3F, 0x1F)
    it.clock.us = 2 * SECOND
    assert it.byte(0x05) == it.byte(0x05) == 0x20
    it.write(0x3F, 0x00)
    it.write(0x3F, 0x1F)
    it.clock.us = 3 * SECOND
    assert it.byte(0x05) == 0


def test_model_registers():
    it = bench(still())
    assert [it.byte(i) for i in range(4)] == [0xAD, 0x1D, 0xFA, 0x03]
    assert it.byte(0x04) & 0x80
    for register, value in ((0x00, 0), (0x07, 9), (0x50, 1)):
        it.write(register, value)
    assert (it.byte(0x00), it.byte(0x07), it.byte(0x50)) == (0xAD, 0, 0)
    it.driver.start(10_000)
    assert not it.byte(0x04) & 0x80
    it.write(0x3A, 0x00)
    it.write(0x23, 0xFF)
    assert (it.byte(0x3A), it.byte(0x23)) == (0x02, 50 >> 3)
    it.clock.us = SECOND
    assert it.bus.readfrom_mem(0x53, 0x08, 6) == b"\x00\x00\x00\x00\x00\xa0"
    it.write(0x41, 0x52)
    assert it.byte(0x3F) == 0 and it.byte(0x04) & 0x80


def test_model_refuses_what_it_does_not_model():
    for register, value in ((0x3F, 0x03), (0x3F, 0x01), (0x3B, 0x01)):
        it = bench(still())
        try:
            it.write(register, value)
        except NotImplementedError:
            continue
        raise AssertionError((register, value))


def test_first_samples_do_not_depend_on_when_the_chip_was_started():
    starts = (SECOND, SECOND + 9000, 2 * SECOND)
    signal = RecordedAcceleration([pulse_segment(start, 40.0, 3) for start in starts])
    early = started(signal, 100_000)
    sets = early.record(2 * SECOND + 50_000, 50_000)
    for start_us in (SECOND - 17_000, SECOND - 12_000, SECOND, SECOND + 1100, 2 * SECOND - 7900):
        late = bench(signal, rate_hz=1600)
        late.clock.us = start_us
        late.driver.start(100_000)
        late.clock.us = start_us + 50_000
        got = late.read()
        first = -(-(start_us + 16_000) * 16 // 10_000)
        assert got == sets[first - 26 : first - 26 + len(got)], start_us
        assert len(got) > 40


def test_days_of_rest_cost_nothing():
    it = started(pulse(100 * 86400 * SECOND, 30.0))
    assert it.wake(200 * 86400 * SECOND) // SECOND == 100 * 86400
    assert it.driver.active()
    assert len(it.read()) == 168
