"""The clock chip: set by the host's time at a second's begin, read after a restart, silent when it has no time."""

from fakes import Board, arm, make, of_kind, plan, restart, run

from boards.models.ds3231 import DS3231Model
from boards.models.i2c_bus import I2CBus
from celltrail_protocol import codes, frames, smp
from drivers.clock_ds3231 import DS3231
from logger.timekeeper import Timekeeper

MINUTE = 60_000
DAY_MS = 86_400_000
# 2025-06-02T06:00:00.250Z at power-on.
UTC_MS = 1_748_844_000_250


class World:
    """True time, which goes on while the board is off; a DS3231 with its battery."""

    def __init__(self, board=None):
        self.board = board or Board()
        self.on_ms = UTC_MS
        self.chip = DS3231Model(lambda: self.utc_ms() * 1000)
        self.board.rtc = DS3231(I2CBus([self.chip]))

    def utc_ms(self):
        return self.on_ms + self.board.tick_ms

    def power_cut(self, app, off_ms):
        self.on_ms = self.utc_ms() + off_ms
        app, host = restart(app)
        self.board = app.board
        return app, host


def told(app):
    """(boot, error in ms, uncertainty, source) of each clock frame."""
    return [(one[0], one[1], one[2], one[3], one[4]) for one in of_kind(app, frames.CLOCK)]


def clock_faults(app):
    return [one[2] for one in of_kind(app, frames.FAULT) if one[1] == codes.SOURCE_CLOCK]


def armed(world):
    """A trip that a host has armed with the true time, within 40 ms."""
    app, host = make(world.board)
    run(app, 5_400)
    arm(host, plan(), tick=world.board.tick_ms, utc=world.utc_ms(), unc=40)
    return app, host


def test_restart_has_the_time_of_the_chip():
    for part_ms in (0, 300, 600, 800):
        check_restart(part_ms)


def check_restart(part_ms):
    """Power comes back at any part of a second."""
    world = World()
    app, host = armed(world)
    run(app, 10 * MINUTE)
    app, host = world.power_cut(app, 5 * DAY_MS + part_ms)
    run(app, 2 * MINUTE)
    host.prove(smp.CMD_STOP, {"op": "X"})
    first, second = told(app)
    assert first[4] == codes.CLOCK_HOST
    boot, tick_ms, utc_ms, doubt_ms, source = second
    assert (boot, source) == (app.state.boot, codes.CLOCK_CHIP)
    # 4.77 ppm of five days, the host's 40 ms, and half a second.
    assert 540 + 1_900 <= doubt_ms <= 540 + 2_150
    assert abs(utc_ms - (world.on_ms + tick_ms)) <= 540
    assert clock_faults(app) == []
    assert app.trip.clock is not None


def test_chip_is_set_when_a_second_begins():
    world = World()
    app, host = armed(world)
    run(app, 10_000)
    # It counts full seconds together with the world.
    since_ms = world.chip._since_us // 1000
    assert since_ms % 1000 <= 20
    assert world.board.rtc.read()[0] == world.utc_ms() // 1000


def test_battery_that_was_out_is_a_fault_and_no_clock():
    world = World()
    app, host = armed(world)
    run(app, 10 * MINUTE)
    world.chip.battery_out()
    app, host = world.power_cut(app, DAY_MS)
    run(app, 2 * MINUTE)
    assert len(told(app)) == 1
    assert clock_faults(app) == [codes.FAULT_NOT_READY]
    assert app.trip.clock is None
    # The next host sets it.
    host.prove(smp.CMD_CLOCK, {"tick": app.board.tick_ms, "utc": world.utc_ms(), "unc": 10, "src": 1, "op": "X"})
    run(app, 4 * MINUTE)
    assert world.board.rtc.read()[0] == world.utc_ms() // 1000


def test_chip_that_is_gone_is_told_once():
    world = World()
    world.chip.fail = "nack"
    app, host = armed(world)
    run(app, 10 * MINUTE)
    assert clock_faults(app) == [codes.FAULT_ABSENT]


def test_late_step_waits_for_another_second():
    world = World()
    keeper = Timekeeper(world.board)
    world.board.tick_ms = 1_000
    keeper.take(0, UTC_MS, 0, 1_000)
    assert keeper.poll(1_000) == 1_750
    assert keeper.poll(1_790) == 2_750
    world.board.tick_ms = 2_760
    assert keeper.poll(2_760) is None
    assert world.board.rtc.read() == (UTC_MS // 1000 + 3, 10)


def test_board_without_a_chip_has_nothing_to_do():
    keeper = Timekeeper(Board())
    keeper.take(0, UTC_MS, 0, 0)
    assert keeper.poll(750) is None
    assert keeper.read(0) is None
    assert keeper.fault == 0
