"""TMP117 driver on the chip's model: readings, faults, and recovery after a loss of power."""

import errno

from boards.models.i2c_bus import I2CBus
from boards.models.signals import HeldTemperature
from boards.models.tmp117 import TMP117Model
from celltrail_protocol import codes
from drivers.temp_tmp117 import TMP117
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
    """Driver, bus, chip and clock; the chip feels `values` from `times_us` on."""

    def __init__(self, times_us: "list[int]", values: "list[float | None]", absent_errno: int = errno.ENODEV):
        self.clock = Clock()
        self.chip = TMP117Model(self.clock, HeldTemperature(times_us, values))
        self.bus = I2CBus([self.chip], absent_errno)
        self.driver = TMP117(self.bus, self.clock.sleep_ms)

    def fault(self, action: "object") -> "int | None":
        try:
            action()
        except SensorFault as fault:
            return fault.code
        return None

    def word(self, register: int) -> int:
        high, low = self.bus.readfrom_mem(0x48, register, 2)
        return high << 8 | low


def test_reads_in_steps_of_the_chip():
    # TMP117 data sheet SNOSD82D, table "16-bit temperature data format"; between its lines the nearest step, and at its
    # first one, which the chip also shows before a result, the next.
    for celsius, raw in (
        (0.0, 0),
        (0.0078125, 1),
        (-0.0078125, 0xFFFF - 65536),
        (0.125, 0x0010),
        (-0.125, 0xFFF0 - 65536),
        (1.0, 0x0080),
        (25.0, 0x0C80),
        (-25.0, 0xF380 - 65536),
        (100.0, 0x3200),
        (5.02, 643),
        (-0.01, -1),
        (-55.0, -7040),
        (150.0, 0x4B00),
    ):
        bench = Bench([0], [celsius])
        bench.driver.start()
        assert bench.driver.read_raw() == raw, celsius


def test_beyond_the_range_for_which_its_accuracy_is_known_is_a_fault():
    # The first and the last line of the same table, and what lies beyond them.
    for celsius, word in (
        (-256.0, 0x8001),
        (255.9921875, 0x7FFF),
        (300.0, 0x7FFF),
        (-55.0079, 0xE47F),
        (150.0079, 0x4B01),
    ):
        bench = Bench([0], [celsius])
        bench.driver.start()
        assert bench.fault(bench.driver.read_raw) == codes.FAULT_SATURATED
        assert bench.word(0x00) == word


def test_reading_is_of_the_instant_it_was_asked_for():
    bench = Bench([0, 10 * SECOND, 10 * SECOND + 1], [1.0, 2.0, 3.0])
    bench.driver.start()
    bench.clock.us = 10 * SECOND - 1
    assert bench.driver.read_raw() == 128
    bench.clock.us = 10 * SECOND
    assert bench.driver.read_raw() == 256
    assert 10 * SECOND + 15_500 <= bench.clock.us <= 10 * SECOND + 20_000
    assert bench.driver.read_raw() == 384


def test_chip_is_shut_down_between_readings():
    bench = Bench([0], [20.0])
    bench.driver.start()
    assert bench.word(0x01) & 0x0C00 == 0x0400
    bench.driver.read_raw()
    assert bench.word(0x01) & 0x0C00 == 0x0400


def test_absent_chip():
    for code in (errno.ENODEV, errno.EIO):
        bench = Bench([0], [20.0], code)
        bench.driver.start()
        bench.chip.fail = "nack"
        assert bench.fault(bench.driver.start) == codes.FAULT_ABSENT
        assert bench.fault(bench.driver.read_raw) == codes.FAULT_ABSENT
        bench.chip.fail = None
        assert bench.driver.read_raw() == 2560


def test_wrong_chip():
    bench = Bench([0], [20.0])
    bench.chip.fail = "wrong_id"
    assert bench.fault(bench.driver.start) == codes.FAULT_WRONG_ID


