"""BMP390 driver on the chip's model: the data sheet's compensation, readings, faults, and recovery."""

import errno

from boards.models.bmp390 import WORDS, BMP390Model, pascal, temperature
from boards.models.i2c_bus import I2CBus
from boards.models.signals import HeldTemperature
from celltrail_protocol import codes
from drivers.press_bmp390 import BMP390, pressure
from logger.hardware import SensorFault

SECOND = 1_000_000


class Clock:
    """A clock that only tests and sleeping move."""

    def __init__(self) -> None:
        self.us = 0

    def now_us(self) -> int:
        return self.us

    def sleep_ms(self, ms: int) -> None:
        self.us += ms * 1000


class Bench:
    """Driver, bus, chip and clock; the chip feels `values` in hPa from `times_us` on."""

    def __init__(self, times_us: "list[int]", values: "list[float | None]", absent_errno: int = errno.ENODEV):
        self.clock = Clock()
        self.chip = BMP390Model(self.clock, HeldTemperature(times_us, values))
        self.bus = I2CBus([self.chip], absent_errno)
        self.driver = BMP390(self.bus, self.clock.sleep_ms)

    def fault(self, action: "object") -> "int | None":
        try:
            action()
        except SensorFault as fault:
            return fault.code
        return None


def test_compensation_in_integers_is_the_data_sheets():
    # Sections 8.5 and 8.6 in doubles, over the range of the chip and of its coefficients' signs.
    for words in (WORDS, (28159, 18400, -7, 560, -2200, 35, 1, 25100, 30000, -8, -6, 16500, 30, -60)):
        for adc_t in range(6_500_000, 10_000_000, 97_001):
            celsius = temperature(words, adc_t)
            for adc_p in range(2_000_000, 12_000_000, 911_003):
                exact = pascal(words, celsius, adc_p)
                assert abs(pressure(words, adc_t, adc_p) / 65536 - exact) < 0.05, (adc_t, adc_p)


def test_reads_in_steps_of_four_pascal():
    for hPa in (300.04, 500.0, 753.2, 1013.25, 1100.0, 1249.96):
        for chip_C in (-20.0, 5.0, 25.0, 60.0):
            bench = Bench([0], [hPa])
            bench.chip.chip_C = chip_C
            bench.driver.start()
            raw = bench.driver.read_raw()
            assert abs(raw * bench.driver.step_nK / 1e9 - hPa * 100) <= 2.1, (hPa, chip_C)


def test_reading_is_of_the_instant_it_was_asked_for():
    bench = Bench([0, 10 * SECOND, 10 * SECOND + 1], [1000.0, 900.0, 800.0])
    bench.driver.start()
    bench.clock.us = 10 * SECOND - 1
    assert bench.driver.read_raw() == 25000
    bench.clock.us = 10 * SECOND
    assert bench.driver.read_raw() == 22500
    assert bench.driver.read_raw() == 20000
    assert bench.clock.us <= 10 * SECOND + 30_000


def test_chip_sleeps_between_readings():
    bench = Bench([0], [1000.0])
    bench.driver.start()
    bench.driver.read_raw()
    assert bench.bus.readfrom_mem(0x77, 0x1B, 1)[0] & 0x30 == 0


def test_out_of_range_is_no_reading():
    for hPa in (100.0, 299.9, 1250.2, 1500.0):
        bench = Bench([0], [hPa])
        assert bench.fault(bench.driver.read_raw) == codes.FAULT_SATURATED, hPa


def test_absent_chip():
    for code in (errno.ENODEV, errno.EIO):
        bench = Bench([0], [1000.0], code)
        bench.chip.fail = "nack"
        assert bench.fault(bench.driver.start) == codes.FAULT_ABSENT
        assert bench.fault(bench.driver.read_raw) == codes.FAULT_ABSENT
        bench.chip.fail = None
        # Its coefficients are read as soon as it is there.
        assert bench.driver.read_raw() == 25000


def test_wrong_chip():
    bench = Bench([0], [1000.0])
    bench.chip.fail = "wrong_id"
    assert bench.fault(bench.driver.start) == codes.FAULT_WRONG_ID
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_WRONG_ID


def test_bus_errors():
    for fail in ("bus", "timeout"):
        bench = Bench([0], [1000.0])
        bench.driver.start()
        bench.chip.fail = fail
        assert bench.fault(bench.driver.start) == codes.FAULT_BUS
        assert bench.fault(bench.driver.read_raw) == codes.FAULT_BUS


def test_chip_that_fails_or_is_late():
    for fail in ("fatal", "slow"):
        bench = Bench([0], [1000.0])
        bench.driver.start()
        assert bench.driver.read_raw() == 25000
        bench.chip.fail = fail
        assert bench.fault(bench.driver.read_raw) == codes.FAULT_NOT_READY, fail


def test_power_loss_during_a_measurement():
    bench = Bench([0], [1000.0])
    bench.driver.start()
    sleep_ms = bench.clock.sleep_ms

    def sleep_and_lose_power(ms: int) -> None:
        sleep_ms(ms)
        bench.chip.power_on()

    bench.driver._sleep_ms = sleep_and_lose_power
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_NOT_READY
    bench.driver._sleep_ms = sleep_ms
    assert bench.driver.read_raw() == 25000


def test_model_registers():
    bench = Bench([0], [1000.0])
    assert bench.bus.readfrom_mem(0x77, 0x00, 1) == b"\x60"
    # No data until the first measurement.
    assert bench.bus.readfrom_mem(0x77, 0x03, 7) == b"\x10\x00\x00\x80\x00\x00\x80"
    bench.bus.writeto_mem(0x77, 0x1C, b"\x0b")
    bench.bus.writeto_mem(0x77, 0x7E, b"\xb6")
    assert bench.bus.readfrom_mem(0x77, 0x1C, 1) == b"\x02"
