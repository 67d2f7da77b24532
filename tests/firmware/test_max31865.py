"""MAX31865 driver on the chip's model: conversion, cable faults, wires, and recovery after a loss of power."""

from boards.models.max31865 import MAX31865Model, ohms
from boards.models.signals import HeldTemperature
from boards.models.spi_bus import SPIBus
from celltrail_protocol import codes
from drivers.temp_max31865 import MAX31865, centi_celsius
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
    """Driver, bus, chip and clock; the probe feels `values` from `times_us` on, or one value."""

    def __init__(self, celsius: "float | None" = 20.0, times_us: "list[int]" = [0], values=None, wires=4, **fitted):
        self.clock = Clock()
        signal = HeldTemperature(times_us, values or [celsius])
        self.chip = MAX31865Model(self.clock, signal, wires, **fitted)
        self.bus = SPIBus()
        fitted.pop("lead_ohm", None)
        self.driver = MAX31865(self.bus, self.bus.attach(self.chip), self.clock.sleep_ms, wires, **fitted)

    def fault(self, action: "object") -> "int | None":
        try:
            action()
        except SensorFault as fault:
            return fault.code
        return None


def test_conversion_of_the_data_sheets_table():
    # MAX31865 data sheet, table 9: degC and the code of a PT100 with 400 ohm, rounded to whole codes of 0.03 degC.
    for celsius, code in (
        (-200, 1517),
        (-175, 2394),
        (-150, 3254),
        (-100, 4936),
        (-50, 6579),
        (-40, 6903),
        (-10, 7871),
        (0, 8192),
        (10, 8512),
        (50, 9781),
        (100, 11346),
        (150, 12888),
    ):
        assert abs(centi_celsius(code, 400, 100) - 100 * celsius) <= 2, celsius


def test_conversion_follows_callendar_and_van_dusen():
    # IEC 60751:2008, from -200 to 150 degC: the code of the closed form's resistance, found again. A resistor of many
    # ohms makes the codes so fine that only the conversion's own error is left.
    for r0_ohm, rref_ohm in ((100, 430), (100, 400), (1000, 4300), (1000, 4000)):
        for milli in range(-200000, 150001, 619):
            ratio = ohms(milli / 1000, 1.0)
            code = ratio * r0_ohm * 32768 / rref_ohm
            # A thousandth of a code: as if the reference resistor were a thousand times larger.
            found = centi_celsius(round(code * 1000), rref_ohm, r0_ohm * 1000)
            assert abs(found - milli / 10) <= 0.6, (milli, found)


def test_reads_both_probes_over_the_whole_range():
    for fitted in ({}, {"r0_ohm": 100, "rref_ohm": 400}, {"r0_ohm": 1000, "rref_ohm": 4300}):
        for celsius in (-199.9, -195.8, -150.0, -78.5, -20.0, 0.0, 4.0, 37.0, 100.0, 149.9):
            bench = Bench(celsius, **fitted)
            bench.driver.start()
            # Half a code of 0.035 degC and half a step.
            assert abs(bench.driver.read_raw() - 100 * celsius) <= 2.5, (fitted, celsius)


def test_reading_is_of_the_instant_it_was_asked_for():
    bench = Bench(times_us=[0, 10 * SECOND, 20 * SECOND], values=[1.0, 2.0, 3.0])
    bench.driver.start()
    bench.clock.us = 10 * SECOND
    assert abs(bench.driver.read_raw() - 200) <= 3
    assert 10 * SECOND + 66_000 <= bench.clock.us <= 10 * SECOND + 90_000
    bench.clock.us = 20 * SECOND - 50_000
    bench.driver.begin()
    bench.clock.us = 20 * SECOND + 50_000
    # Begun ahead, it is the temperature of its beginning, and fetching it takes no time.
    assert abs(bench.driver.read_raw() - 200) <= 3
    assert bench.clock.us == 20 * SECOND + 50_000
    assert abs(bench.driver.read_raw() - 300) <= 3


def test_bias_is_off_between_readings():
    bench = Bench()
    bench.driver.start()
    assert bench.chip._bias_us is None
    bench.driver.read_raw()
    assert bench.chip._bias_us is None


def test_leads_of_three_and_four_wires_do_not_count():
    for wires in (3, 4):
        bench = Bench(-78.5, wires=wires, lead_ohm=2.0)
        bench.driver.start()
        assert abs(bench.driver.read_raw() + 7850) <= 3, wires
    bench = Bench(-78.5, wires=2, lead_ohm=2.0)
    assert bench.driver.read_raw() > -7850 + 900


def test_cable_faults():
    for fail, code in (
        ("open", codes.FAULT_OPEN),
        ("force_open", codes.FAULT_OPEN),
        ("short", codes.FAULT_SHORT),
        ("rtdin_low", codes.FAULT_SHORT),
        ("force_low", codes.FAULT_SHORT),
        ("voltage", codes.FAULT_VOLTAGE),
    ):
        for wires in (3, 4):
            bench = Bench(4.0, wires=wires)
            bench.driver.start()
            bench.chip.fail = fail
            assert bench.fault(bench.driver.read_raw) == code, fail
            # The chip remembers what it saw; the next reading asks anew.
            bench.chip.fail = None
            assert abs(bench.driver.read_raw() - 400) <= 3, fail


def test_fault_that_comes_between_begin_and_reading():
    for fail, code in (("open", codes.FAULT_OPEN), ("short", codes.FAULT_SHORT)):
        bench = Bench(4.0)
        convert = bench.chip._convert

        def convert_broken(sampled_us, bench=bench, convert=convert, fail=fail):
            bench.chip.fail = fail
            convert(sampled_us)

        bench.chip._convert = convert_broken
        assert bench.fault(bench.driver.read_raw) == code


def test_out_of_range_is_no_reading():
    for celsius in (-201.0, -215.0, 150.2, 400.0):
        assert Bench(celsius).fault(Bench(celsius).driver.read_raw) == codes.FAULT_SATURATED, celsius


def test_absent_chip():
    bench = Bench()
    bench.chip.fail = "nack"
    assert bench.fault(bench.driver.start) == codes.FAULT_ABSENT
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_ABSENT
    bench.chip.exchange = lambda sent: 0
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_ABSENT


def test_wrong_chip():
    bench = Bench()
    bench.chip.fail = "wrong_id"
    assert bench.fault(bench.driver.start) == codes.FAULT_WRONG_ID


def test_garbled_bytes():
    bench = Bench()
    bench.driver.start()
    bench.chip.fail = "bus"
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_BUS


def test_unplugged_probe_comes_back():
    bench = Bench(times_us=[0, 5 * SECOND, 9 * SECOND], values=[4.0, None, 6.0])
    bench.driver.start()
    bench.clock.us = 6 * SECOND
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_OPEN
    bench.clock.us = 10 * SECOND
    assert abs(bench.driver.read_raw() - 600) <= 3


def test_power_loss_during_a_conversion():
    bench = Bench()
    bench.driver.start()
    bench.driver.begin()
    bench.chip.power_on()
    bench.clock.sleep_ms(100)
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_NOT_READY
    assert abs(bench.driver.read_raw() - 2000) <= 3


def test_reading_too_early_is_no_reading():
    bench = Bench()
    bench.driver.begin()
    assert bench.fault(bench.driver.read_raw) is not None


def test_two_selected_chips_fight():
    bench = Bench()
    other = bench.bus.attach(MAX31865Model(bench.clock, HeldTemperature([0], [1.0])))
    other(0)
    try:
        bench.driver.start()
    except OSError:
        return
    raise AssertionError("two chips answered at once")
