"""ADXL345 driver on the chip's model: identity, FIFO, wake-up, faults; and the model's own rules."""

import errno

from accelerometer_bench import SECOND, Bench, pulse, pulse_segment, still, struck

from boards.models.adxl345 import ADXL345Model
from boards.models.i2c_bus import I2CBus
from boards.models.signals import RecordedAcceleration, Segment
from celltrail_protocol import codes
from drivers.accel_adxl345 import ADXL345, wake_threshold

# heapsize: 2m


def bench(signal: "object", **settings: int) -> Bench:
    return Bench(ADXL345, ADXL345Model, signal, **settings)


def started(signal: "object", threshold_mg: int = 5000, **settings: int) -> Bench:
    it = bench(signal, **settings)
    it.driver.start(threshold_mg)
    return it


def ramp() -> RecordedAcceleration:
    """For 2 s x rises by 1.25 steps a sample, y falls, z rises half as fast."""
    top = 2000 / 256
    return RecordedAcceleration([Segment([0, 2 * SECOND], [0.0, top], [0.0, -top], [0.0, top / 2])])


def test_reads_samples_in_order():
    it = started(still(0.25, -0.5, 1.0))
    it.clock.us = 20_000
    sets = it.read()
    # 1.1 ms and one period after the start comes sample 2, at 2.5 ms.
    assert sets == [(64, -128, 256)] * 15
    assert it.byte(0x39) == 0
    assert it.read() == []
    assert not it.driver.overrun


class OneSet:
    """A bus with a chip that has one set in its FIFO."""

    def __init__(self, data: bytes):
        self._data = data

    def readfrom_mem_into(self, address: int, register: int, buf: bytearray) -> None:
        buf[:] = self._data if register == 0x32 else b"\x01"


def test_words_are_those_of_the_data_sheet():
    # ADXL345 data sheet rev. G: table 1 (256 steps a g in full resolution, also at +-16 g), and registers 0x32 to 0x37:
    # two's complement, low byte first. Below 1600 Hz; faster the lowest bit is always 0, and left out.
    for data, sets in (
        (b"\x00\x01\x00\xff\x00\x00", [256, -256, 0]),
        (b"\xff\x0f\x00\xf0\x01\x00", [4095, -4096, 1]),
    ):
        out = [0] * 3
        driver = ADXL345(OneSet(data))
        assert driver.read_fifo(out, 32) == 1
        assert out == sets
        fast = ADXL345(OneSet(data), rate_hz=1600)
        assert fast.read_fifo(out, 32) == 1
        assert out == [value >> 1 for value in sets]
        assert 256 * driver.step_ng == 128 * fast.step_ng == 1_000_000_000


def test_nothing_is_lost_over_many_reads():
    it = started(ramp(), 16_000)
    sets = it.record(2 * SECOND, 20_000)
    assert not it.driver.overrun
    assert len(sets) == 1601 - 2
    for i in range(50, len(sets)):
        steps = (2 + i) * 1.25 - 0.5627
        for value, exact in zip(sets[i], (steps, -steps, steps / 2)):
            assert abs(value - exact) < 0.6 or i == len(sets) - 1, (i, sets[i], steps)


def test_room_limits_what_is_taken():
    it = started(ramp(), 16_000)
    it.clock.us = 40_000
    first, second = it.read(7), it.read(3)
    assert (len(first), len(second)) == (7, 3)
    assert 1 <= second[0][0] - first[-1][0] <= 2
    assert it.read(0) == []
    assert not it.driver.overrun


def test_overrun_is_told_and_the_newest_samples_are_kept():
    it = started(ramp(), 16_000)
    it.clock.us = SECOND
    sets = it.read()
    assert it.driver.overrun
    assert len(sets) == 33
    assert abs(sets[-1][0] - 1000) <= 2
    it.driver.overrun = False
    it.clock.us += 20_000
    assert len(it.read()) == 16
    assert not it.driver.overrun


def test_rates():
    for rate_hz in (25, 400, 800, 3200):
        it = started(still(), rate_hz=rate_hz)
        assert it.driver.rate_mHz == rate_hz * 1000
        it.clock.us = SECOND
        it.read()
        it.clock.us += 8_000_000 // rate_hz
        sets = it.read()
        assert len(sets) == 8
        assert abs(sets[0][2] * it.driver.step_ng - 10**9) < 10**7
        assert it.driver.step_ng * it.driver.range_raw > 15_900_000_000
    try:
        ADXL345(I2CBus(), rate_hz=1000)
    except ValueError:
        return
    raise AssertionError("a rate that the chip doesn't have")


def test_wakes_at_a_shock_and_sleeps_again():
    it = started(pulse(5 * SECOND, 12.0))
    assert it.chip.next_interrupt_us(4 * SECOND) is None
    at_us = it.wake(60 * SECOND)
    assert 5 * SECOND < at_us < 5 * SECOND + 4000
    assert it.chip.int1()
    assert it.driver.active()
    assert not it.chip.int1()
    # Still above the threshold: the next sample raises the pin again.
    assert it.chip.next_interrupt_us(60 * SECOND) == at_us + 1250
    it.clock.us += 30_000
    assert it.driver.active()
    assert not it.driver.active()
    assert it.chip.next_interrupt_us(3600 * SECOND) is None
    assert abs(max(it.read())[0] - 12 * 256) < 400