def test_bus_errors():
    for fail in ("bus", "timeout"):
        bench = Bench([0], [20.0])
        bench.chip.fail = fail
        assert bench.fault(bench.driver.start) == codes.FAULT_BUS
        assert bench.fault(bench.driver.read_raw) == codes.FAULT_BUS


def test_unplugged_probe_comes_back():
    bench = Bench([0, 5 * SECOND, 9 * SECOND], [4.0, None, 6.0])
    bench.driver.start()
    assert bench.driver.read_raw() == 512
    bench.clock.us = 6 * SECOND
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_ABSENT
    assert bench.bus.scan() == []
    bench.clock.us = 10 * SECOND
    # It has lost power in between; its first reading works without another start.
    assert bench.driver.read_raw() == 768
    assert bench.bus.scan() == [0x48]


def test_power_loss_during_a_conversion():
    bench = Bench([0], [20.0])
    bench.driver.start()
    sleep_ms = bench.clock.sleep_ms

    def sleep_and_lose_power(ms: int) -> None:
        sleep_ms(ms)
        bench.chip.power_on()

    bench.driver._sleep_ms = sleep_and_lose_power
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_NOT_READY
    bench.driver._sleep_ms = sleep_ms
    assert bench.driver.read_raw() == 2560


def test_no_result_is_not_a_temperature():
    bench = Bench([0], [20.0])
    assert bench.word(0x00) == 0x8000
    # A chip that says "ready" and has no result.
    bench.chip._finish = lambda sampled_us: setattr(bench.chip, "_ready", True)
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_NOT_READY


def test_model_converts_continuously_after_power_on():
    bench = Bench([0, SECOND, 2 * SECOND], [1.0, 2.0, 3.0])
    bench.clock.us = 123_999
    assert (bench.word(0x01), bench.word(0x00)) == (0x0220, 0x8000)
    bench.clock.us = 124_000
    assert (bench.word(0x01), bench.word(0x01)) == (0x2220, 0x0220)
    assert bench.word(0x00) == 128
    bench.clock.us = SECOND + 123_999
    assert bench.word(0x00) == 128
    bench.clock.us = 2 * SECOND - 1
    assert bench.word(0x00) == 256
    bench.clock.us = 60 * SECOND
    assert bench.word(0x00) == 384


def test_model_registers():
    bench = Bench([0], [20.0])
    assert (bench.word(0x02), bench.word(0x03), bench.word(0x0F)) == (0x6000, 0x8000, 0x0117)
    for register in (0x00, 0x0F, 0x0A):
        before = bench.word(register)
        bench.bus.writeto_mem(0x48, register, b"\x12\x34")
        assert bench.word(register) == before
    bench.bus.writeto(0x48, b"\x02\x12\x34")
    assert bench.bus.readfrom(0x48, 2) == b"\x12\x34"
    bench.bus.writeto_mem(0x48, 0x01, b"\x00\x02")
    assert bench.word(0x02) == 0x6000


def test_bus_routes_by_address():
    clock = Clock()
    chips = [TMP117Model(clock, HeldTemperature([0], [float(i)]), 0x48 + i) for i in range(3)]
    bus = I2CBus(chips)
    assert bus.scan() == [0x48, 0x49, 0x4A]
    drivers = [TMP117(bus, clock.sleep_ms, 0x48 + i) for i in range(3)]
    assert [driver.read_raw() for driver in drivers] == [0, 128, 256]
    try:
        bus.attach(chips[0])
    except ValueError:
        return
    raise AssertionError("two chips with one address")


def test_held_temperature():
    signal = HeldTemperature([10 * i for i in range(100)], [float(i) for i in range(100)])
    assert signal.celsius(-5) == 0.0
    for t_us in (0, 9, 10, 500, 505, 509, 990, 10_000, 35, 34, 900, 0):
        assert signal.celsius(t_us) == float(min(t_us // 10, 99)), t_us
