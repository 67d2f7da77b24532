"""The Pico W's board file: flash, time and sleep, pins and interrupts, watchdog, resets, and the wiring record."""

import pytest

from celltrail_protocol import cbor, codes
from celltrail_protocol.records import FRONT_SECTORS, STORE_WIRING
from tests.boards.chip import Chip, Restarted, RP2Memory, fake_machine, fake_onewire, fake_rp2

BUTTON, LED, INT = 14, 15, 13
I2C_OF = {pin: pin // 2 % 2 for pin in range(29)}


@pytest.fixture
def chip() -> Chip:
    return Chip()


@pytest.fixture
def start(chip, modules):
    """start() -> the board as after a restart."""

    def started():
        chip.start()
        memory = RP2Memory(chip)
        machine = fake_machine(chip, memory, I2C_OF)
        machine.unique_id = lambda: b"\xe6\x61\x0a\x0b\x0c\x0d\x0e\x0f"
        modules(chip, machine=machine, rp2=fake_rp2(chip), onewire=fake_onewire(chip))
        from boards.pico_w import make_board

        board = make_board()
        started.memory = memory
        return board

    return started


def asleep(board, chip):
    """Past the time in which a host may want to talk."""
    board.wait(board.ticks_ms() + 31_000)
    chip.slept_ms.clear()
    return board


def test_identity_and_what_is_fitted_by_default(start):
    board = start()
    assert board.uid == b"\xe6\x61\x0a\x0b\x0c\x0d\x0e\x0f"
    assert [probe.model for probe in board.thermometers] == [codes.MODEL_TMP117]
    assert board.accelerometer.model == codes.MODEL_ADXL372
    assert board.thermometers[0].read_raw() == 640
    assert board.world_utc_ms() is None
    assert board.random(8) != board.random(8)


# --- flash ---


def test_the_log_is_the_tail_behind_the_files(start, chip):
    flash = start().flash
    assert flash.sectors == 212 - FRONT_SECTORS
    flash.erase(0)
    flash.program(0, b"\x12" * 256)
    flash.program(4096 * (flash.sectors - 1) + 3840, b"\x34" * 256)
    buf = bytearray(2)
    chip.flash.read_into(FRONT_SECTORS * 4096 + 254, memoryview(buf))
    assert buf == b"\x12\x12"
    flash.read_into(4096 * flash.sectors - 1, memoryview(buf)[:1])
    assert buf[0] == 0x34
    long = bytearray(5000)
    flash.read_into(0, long)
    assert long == b"\x12" * 256 + b"\xff" * 4744


@pytest.mark.parametrize(("addr", "size"), [(1, 256), (255, 256), (0, 255), (0, 1), (0, 0), (128, 128)])
def test_what_would_ruin_a_page_does_not_reach_the_port(start, addr, size):
    with pytest.raises(OSError):
        start().flash.program(addr, bytes(size))


# --- time and sleep ---


def test_waits_until_then_in_sleeps_below_the_watchdogs_time(start, chip):
    board = asleep(start(), chip)
    begin = board.ticks_ms()
    board.wait(begin + 3_600_000)
    assert board.ticks_ms() == begin + 3_600_000
    assert max(chip.slept_ms) < 8388
    assert sum(chip.slept_ms) > 3_500_000


def test_time_goes_on_over_the_counters_wrap(start, chip):
    chip.time_us = ((1 << 30) - 5000) * 1000
    board = start()
    begin = board.ticks_ms()
    board.wait(begin + 60_000)
    assert board.ticks_ms() == begin + 60_000


def test_stays_awake_after_a_start_and_then_sleeps(start, chip):
    board = start()
    board.wait(29_000)
    assert chip.slept_ms == []
    board.wait(60_000)
    assert sum(chip.slept_ms) == pytest.approx(30_000, abs=300)


def test_never_sleeps_while_a_host_counts_frames(start, chip):
    chip.has_host = True
    board = start()
    board.wait(1000)
    assert board.link.connected()
    # The host's coming was told; from here on nothing is news.
    board.wait(100_000)
    assert chip.slept_ms == []
    chip.has_host = False
    board.wait(110_000)
    assert not board.link.connected()
    assert board.ticks_ms() < 100_100


# --- what ends a wait ---


def test_bytes_from_a_host_end_a_wait(start, chip):
    board = start()
    chip.at(500, lambda: chip.incoming.extend(b"abcdef"))
    board.wait(10_000)
    assert 500 <= board.ticks_ms() <= 503
    assert board.link.read(4) == b"abcd"
    assert board.link.read(100) == b"ef"
    assert board.link.read(100) == b""


def test_a_host_that_has_spoken_counts_as_there_for_a_while(start, chip):
    # No USB frames: a UART, or an emulator. A link that is not connected would drop every half message.
    board = asleep(start(), chip)
    assert not board.link.connected()
    chip.at(40_000, lambda: bool(chip.incoming.extend(b"x")))
    board.wait(100_000)
    assert board.link.read(9) == b"x"
    chip.slept_ms.clear()
    board.wait(board.ticks_ms() + 29_000)
    assert board.link.connected()
    assert chip.slept_ms == []
    board.wait(board.ticks_ms() + 2_000)
    assert not board.link.connected()


def test_a_press_wakes_a_sleeping_board_and_keeps_it_awake(start, chip):
    board = asleep(start(), chip)
    chip.press(BUTTON, 40_000, 120)
    board.wait(600_000)
    assert board.ticks_ms() == 40_000
    assert board.button()
    board.wait(600_000)
    assert board.ticks_ms() in (40_002, 40_120, 40_122)
    while board.button():
        board.wait(600_000)
    chip.slept_ms.clear()
    board.wait(60_000)
    assert chip.slept_ms == []


def test_an_impact_wakes_a_sleeping_board_once_until_the_chip_is_read(start, chip):
    chip.fit_accelerometer(INT, (50_000,))
    board = start()
    board.accelerometer.start(5000)
    asleep(board, chip)
    board.wait(600_000)
    assert 50_000 <= board.ticks_ms() <= 50_010
    assert board.accelerometer_int()
    # Nobody has read the chip: the level is no news.
    board.wait(60_000)
    assert board.ticks_ms() == 60_000
    assert board.accelerometer.active()


def test_output_goes_in_pieces_and_stops_when_nobody_takes_it(start, chip):
    board = start()
    data = bytes(range(256))
    chip.out_room = 130
    taken = board.link.write(data)
    assert taken == 192
    assert board.link.write(data[taken:]) == 0
    chip.out_room = 1000
    assert board.link.write(memoryview(data)[taken:]) == 64
    assert bytes(chip.outgoing) == data


# --- light and battery ---


def flashes(chip, board, until_ms) -> list[tuple[int, int]]:
    """(tick, level) of each change of the light."""
    seen, last = [], chip.drives.get(LED)
    while board.ticks_ms() < until_ms:
        board.wait(board.ticks_ms() + 10)
        if chip.drives[LED] != last:
            last = chip.drives[LED]
            seen.append((board.ticks_ms(), last))
    return seen


@pytest.mark.parametrize(
    ("pattern", "lit"),
    [
        (codes.LED_OFF, 0),
        (codes.LED_READY, 2),
        (codes.LED_ARMED, 2),
        (codes.LED_LOGGING, 1),
        (codes.LED_ALARM, 6),
        (codes.LED_FAULT, 2),
        (codes.LED_RADIO, 4),
    ],
)
def test_light_flashes_as_the_table_says(start, chip, pattern, lit):
    board = start()
    board.led(pattern)
    changes = flashes(chip, board, 7990)
    assert sum(level for _, level in changes) == lit


def test_a_mark_is_shown_lit(start, chip):
    board = start()
    board.led(codes.LED_MARK)
    board.wait(1990)
    assert chip.drives[LED] == 1


def test_battery_is_measured_behind_the_divider(start, chip):
    board = start()
    chip.adc_mV = 2000
    assert board.battery_mV() == pytest.approx(4000, abs=2)


# --- watchdog and resets ---


def test_watchdog_bites_when_nobody_feeds_it(start, chip):
    board = start()
    board.wait(1000)
    with pytest.raises(Restarted) as end:
        chip.pass_us(9_000_000)
    assert end.value.cause == "watchdog"
    assert start().reset_cause == codes.RESET_WATCHDOG


def test_watchdog_is_fed_by_work_too(start, chip):
    board = start()
    for _ in range(5):
        chip.pass_us(8_000_000)
        board.feed()


def test_a_restart_that_was_wanted_is_told_from_the_watchdogs(start):
    board = start()
    assert board.reset_cause == codes.RESET_POWER_ON
    with pytest.raises(Restarted):
        board.reset()
    assert start().reset_cause == codes.RESET_SOFT
    # Once.
    assert start().reset_cause == codes.RESET_WATCHDOG


def test_the_reset_pin(start, chip, modules):
    start()
    memory = RP2Memory(chip)
    memory.chip_reset = 0x10000
    import boards.pico_w as pico_w

    pico_w.machine.mem32 = memory
    assert pico_w._reset_cause() == codes.RESET_PIN


# --- wiring ---


def wire(chip, wiring: object) -> None:
    """As the logger keeps the record."""
    from boards.pico_w import TailFlash
    from logger.area import Area
    from logger.store import Store

    store = Store(Area(TailFlash()))
    store.mount()
    assert store.put(STORE_WIRING, wiring if isinstance(wiring, bytes) else cbor.dumps(wiring))


OTHER = {
    "v": 1,
    "i2c": [2, 3, 100],
    "led": [20, 0],
    "probes": [[codes.MODEL_TMP117, 0x49], [codes.MODEL_TMP117, 0x48]],
}


def test_wiring_comes_from_the_record(start, chip):
    start()
    wire(chip, OTHER)
    board = start()
    assert board.wiring_used
    assert len(board.thermometers) == 2
    assert board.accelerometer is None
    assert not board.button()
    assert board.battery_mV() == 0
    assert not board.accelerometer_int()
    # A light that is lit by a low level is dark now.
    assert chip.drives[20] == 1
    board.led(codes.LED_MARK)
    board.wait(10)
    assert chip.drives[20] == 0


def test_every_kind_of_probe(start, chip):
    start()
    chip.fit_probes(select=17)
    probes = [[codes.MODEL_MAX31865, 17, 4, 100, 430], [codes.MODEL_DS18B20], [codes.MODEL_TMP117, 0x48]]
    wire(chip, {"v": 1, "i2c": [4, 5, 400], "spi": [18, 19, 16], "onewire": [22], "probes": probes})
    board = start()
    assert board.wiring_used
    for probe in board.thermometers:
        probe.start()
    read = [probe.read_raw() * probe.step_nK / 1e9 for probe in board.thermometers]
    assert read == pytest.approx([5, 5, 5], abs=0.07)
    # The first chip is left unselected.
    assert chip.drives[17] == 1


def test_barometer_and_clock_chip(start, chip):
    start()
    chip.fit_barometer_and_clock()
    wire(chip, {**OTHER, "i2c": [4, 5, 400], "barometer": [codes.MODEL_BMP390, 0x77], "clock": [0x68]})
    board = start()
    assert board.barometer.read_raw() == 25000
    board.rtc.set(1_748_844_000, 10)
    assert board.rtc.read()[0] == 1_748_844_000
    wire(chip, OTHER)
    board = start()
    assert board.barometer is None
    assert board.rtc is None


@pytest.mark.parametrize(
    "wiring",
    [
        {**OTHER, "probes": [[codes.MODEL_TMP117, 0x48]] * 4, "barometer": [codes.MODEL_BMP390, 0x77]},
        {**OTHER, "barometer": [codes.MODEL_ADXL372, 0x77]},
        {**OTHER, "probes": [[codes.MODEL_DS18B20, b"short"]]},
        {**OTHER, "spi": [18, 19, 21], "probes": [[codes.MODEL_MAX31865, 17, 4, 100, 430]]},
        {**OTHER, "i2c": [3, 2, 100]},
        {**OTHER, "button": [31]},
        {key: value for key, value in OTHER.items() if key != "i2c"},
        b"\xff\x00",
        {**OTHER, "v": 2},
    ],
)
def test_a_record_that_does_not_fit_the_chip_does_not_stop_the_logger(start, chip, wiring):
    start()
    wire(chip, wiring)
    board = start()
    assert len(board.thermometers) == 1
    assert board.accelerometer is not None


def test_looking_for_the_wiring_writes_nothing(start, chip):
    start()
    wire(chip, OTHER)
    programs, erases = chip.flash.programs, chip.flash.erases
    start()
    assert (chip.flash.programs, chip.flash.erases) == (programs, erases)
