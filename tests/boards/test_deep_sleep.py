"""The firmware on an ESP32 that is powered down between two readings."""

import fakes
import pytest

from celltrail_protocol import codes, frames, smp
from tests.boards.chip import Chip, Restarted
from tests.boards.esp32_start import PINS, starter, wire

MINUTE = 60_000
UTC_MS = 1_748_844_000_000
BUTTON = 33


class Logger:
    """A logger with a DS3231 whose wiring asks for deep sleep from two minutes on."""

    def __init__(self, chip: Chip, start, which: str = "ESP32") -> None:
        self._chip, self._start, self._which = chip, start, which
        chip.fit_barometer_and_clock()
        start(which)
        wire(clock=[0x68], deep=[120])
        self.boot()

    def boot(self) -> None:
        from logger.deep_app import DeepApp

        board = self._start(self._which)
        self.app = DeepApp(board, lambda: bytes(32), board.retained)
        self.app.mount()
        self.host = fakes.Host(self.app)

    def arm(self, **changes) -> None:
        fakes.provision(self.host)
        wanted = {"period_ms": 5 * MINUTE, "checkpoint_s": 3600, "start": codes.START_NOW, **changes}
        now_ms = self.app.board.ticks_ms()
        request = {"k0": fakes.K0, "plan": fakes.plan(**wanted), "op": "AB", "tick": now_ms, "unc": 20, "src": 1}
        answer = self.host.prove(smp.CMD_ARM, request | {"utc": UTC_MS + self._chip.time_us // 1000})
        assert "trip" in answer, answer

    def run(self, until_ms: int) -> int:
        """Let it run until this time of the world; how often it was powered down."""
        downs, chip, ended = 0, self._chip, []
        chip.at(until_ms, lambda: ended.append(1))
        while not ended:
            try:
                self.step(ended)
            except Restarted as restart:
                downs += restart.cause == "deep sleep"
                self.boot()
        return downs

    def step(self, ended: list | None = None) -> None:
        """On and on, until `ended` is filled or the chip restarts."""
        while not ended:
            again_ms = self.app.step()
            if again_ms is None or again_ms > self.app.board.ticks_ms():
                self.app.rest(again_ms)

    def status(self):
        return self.host.read(smp.CMD_STATUS)


@pytest.fixture
def chip() -> Chip:
    return Chip(sectors=512, pins=PINS)


@pytest.fixture
def logger(chip, modules, monkeypatch) -> Logger:
    return Logger(chip, starter(chip, modules, monkeypatch))


@pytest.mark.parametrize("factor", [1.0, 0.95, 1.05])
def test_a_trip(logger, chip, factor):
    chip.sleep_factor = factor
    logger.arm()
    boot = logger.status()["boot"]
    downs = logger.run(4 * 60 * MINUTE)
    status = logger.status()
    assert 44 <= downs <= 50
    assert status["boot"] == boot
    assert status["slot"] == 48
    assert abs(status["tick"] - chip.time_us // 1000) < 50
    assert sorted(fakes.readings(logger.app)) == list(range(max(fakes.readings(logger.app)) + 1))
    assert fakes.of_kind(logger.app, frames.BOOT) == []


def test_it_is_awake_for_two_seconds_a_reading(logger, chip):
    logger.arm()
    logger.run(30 * MINUTE)
    began_us, slept, deep, napped = chip.time_us, sum(chip.slept_ms), len(chip.deep_ms), chip.napped_ms
    logger.run(4 * 60 * MINUTE)
    downs = len(chip.deep_ms) - deep
    light_ms = (sum(chip.slept_ms) - slept) / downs
    # Light sleep is what is left of the share by which the chip's counter may be late.
    assert light_ms < 25_000
    assert (chip.napped_ms - napped) / downs < 1_100
    assert chip.time_us - began_us > 3 * 60 * MINUTE * 1000


def test_the_button_wakes_it_and_it_stays_awake_for_a_host(logger, chip):
    logger.arm()
    logger.run(20 * MINUTE)
    chip.press(BUTTON, 22 * MINUTE, 4_000)
    deep, napped_ms = len(chip.deep_ms), chip.napped_ms
    logger.run(22 * MINUTE + 20_000)
    assert chip.wake_reason == 2
    assert len(fakes.of_kind(logger.app, frames.MARK)) == 1
    assert len(chip.deep_ms) == deep + 1
    # Powered down again: the next reading is at 26.5 minutes.
    seen = []
    chip.at(24 * MINUTE, lambda: seen.append((len(chip.deep_ms), chip.napped_ms)))
    logger.run(40 * MINUTE)
    ((downs, then_ms),) = seen
    assert downs == deep + 2
    assert 29_000 < then_ms - napped_ms < 33_000
    assert len(chip.deep_ms) > deep + 2
    assert fakes.of_kind(logger.app, frames.BOOT) == []


def test_a_touch_wakes_it_and_leaves_no_mark(logger, chip):
    logger.arm()
    logger.run(20 * MINUTE)
    chip.press(BUTTON, 22 * MINUTE, 50)
    logger.run(22 * MINUTE + 20_000)
    assert chip.wake_reason == 2
    assert fakes.of_kind(logger.app, frames.MARK) == []


def test_half_a_minute_after_a_touch_it_sleeps_deeply_again(logger, chip):
    logger.arm(period_ms=60 * MINUTE, checkpoint_s=86400)
    chip.press(BUTTON, 65 * MINUTE, 50)
    seen = []
    for at in (65 * MINUTE - 1, 119 * MINUTE):
        chip.at(at, lambda: seen.append((len(chip.deep_ms), sum(chip.slept_ms))))
    logger.run(122 * MINUTE)
    (downs, slept_ms), (more, slept_more_ms) = seen
    assert more > downs
    assert slept_more_ms - slept_ms < 40_000


def test_a_touch_and_a_press_for_a_mark_are_no_floating_pin(logger, chip):
    logger.arm(period_ms=60 * MINUTE, checkpoint_s=86400)
    for hour in range(1, 8):
        at = (60 * hour + 5) * MINUTE
        chip.press(BUTTON, at, 200)
        chip.press(BUTTON, at + 5000, 300)
    logger.run(8 * 60 * MINUTE)
    downs = len(chip.deep_ms)
    logger.run(12 * 60 * MINUTE)
    assert len(fakes.of_kind(logger.app, frames.MARK)) == 7
    assert len(chip.deep_ms) > downs


@pytest.fixture
def while_it_looks(monkeypatch):
    """Calls back as it begins to look for a second of the clock chip, to fall asleep for the first time."""

    def watch(happens) -> None:
        from logger.deep_app import DeepApp

        rest, told = DeepApp.rest, []

        def look(app: DeepApp, until_ms: int) -> None:
            now_ms = app.board.ticks_ms()
            if app.anchor is None and not told and until_ms - now_ms >= 120_000 and app._is_quiet():
                told.append(1)
                happens()
            rest(app, until_ms)

        monkeypatch.setattr(DeepApp, "rest", look)

    return watch


def test_a_press_as_it_falls_asleep_is_a_mark(logger, chip, while_it_looks):
    logger.arm()
    while_it_looks(lambda: chip.press(BUTTON, chip.time_us // 1000 + 100, 300))
    logger.run(12 * MINUTE)
    assert len(fakes.of_kind(logger.app, frames.MARK)) == 1


def test_a_host_that_asks_as_it_falls_asleep_is_heard(logger, chip, while_it_looks):
    logger.arm()
    slow_clock(chip, 1000)
    looks = []

    def ask() -> None:
        looks.append(chip.time_us // 1000)
        chip.at(looks[0] + 100, lambda: chip.incoming.extend(b"\x06\x09hello\n"))

    while_it_looks(ask)
    with pytest.raises(Restarted):
        logger.step()
    assert looks
    assert not chip.incoming
    # It stayed awake for the host that had asked.
    assert chip.time_us // 1000 - looks[0] > 29_000


def slow_clock(chip, read_us: int) -> None:
    """Each read of the clock chip takes so long."""
    read = chip.chips.readfrom_mem_into

    def slow(address: int, register: int, buf: bytearray) -> None:
        if address == 0x68:
            chip.pass_us(read_us)
        read(address, register, buf)

    chip.chips.readfrom_mem_into = slow


@pytest.mark.parametrize("read_us", [200, 500])
def test_a_host_that_asks_on_and_on_does_not_spoil_a_wake(logger, chip, read_us):
    logger.arm()
    slow_clock(chip, read_us)
    for minute in range(22, 60, 5):
        at = minute * MINUTE + 130 * minute
        chip.press(BUTTON, at, 50)
        chip.at(at + 1100, lambda: chip.incoming.extend(b"\x06\x09hello\n"))
    logger.run(60 * MINUTE)
    assert fakes.of_kind(logger.app, frames.BOOT) == []


def test_a_c3_gives_its_wake_pins_to_the_button(chip, modules, monkeypatch):
    start = starter(chip, modules, monkeypatch)
    start("ESP32C3")
    chip.fit_barometer_and_clock()
    from boards.esp32 import WIRINGS

    wire(**WIRINGS["ESP32C3"], clock=[0x68], deep=[120])
    board = start("ESP32C3")
    assert chip.wake_pins == {3: 1}
    with pytest.raises(Restarted):
        board.retained.power_down(b"kept", 200_000)
    assert chip.wake_pins == {4: 0}
    board = start("ESP32C3")
    assert board.retained.take() == b"kept"
    assert board.retained.take() == b""


def test_after_another_restart_nothing_is_taken_up(logger, chip):
    logger.arm()
    logger.run(20 * MINUTE)
    boot = logger.status()["boot"]
    with pytest.raises(Restarted):
        logger.step()
    assert len(chip.memory) > 200
    chip.reset_cause = 3
    logger.boot()
    assert chip.memory == b""
    logger.run(50 * MINUTE)
    assert logger.status()["boot"] == boot + 1
    assert [one[1] for one in fakes.of_kind(logger.app, frames.BOOT)] == [codes.RESET_WATCHDOG]


def test_memory_that_lost_a_bit_is_a_restart(logger, chip):
    logger.arm()
    logger.run(20 * MINUTE)
    boot = logger.status()["boot"]
    kept = []

    def spoil() -> None:
        if chip.memory:
            kept.append(chip.memory)
            chip.memory = bytes((*chip.memory[:100], chip.memory[100] ^ 4, *chip.memory[101:]))

    chip.at(22 * MINUTE, spoil)
    logger.run(50 * MINUTE)
    assert kept
    assert logger.status()["boot"] == boot + 1
    assert [one[1] for one in fakes.of_kind(logger.app, frames.BOOT)] == [codes.RESET_SLEEP]


def test_the_starter_takes_this_logger(logger, chip, monkeypatch):
    import main
    from logger.deep_app import DeepApp

    seen = []
    monkeypatch.setattr(main, "supervise", seen.append)
    main.main(logger.app.board)
    logger.app.board.retained = None
    main.main(logger.app.board)
    assert [type(one) is DeepApp for one in seen] == [True, False]


def test_more_than_there_is_room_for_is_refused(logger):
    with pytest.raises(ValueError, match="buffer too long"):
        logger.app.board.retained.power_down(bytes(2049), 1000)