def test_every_shock_wakes():
    starts = [SECOND, SECOND + 50_000, 3 * SECOND]
    it = started(RecordedAcceleration([pulse_segment(start, -12.0) for start in starts]))
    for start in starts:
        assert start < it.wake(60 * SECOND) < start + 4000
        it.clock.us += 20_000
        assert it.driver.active()
    assert it.wake(60 * SECOND) is None


def test_no_shock_is_missed_in_any_direction():
    aways = ((5.1, 0, 0), (-2.94, 2.94, 2.94), (-2.94, -2.94, -2.94), (0, 0, -5.1), (0, -3.6, 3.6))
    for turned in ((0.0, 0.0, 1.0), (-1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (3.0, 3.0, 3.0)):
        for away in aways:
            it = started(struck((0.0, 0.0, 1.0), turned, away))
            it.clock.us = 2 * SECOND
            it.driver.active()
            it.clock.us = 2 * SECOND + 25_000
            assert it.driver.active(), (turned, away)


def test_wake_threshold():
    assert wake_threshold(5000) == 40
    assert wake_threshold(1) == 1
    assert wake_threshold(10**6) == 255
    for threshold_mg in range(300, 50_000, 70):
        assert wake_threshold(threshold_mg) * 62.5 * 2 <= threshold_mg


def test_start_takes_a_new_reference():
    turn = Segment([SECOND, SECOND + 1000], [0.0, 4.0], [0.0, 0.0], [1.0, 0.0])
    it = started(RecordedAcceleration([turn]))
    it.clock.us = 10 * SECOND
    assert it.driver.active()
    it.clock.us += 2000
    assert it.driver.active()
    it.driver.start(5000)
    it.clock.us = 11 * SECOND
    assert not it.driver.active()


def test_stop_stands_by():
    it = started(pulse(2 * SECOND, 12.0))
    it.driver.stop()
    assert it.byte(0x2D) & 8 == 0
    assert not it.chip.sampling()
    assert it.chip.next_interrupt_us(60 * SECOND) is None
    it.clock.us = 3 * SECOND
    assert it.read() == []
    assert not it.driver.active()


def test_wrong_and_absent_chip():
    it = bench(still())
    it.chip.fail = "wrong_id"
    assert it.fault(lambda: it.driver.start(5000)) == codes.FAULT_WRONG_ID
    for absent_errno in (errno.ENODEV, errno.EIO):
        driver = ADXL345(I2CBus((), absent_errno))
        assert it.fault(lambda: driver.start(5000)) == codes.FAULT_ABSENT


def test_bus_errors():
    for fail, code in (("bus", codes.FAULT_BUS), ("timeout", codes.FAULT_BUS), ("nack", codes.FAULT_ABSENT)):
        it = started(still())
        it.clock.us = SECOND
        it.chip.fail = fail
        assert it.fault(lambda: it.driver.start(5000)) == code
        assert it.fault(it.driver.active) == code
        assert it.fault(it.read) == code
        assert it.fault(it.driver.stop) == code


def test_chip_that_lost_its_settings_says_so():
    it = started(still())
    it.clock.us = SECOND
    it.chip.power_on()
    assert it.fault(it.driver.active) == codes.FAULT_NOT_READY
    assert it.fault(it.read) == codes.FAULT_NOT_READY
    it.driver.start(5000)
    it.clock.us += SECOND
    assert not it.driver.active()
    assert len(it.read()) == 33


def test_saturation_shows_at_the_range():
    it = started(pulse(SECOND, 40.0))
    sets = it.record(SECOND + 40_000, 20_000)
    assert max(sets)[0] == it.driver.range_raw == 4095
    it = started(pulse(SECOND, -40.0))
    assert min(it.record(SECOND + 40_000, 20_000))[0] == -4096


def test_model_registers():
    it = bench(still())
    assert (it.byte(0x00), it.byte(0x2C), it.byte(0x10), it.byte(0x60)) == (0xE5, 0x0A, 0, 0)
    for register in (0x00, 0x10, 0x30, 0x32, 0x39):
        before = it.byte(register)
        it.write(register, 0x55)
        assert it.byte(register) == before, register
    it.write(0x24, 0x55)
    assert it.byte(0x24) == 0x55
    # A single byte of data takes the whole set.
    it.driver.start(5000)
    it.clock.us = 20_000
    entries = it.byte(0x39)
    it.byte(0x32)
    assert it.byte(0x39) == entries - 1
    assert it.byte(0x30) & 0x83 == 0x82


def test_model_refuses_what_it_does_not_model():
    for register, value in ((0x2D, 0x18), (0x2D, 0x08), (0x2E, 0x80), (0x2F, 0x10)):
        it = bench(still())
        try:
            it.write(register, value)
        except NotImplementedError:
            continue
        raise AssertionError((register, value))


def test_days_of_rest_cost_nothing():
    it = started(pulse(100 * 86400 * SECOND, 12.0))
    assert it.wake(200 * 86400 * SECOND) // SECOND == 100 * 86400
    assert it.driver.active()
    assert len(it.read()) == 33
