"""Deep sleep: the record is what it is without, a wake writes nothing, and what does not check is not trusted."""

# Two loggers' worth for a moment, at each wake.
# heapsize: 512k

from deep_board import UTC_MS, World
from fakes import arm, check_readings, image_of, of_kind, plan, readings

from celltrail_protocol import codes, frames, smp
from celltrail_protocol.records import RING_FIRST, SECTOR_SIZE

MINUTE = 60_000
HOUR = 60 * MINUTE
PERIOD = 5 * MINUTE
LATE = 6 * HOUR + 7 * MINUTE


def wave(tick_ms):
    """A reading for each five minutes, without steps that an alarm would see."""
    return 640 + (tick_ms + PERIOD // 2) // PERIOD * 7 % 100


def armed(world, at_ms=90_000, **changes):
    """A trip of readings each five minutes, armed with the true time."""
    world.fly(at_ms)
    wanted = {"period_ms": PERIOD, "checkpoint_s": 3600, "start": codes.START_NOW}
    wanted.update(changes)
    data = plan(**wanted)
    answer = arm(world.host, data, tick=world.board.ticks_ms(), utc=UTC_MS + world.true_ms, unc=20)
    assert "trip" in answer, answer
    return world


def flown(deep, until_ms=LATE, **more):
    world = armed(World(deep=deep, scripts=[wave], **more))
    world.fly(until_ms)
    return world


def boots(world):
    return of_kind(world.app, frames.BOOT)


def check_goes_on(world, cause=codes.RESET_SLEEP):
    """An ordinary restart has been recorded, and readings go on after it."""
    before = world.board.ticks_ms()
    world.deep, world.trouble = False, None
    world.board.least_ms = 1 << 60
    world.fly(world.true_ms + 2 * HOUR)
    assert [one[1] for one in boots(world)] == [cause]
    assert before < MINUTE
    assert world.app.trip.schedule.slot > 20


# What must hold


def test_same_record_as_without():
    images, counts = [], []
    for deep, fast in ((False, 0.0), (True, 0.0), (True, 0.06), (True, -0.05)):
        world = flown(deep, fast=fast)
        assert (world.wakes > 50) == deep
        assert boots(world) == []
        counts.append((world.app.area.programs, world.app.area.erases))
        images.append(image_of(world.board.flash))
        world.app = world.host = None
    assert images == [images[0]] * 4
    assert counts == [counts[0]] * 4


def test_a_wake_writes_nothing_and_is_no_boot():
    world = armed(World(scripts=[wave]))
    world.fly(world.true_ms + 2 * MINUTE)
    before = world.host.read(smp.CMD_STATUS)
    world.fly(LATE)
    status = world.host.read(smp.CMD_STATUS)
    assert world.wakes > 50 and world.written == 0
    assert status["boot"] == before["boot"] and status["clock"] and status["last"] != [None]
    assert abs(status["tick"] - world.true_ms) <= 10
    # Nor is any nonce given twice in a boot.
    assert world.host.challenge()["dn"] != b""
    assert world.app._commands.cable.prover._counted[0] > 1


def test_readings_are_at_their_times():
    world = flown(True, fast=0.03)
    world.fly(LATE + 1)
    slots = readings(world.app)
    last = max(slots)
    assert sorted(slots) == list(range(last + 1)) and last > 60
    assert world.app.trip.timekeeper.fault == 0


def test_round_the_ring_and_through_the_key_sectors():
    images = []
    for deep in (False, True):
        changes = {"period_ms": 150_000, "checkpoint_s": 150, "wrap": True}
        world = armed(World(deep=deep, scripts=[wave]), **changes)
        world.fly(26 * HOUR)
        assert world.app.trip.ring.places.first_index() > 0
        assert world.app.trip.ratchet.epoch > 300
        assert (world.wakes > 500) == deep and world.written == 0
        images.append(image_of(world.board.flash))
        world.app = world.host = None
    assert images[0] == images[1]


def test_pending_readings_are_packed_once():
    world = armed(World(scripts=[wave]), checkpoint_s=86400)
    world.fly(11 * HOUR)
    assert world.wakes > 100 and world.written == 0
    assert check_readings(world.app, lambda slot: readings(world.app)[slot])[1] >= 119


def test_the_clock_that_a_host_sets_counts_from_then_on():
    world = flown(True, 2 * HOUR)
    pair = {"tick": world.board.ticks_ms(), "utc": UTC_MS + world.true_ms + 7_300, "unc": 20, "src": 1, "op": "AB"}
    assert world.host.prove(smp.CMD_CLOCK, pair) == {}
    world.fly(4 * HOUR)
    assert boots(world) == [] and world.wakes > 30
    assert abs(world.board.ticks_ms() - world.true_ms) <= 15


# When it does not sleep so deeply


def test_not_without_a_clock_chip_that_tells_the_time():
    world = armed(World(scripts=[wave]))
    world.board.link.is_connected = True
    world.fly(world.true_ms + 2_000)
    world.board.link.is_connected = False
    world.clock.battery_out()
    world.fly(2 * HOUR)
    assert world.wakes == 0 and boots(world) == []


def test_not_with_an_alarm_that_the_light_shows():
    world = armed(World(scripts=[wave]), alarms=[[0, codes.ALARM_HIGH, codes.ALARM_SINGLE, 642, 0]])
    world.fly(2 * HOUR)
    assert world.app.trip.alarms.raised and world.wakes < 3


def test_not_while_a_sensor_fails():
    def broken(tick_ms):
        return None if tick_ms > HOUR else 640

    world = armed(World(scripts=[broken]))
    world.fly(HOUR)
    before = world.wakes
    world.fly(3 * HOUR)
    assert 5 < before and world.wakes <= before + 1


def test_not_while_a_host_is_there_or_the_button_pressed():
    world = armed(World(scripts=[wave]))
    world.board.link.is_connected = True
    world.fly(HOUR)
    assert world.wakes == 0
    world.board.link.is_connected = False
    world.board.pressed = True
    world.fly(2 * HOUR)
    assert world.wakes == 0


def test_not_before_the_trip_logs():
    world = armed(World(scripts=[wave]), start=codes.START_BUTTON)
    world.fly(3 * HOUR)
    assert world.wakes == 0


def test_not_for_a_short_rest():
    world = armed(World(scripts=[wave]), period_ms=MINUTE)
    world.fly(2 * HOUR)
    assert world.wakes == 0


def test_not_when_what_has_to_be_kept_finds_no_room():
    world = armed(World(scripts=[wave]))
    world.board.room = 200
    world.fly(2 * HOUR)
    assert world.wakes == 0 and max(readings(world.app)) >= 11


def test_a_clock_chip_that_answers_again_is_trusted_again():
    world = armed(World(scripts=[wave]))
    world.fly(HOUR)
    world.board.link.is_connected = True
    world.fly(world.true_ms + PERIOD)
    world.board.link.is_connected = False
    before, world.clock.fail = world.wakes, "nack"
    world.fly(world.true_ms + 2 * PERIOD)
    assert world.wakes == before and boots(world) == []
    world.clock.fail = None
    world.fly(world.true_ms + 3 * PERIOD)
    assert world.wakes > before + 1 and boots(world) == []


# What is not trusted


class Asleep:
    """A logger that sleeps; `tries(kept)` is whether it takes these bytes up."""

    def __init__(self):
        self.world = armed(World(scripts=[wave]))
        self.world.trouble = self._stop
        self.kept = b""
        try:
            self.world.fly(2 * HOUR)
        except StopIteration:
            pass
        self.world.trouble = None

    def _stop(self, world):
        if world.wakes == 20:
            self.kept = world.retained
            raise StopIteration

    def tries(self, kept):
        from logger.deep_sleep import wake

        world = self.world
        world.retained = kept
        flash = world.board.flash
        before = flash.programs + flash.erases
        app = self._app()
        taken = wake(app)
        assert flash.programs + flash.erases == before
        assert world.retained == b""
        if not taken:
            assert app.trip.ring.trip == 0 and app.trip.ratchet.key is None and app.trip.boot_due_ms < 0
        return taken

    def _app(self):
        from deep_board import DeepBoard

        from logger.deep_app import DeepApp

        board = DeepBoard(self.world, self.world.board.flash, scripts=[wave])
        board.reset_cause = codes.RESET_SLEEP
        return DeepApp(board, lambda: bytes(32), board)


def test_every_byte_counts():
    asleep = Asleep()
    kept = asleep.kept
    assert 200 < len(kept) < 700
    assert asleep.tries(kept)
    for i in range(0, len(kept), 3):
        assert not asleep.tries(kept[:i] + bytes((kept[i] ^ 1 << i % 8,)) + kept[i + 1 :])
        assert not asleep.tries(kept[:i])
    assert not asleep.tries(b"\x00" * len(kept))
    assert asleep.tries(kept)


def spoil(flash, addr, data):
    page = bytearray(b"\xff" * 256)
    page[addr % 256 : addr % 256 + len(data)] = data
    flash.program(addr - addr % 256, page)


def test_flash_that_is_not_as_it_was():
    for place in ("head", "key", "next key", "store", "journal"):
        asleep = Asleep()
        flash = asleep.world.board.flash
        kept = asleep.kept
        assert asleep.tries(kept)
        app = asleep._app()
        asleep.world.retained = kept
        app.mount()
        ring, ratchet, journal = app.trip.ring, app.trip.ratchet, app.trip.recorder.journal
        head = (RING_FIRST + ring.places.head) * SECTOR_SIZE
        from logger.ratchet import address

        addr = {
            "head": head + ring.used() + 5,
            "key": address(*ratchet._place) + 24,
            "next key": address(ratchet._sector, ratchet._next),
            "store": app._store._sector * SECTOR_SIZE + app._store._end + 3,
            "journal": journal._sector * SECTOR_SIZE + journal._at + 1,
        }[place]
        spoil(flash, addr, bytes(8))
        assert not asleep.tries(kept), place


def test_an_older_sleep_is_not_taken_for_this_one():
    world = armed(World(scripts=[wave]))
    olds = []

    def replay(world):
        olds.append(world.retained)
        if world.wakes == 9:
            world.retained = olds[7]

    world.trouble = replay
    while world.wakes < 9:
        world.fly(world.true_ms + MINUTE)
    check_goes_on(world)


def test_after_another_start_it_is_not_looked_at():
    for cause in (codes.RESET_POWER_ON, codes.RESET_WATCHDOG, codes.RESET_SOFT):
        asleep = Asleep()
        world = asleep.world
        world.retained = asleep.kept
        world.restart(cause)
        assert world.retained == b""
        check_goes_on(world, cause)


def test_a_clock_chip_that_tells_something_else():
    def stopped(world):
        world.clock.battery_out()

    def silent(world):
        world.clock.fail = "nack"

    def an_hour_on(world):
        world.clock._world_us = lambda: (UTC_MS + world.true_ms + HOUR) * 1000

    for trouble in (stopped, silent, an_hour_on):
        world = armed(World(scripts=[wave]))
        world.fly(HOUR)
        asleep = world.wakes
        world.trouble = trouble
        while world.wakes == asleep:
            world.fly(world.true_ms + MINUTE)
        check_goes_on(world)


# The button


def test_the_button_ends_a_sleep_and_a_press_that_lasts_is_a_mark():
    world = armed(World(scripts=[wave]))
    world.fly(HOUR)
    world.hand_ms = HOUR + 100_000

    def hold(world):
        world.trouble = None
        held.append(world.true_ms)

    held = []
    world.trouble = hold
    while not held:
        world.fly(world.true_ms + 1)
    world.board.pressed = True
    world.fly(world.true_ms + 200)
    world.board.pressed = False
    world.fly(world.true_ms + 5_000)
    assert len(of_kind(world.app, frames.MARK)) == 1
    assert HOUR + 100_000 < of_kind(world.app, frames.MARK)[0][0] < HOUR + 106_000


def test_a_button_that_floats_leaves_no_marks_and_ends_the_deep_sleep():
    world = armed(World(scripts=[wave]))
    world.fly(30 * MINUTE)
    before = world.wakes
    world.floats = True
    world.fly(90 * MINUTE)
    assert of_kind(world.app, frames.MARK) == []
    assert world.wakes - before == 5
    assert boots(world) == []


def test_places_as_runs():
    from logger.area import Area
    from logger.deep_sleep import _runs
    from logger.places import Places

    places = Places(Area(World().board.flash))
    for owner in ([], [-1], [0], [0, 1, 2, -2, -2, -3, 7, 8, -1], [5, 6, 0, 1, 1, 3], [-2, -1, 0, 1], [4, 4, 5]):
        places._owner = list(owner)
        runs = _runs(places)
        assert [first + step * i for first, step, count in runs for i in range(count)] == owner
    places._owner = [-2] * 300 + list(range(40)) + [-3] + list(range(40, 60)) + [-2] * 100
    assert len(_runs(places)) == 5
