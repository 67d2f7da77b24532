"""DS18B20 driver on the chip's model: readings, and all that looks like one and is none."""

from boards.models.ds18b20 import DS18B20Model
from boards.models.onewire_bus import OneWireBus, OneWireError, crc8
from boards.models.signals import HeldTemperature
from celltrail_protocol import codes
from drivers.temp_ds18b20 import DS18B20
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
    """Driver, line, chip and clock; the chip feels `values` from `times_us` on."""

    def __init__(self, times_us: "list[int]", values: "list[float | None]") -> None:
        self.clock = Clock()
        self.chip = DS18B20Model(self.clock, HeldTemperature(times_us, values))
        self.line = OneWireBus(self.chip)
        self.driver = DS18B20(self.line, self.clock.sleep_ms)

    def fault(self, action: "object") -> "int | None":
        try:
            action()
        except SensorFault as fault:
            return fault.code
        return None


def test_reads_the_data_sheets_table():
    # DS18B20 data sheet, table 1, but for 85 degC; the register is two's complement in steps of 1/16 degC.
    for celsius, word in (
        (125.0, 0x07D0),
        (25.0625, 0x0191),
        (10.125, 0x00A2),
        (0.5, 0x0008),
        (0.0, 0x0000),
        (-0.5, 0xFFF8),
        (-10.125, 0xFF5E),
        (-25.0625, 0xFE6F),
        (-55.0, 0xFC90),
    ):
        bench = Bench([0], [celsius])
        bench.driver.start()
        raw = bench.driver.read_raw()
        assert raw & 0xFFFF == word
        assert raw * bench.driver.step_nK == celsius * 1_000_000_000


def test_crc_of_maxims_example():
    # Maxim application note 27: the ROM code 02 1C B8 01 00 00 00 has the CRC A2.
    assert crc8(b"\x02\x1c\xb8\x01\x00\x00\x00") == 0xA2
    assert crc8(b"\x02\x1c\xb8\x01\x00\x00\x00\xa2") == 0


def test_value_at_power_on_is_no_reading():
    bench = Bench([0], [21.0])
    bench.driver.start()
    bench.driver.begin()
    bench.chip.power_on()
    bench.clock.sleep_ms(750)
    assert bench.chip.scratchpad()[:2] == b"\x50\x05"
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_NOT_READY
    assert bench.driver.read_raw() == 21 * 16
    # Nor is a true one, because it can't be told apart.
    assert Bench([0], [85.0]).fault(Bench([0], [85.0]).driver.read_raw) == codes.FAULT_NOT_READY
    assert Bench([0], [85.0625]).driver.read_raw() == 0x0551


def test_reading_is_of_the_instant_it_was_begun():
    bench = Bench([0, 10 * SECOND], [1.0, 2.0])
    bench.driver.start()
    bench.clock.us = 10 * SECOND - 1
    assert bench.driver.read_raw() == 16
    assert 10 * SECOND + 740_000 < bench.clock.us < 10 * SECOND + 800_000
    bench.driver.begin()
    bench.clock.us += 750_000
    now_us = bench.clock.us
    assert bench.driver.read_raw() == 32
    assert bench.clock.us == now_us


def test_reading_too_early_is_no_reading():
    bench = Bench([0], [21.0])
    bench.driver.begin()
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_NOT_READY


def test_absent_chip():
    bench = Bench([0], [20.0])
    bench.driver.start()
    bench.chip.fail = "nack"
    assert bench.fault(bench.driver.start) == codes.FAULT_ABSENT
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_ABSENT
    bench.chip.fail = None
    assert bench.driver.read_raw() == 320


def test_wrong_chip():
    bench = Bench([0], [20.0])
    bench.chip.fail = "wrong_id"
    assert bench.fault(bench.driver.start) == codes.FAULT_WRONG_ID
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_WRONG_ID


