"""The ESP32's board file: the partition's tail, what wakes the chip, resets, and pins by chip."""

import fakes
import pytest

from celltrail_protocol import codes, smp
from celltrail_protocol.records import FRONT_SECTORS
from tests.boards.chip import Chip, Restarted
from tests.boards.esp32_start import PINS, starter, wire


@pytest.fixture
def chip() -> Chip:
    return Chip(sectors=512, pins=PINS)


@pytest.fixture
def start(chip, modules, monkeypatch):
    return starter(chip, modules, monkeypatch)


def test_identity_is_the_mac_as_eui_64(start):
    board = start()
    assert board.uid == b"\x24\x6f\x28\xff\xfe\x01\x02\x03"
    assert board.name == "Generic module with ESP32"
    assert start(mac=bytes(8)).uid == bytes(8)


@pytest.mark.parametrize(("which", "led"), [("ESP32", 26), ("ESP32S3", 6), ("ESP32C3", 10), ("ESP32S9", 26)])
def test_pins_are_those_of_the_chip(start, chip, which, led):
    board = start(which)
    board.led(codes.LED_MARK)
    board.wait(10)
    assert chip.drives[led] == 1
    assert board.thermometers[0].read_raw() == 640


def test_the_log_is_the_tail_of_the_partition(start, chip):
    flash = start().flash
    assert flash.sectors == 512 - FRONT_SECTORS
    flash.erase(3)
    flash.program(3 * 4096 + 256, b"\x12" * 256)
    buf = bytearray(512)
    chip.flash.read_into((FRONT_SECTORS + 3) * 4096, buf)
    assert buf == b"\xff" * 256 + b"\x12" * 256
    flash.read_into(3 * 4096 + 255, memoryview(buf)[:2])
    assert buf[:2] == b"\xff\x12"
    with pytest.raises(OSError):
        flash.program(1, bytes(256))


def test_the_button_and_an_impact_wake_it(start, chip):
    chip.fit_accelerometer(32, (60_000,))
    board = start()
    board.accelerometer.start(5000)
    board.wait(31_000)
    chip.slept_ms.clear()
    chip.press(33, 40_000, 50)
    board.wait(600_000)
    assert board.ticks_ms() == 40_000
    while board.button():
        board.wait(600_000)
    while not board.accelerometer_int():
        board.wait(600_000)
    assert 60_000 <= board.ticks_ms() <= 60_010


def test_a_c3_wakes_by_an_impact_and_sees_its_button_within_seconds(start, chip):
    board = start("ESP32C3")
    assert chip.wake_pins == {3: 1}
    board.wait(31_000)
    chip.at(40_000, lambda: chip.levels.update({4: 0}))
    while not board.button():
        board.wait(600_000)
    assert board.ticks_ms() <= 47_000


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (1, codes.RESET_POWER_ON),
        (2, codes.RESET_PIN),
        (3, codes.RESET_WATCHDOG),
        (4, codes.RESET_SLEEP),
        (5, codes.RESET_SOFT),
        (0, codes.RESET_UNKNOWN),
    ],
)
def test_reset_causes(start, chip, cause, expected):
    chip.reset_cause = cause
    assert start().reset_cause == expected


def test_a_restart_that_was_wanted(start):
    board = start()
    with pytest.raises(Restarted):
        board.reset()
    assert start().reset_cause == codes.RESET_SOFT


def test_battery_by_the_chips_calibration(start, chip):
    board = start()
    chip.adc_mV = 2001
    assert board.battery_mV() == 4002


def test_a_pin_that_can_not_wake_the_chip_is_no_interrupt(start, chip):
    start()
    wire(accel=[codes.MODEL_ADXL372, 0x53, 5])
    board = start()
    assert not board.wiring_used
    from logger.app import App

    app = App(board, lambda: bytes(32))
    app.mount()
    assert not fakes.Host(app).read(smp.CMD_STATUS)["wired"]
    assert 32 in chip.wake_pins
