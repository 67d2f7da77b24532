"""DS3231 driver on the chip's model: all days of its century, restarts, and when it has no time."""

import errno

from boards.models.ds3231 import DS3231Model
from boards.models.i2c_bus import I2CBus
from celltrail_protocol import codes
from drivers.clock_ds3231 import DS3231
from logger.hardware import SensorFault

DAY = 86_400
# 2025-06-02T06:00:00Z
SOME_DAY_S = 1_748_844_000


class Bench:
    """Driver, bus, chip and the world's time."""

    def __init__(self, utc_s: int = SOME_DAY_S, absent_errno: int = errno.ENODEV) -> None:
        self.world_us = utc_s * 1_000_000
        self.chip = DS3231Model(lambda: self.world_us)
        self.bus = I2CBus([self.chip], absent_errno)
        self.driver = DS3231(self.bus)

    def fault(self, action: "object") -> "int | None":
        try:
            action()
        except SensorFault as fault:
            return fault.code
        return None


def test_registers_of_known_instants():
    # Seconds, minutes, hours, day, month and year in BCD (data sheet, figure 1); UTC from GNU date.
    for utc_s, fields in (
        (951_868_800, b"\x00\x00\x00\x01\x03\x00"),
        (1_709_164_799, b"\x59\x59\x23\x28\x02\x24"),
        (1_709_164_800, b"\x00\x00\x00\x29\x02\x24"),
        (1_748_844_000, b"\x00\x00\x06\x02\x06\x25"),
        (1_767_225_599, b"\x59\x59\x23\x31\x12\x25"),
        (4_102_444_799, b"\x59\x59\x23\x31\x12\x99"),
    ):
        bench = Bench(utc_s)
        bench.driver.set(utc_s, 10)
        registers = bench.bus.readfrom_mem(0x68, 0x00, 7)
        assert registers[:3] + registers[4:] == fields, utc_s
        assert bench.driver.read() == (utc_s, 10)


def test_every_day_comes_back():
    bench = Bench(951_868_800)
    bench.driver.set(951_868_800, 0)
    for day in range(0, 36_465, 13):
        utc_s = 951_868_800 + day * DAY + day * 7919 % DAY
        bench.driver.set(utc_s, 0)
        assert bench.driver.read()[0] == utc_s, utc_s


def test_it_counts_on_over_months_and_leap_days():
    bench = Bench(1_703_980_800)
    bench.driver.set(1_703_980_800, 0)
    for day in range(1, 800, 7):
        bench.world_us = (1_703_980_800 + day * DAY + 12_345) * 1_000_000
        assert bench.driver.read()[0] == 1_703_980_800 + day * DAY + 12_345


def test_uncertainty_grows_with_the_age_of_the_setting():
    bench = Bench()
    bench.driver.set(SOME_DAY_S, 30)
    bench.world_us += 100 * DAY * 1_000_000
    utc_s, doubt_ms = bench.driver.read()
    # 3.5 ppm and 1 ppm of aging, 38.9 s in 100 days, and at most 10 % more.
    assert 38_880 + 30 <= doubt_ms <= 43_000
    assert utc_s == SOME_DAY_S + 100 * DAY


def test_clock_within_its_data_sheet_is_within_its_uncertainty():
    for drift_ppm in (-4.5, 4.5):
        bench = Bench()
        bench.chip.drift_ppm = drift_ppm
        bench.driver.set(SOME_DAY_S, 0)
        bench.world_us += 200 * DAY * 1_000_000
        utc_s, doubt_ms = bench.driver.read()
        off_ms = abs(utc_s * 1000 - bench.world_us // 1000)
        assert 70_000 < off_ms <= doubt_ms + 1000


def test_aging_register():
    bench = Bench()
    assert bench.driver.aging() == 0
    bench.bus.writeto_mem(0x68, 0x10, b"\xf6")
    assert bench.driver.aging() == -10
    bench.driver.set(SOME_DAY_S, 0)
    bench.world_us += 1_000_000_500_000
    # 1 ppm faster.
    assert bench.driver.read()[0] == SOME_DAY_S + 1_000_001


def test_battery_that_was_out_leaves_no_time():
    bench = Bench()
    assert bench.fault(bench.driver.read) == codes.FAULT_NOT_READY
    bench.driver.set(SOME_DAY_S, 0)
    assert bench.fault(bench.driver.read) is None
    bench.chip.battery_out()
    assert bench.fault(bench.driver.read) == codes.FAULT_NOT_READY
    # Nor one that has stopped with all its registers kept.
    bench.driver.set(SOME_DAY_S, 0)
    bench.chip._registers[0x0F] |= 0x80
    assert bench.fault(bench.driver.read) == codes.FAULT_NOT_READY
    bench.chip.battery_out()
    # Nor does a flag that somebody else has cleared make one.
    bench.bus.writeto_mem(0x68, 0x0F, b"\x00")
    assert bench.fault(bench.driver.read) == codes.FAULT_NOT_READY


def test_time_outlives_a_restart():
    bench = Bench()
    bench.driver.set(SOME_DAY_S, 0)
    kept = bench.chip.state()
    bench.world_us += 5 * DAY * 1_000_000
    after = DS3231Model(lambda: bench.world_us)
    after.load(kept)
    assert DS3231(I2CBus([after])).read()[0] == SOME_DAY_S + 5 * DAY


def test_what_is_no_time_is_a_fault():
    for at, byte in ((0, 0x60), (1, 0x7A), (2, 0x24), (2, 0x72), (4, 0x00), (4, 0x32), (5, 0x13), (5, 0x00), (6, 0x0A)):
        bench = Bench()
        bench.driver.set(SOME_DAY_S, 0)
        bench.chip._registers[at] = byte
        assert bench.fault(bench.driver.read) == codes.FAULT_BUS, at


def test_absent_and_broken():
    for code in (errno.ENODEV, errno.EIO):
        bench = Bench(absent_errno=code)
        bench.chip.fail = "nack"
        assert bench.fault(bench.driver.read) == codes.FAULT_ABSENT
        assert bench.fault(lambda bench=bench: bench.driver.set(SOME_DAY_S, 0)) == codes.FAULT_ABSENT
    for fail in ("bus", "timeout"):
        bench = Bench()
        bench.chip.fail = fail
        assert bench.fault(bench.driver.read) == codes.FAULT_BUS


def test_setting_starts_a_second():
    bench = Bench()
    bench.world_us += 700_000
    bench.driver.set(SOME_DAY_S + 1, 0)
    bench.world_us += 999_000
    assert bench.driver.read()[0] == SOME_DAY_S + 1
    bench.world_us += 1_000
    assert bench.driver.read()[0] == SOME_DAY_S + 2