def test_bit_that_flips_on_the_way():
    bench = Bench([0], [20.0])
    bench.driver.start()
    bench.chip.fail = "bus"
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_BUS
    assert bench.fault(bench.driver.start) == codes.FAULT_BUS


def test_line_that_is_held_low():
    bench = Bench([0], [20.0])
    bench.driver.start()
    bench.line.shorted = True
    # All of it looks right: a presence, and zeros with a right check sum.
    assert bench.line.reset() and crc8(bytes(9)) == 0
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_SHORT
    assert bench.fault(bench.driver.start) == codes.FAULT_SHORT
    bench.line.shorted = False
    assert bench.driver.read_raw() == 320


def test_line_that_goes_low_during_a_conversion():
    bench = Bench([0], [20.0])
    bench.driver.begin()
    bench.line.shorted = True
    bench.clock.sleep_ms(750)
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_SHORT


def test_broken_supply_wire():
    bench = Bench([0], [20.0])
    bench.chip.fail = "parasite"
    assert bench.fault(bench.driver.start) == codes.FAULT_OPEN
    bench.chip.fail = None
    bench.driver.start()
    bench.chip.fail = "parasite"
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_OPEN


def test_supply_wire_that_breaks_just_before_the_conversion():
    bench = Bench([0], [20.0])
    bench.driver.start()
    bench.driver._check_supply = lambda: None
    bench.chip.fail = "parasite"
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_NOT_READY


def test_chip_that_does_not_convert():
    bench = Bench([0], [20.0])
    assert bench.driver.read_raw() == 320
    bench.chip.fail = "deaf"
    # What it read last is still there; it is not of now.
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_NOT_READY


def test_chip_that_wakes_up_with_fewer_bits():
    bench = Bench([0, 10 * SECOND], [20.4, 21.4])
    bench.chip.eeprom[2] = 0x1F
    bench.driver.start()
    bench.driver.begin()
    bench.chip.power_on()
    bench.line.select_rom(bench.chip.rom)
    bench.line.writebyte(0x44)
    bench.clock.sleep_ms(750)
    # Nine bits: 20.4 degC would read 20.0.
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_NOT_READY
    assert bench.driver.read_raw() == 326


def test_unplugged_probe_comes_back():
    bench = Bench([0, 5 * SECOND, 9 * SECOND], [4.0, None, 6.0])
    bench.driver.start()
    bench.clock.us = 6 * SECOND
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_ABSENT
    bench.clock.us = 10 * SECOND
    assert bench.driver.read_raw() == 96


def test_several_on_one_line_go_by_their_codes():
    clock = Clock()
    chips = [DS18B20Model(clock, HeldTemperature([0], [float(i)]), serial=1000 + i) for i in range(3)]
    line = OneWireBus(*chips)
    drivers = [DS18B20(line, clock.sleep_ms, chip.rom) for chip in chips]
    assert [driver.read_raw() for driver in drivers] == [0, 16, 32]
    chips[1].fail = "nack"
    try:
        drivers[1].read_raw()
    except SensorFault as fault:
        assert fault.code == codes.FAULT_ABSENT
    else:
        raise AssertionError("a missing chip has a reading")
    # Nobody can say which one a driver without a code is for.
    chips[1].fail = None
    alone = DS18B20(line, clock.sleep_ms)
    try:
        alone.start()
    except SensorFault as fault:
        assert fault.code in (codes.FAULT_BUS, codes.FAULT_WRONG_ID)
    else:
        raise AssertionError("three chips were taken for one")


def test_other_probe_is_not_taken_for_the_first():
    bench = Bench([0], [20.0])
    bench.driver.start()
    bench.chip._serial = 99
    assert bench.fault(bench.driver.read_raw) == codes.FAULT_ABSENT


def test_line_without_chips():
    line = OneWireBus()
    assert not line.reset() and line.readbyte() == 0xFF
    try:
        line.reset(True)
    except OneWireError:
        return
    raise AssertionError("somebody answered on an empty line")
