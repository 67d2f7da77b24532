"""Deep sleep: each part of what is kept counts, and each thing that a trip remembers is kept."""

# Two loggers' worth for a moment, at each wake.
# heapsize: 512k

from deep_board import UTC_MS, DeepBoard, World
from fakes import Probe, arm, image_of, of_kind, payloads, plan
from test_deep_sleep import HOUR, MINUTE, PERIOD, Asleep, armed, wave

import logger.deep_app
from celltrail_protocol import cbor, codes, frames, smp
from logger.deep_app import DeepApp


def test_a_whole_memory_of_another_time_is_none():
    from logger.deep_sleep import _seal

    asleep = Asleep()
    body = asleep.kept[8:]
    assert asleep.tries(_seal(body))
    for part, at in (
        ("time", 1),
        ("store", 2),
        ("key", 4),
        ("key", 5),
        ("ring", 0),
        ("ring", 1),
        ("ring", 2),
        ("sector", 1),
        ("sector", 2),
        ("journal", 1),
        ("journal", 4),
    ):
        kept = cbor.loads(body)
        kept[part][at] += 100_000_000 if part == "time" else 1
        assert not asleep.tries(_seal(cbor.dumps(kept))), (part, at)
    for part in ("state", "plan"):
        kept = cbor.loads(body)
        kept[part] = bytes((kept[part][0] ^ 1,)) + kept[part][1:]
        assert not asleep.tries(_seal(cbor.dumps(kept))), part
    kept = cbor.loads(body)
    kept["packed"][0] += 1
    assert not asleep.tries(_seal(cbor.dumps(kept)))


def images_of(fly, **more):
    """What `fly(world)` leaves in the flash, without and with deep sleep; it gives whether all went well."""
    found = []
    for deep in (False, True):
        world = World(deep=deep, **more)
        fly(world)
        assert (world.wakes > 0) == deep and world.written == 0
        found.append((image_of(world.board.flash), world.app.area.programs, world.app.area.erases))
        world.app = world.host = None
    return found


def test_an_alarm_s_delay_goes_on():
    """Too warm from the first hour on; half an hour at a time, or an hour in all, is an alarm."""

    def warm(tick_ms):
        return 900 if tick_ms > HOUR and tick_ms // (25 * MINUTE) % 2 or tick_ms > 5 * HOUR else 640

    alarms = [[0, codes.ALARM_HIGH, codes.ALARM_CUMULATIVE, 800, 3600], [0, codes.ALARM_HIGH, 0, 800, 1800]]

    def fly(world):
        armed(world, alarms=alarms).fly(7 * HOUR)
        assert len(of_kind(world.app, frames.ALARM)) == 2

    images = images_of(fly, scripts=[warm])
    assert images[0] == images[1]


def test_after_a_restart_the_doubt_about_the_next_sector_goes_on():
    def fly(world):
        armed(world, period_ms=150_000, checkpoint_s=150).fly(HOUR)
        world.true_ms = 63 * MINUTE
        world.restart(codes.RESET_POWER_ON)
        world.fly(12 * HOUR)
        assert world.app.trip.ring.index > 0
        assert len(of_kind(world.app, frames.BOOT)) == 1

    images = images_of(fly, scripts=[wave])
    assert images[0] == images[1]


def test_the_sensors_are_prepared_anew():
    world = armed(World(scripts=[wave]))
    world.fly(HOUR)
    assert world.wakes > 5 and world.board.thermometers[0].starts == 1


def test_a_state_that_a_worn_flash_refused_is_not_slept_on():
    world = armed(World(scripts=[wave]))
    world.board.link.is_connected = True
    world.fly(world.true_ms + 2000)
    world.board.link.is_connected = False
    world.app.state.read_index += 1
    world.fly(2 * HOUR)
    assert world.wakes == 0


def test_not_with_shocks_watched():
    from fakes import Chip

    world = World(scripts=[wave], chip=Chip())
    armed(world, shock=[10000, 1000, 200, 16, 48, 10]).fly(HOUR)
    assert world.wakes == 0


def test_not_with_the_radio_on():
    from test_radio_policy import Radio

    world = World(scripts=[wave], radio=Radio())
    armed(world, radio=[1, 1000, 300, 5, 0]).fly(HOUR)
    assert world.app.wireless.is_on and world.wakes == 0
    world.app = world.host = None


def test_the_radio_s_windows_come_in_a_sleep():
    """A window of ten minutes each hour: on in it, asleep before and after."""
    from test_radio_policy import Radio

    start_s = 1_748_844_000
    world = World(scripts=[wave], radio=Radio())
    armed(world, radio=[0, 1000, 300, 0, 0], times=[[start_s + 1800, 600, 3600]]).fly(3 * HOUR)
    told = [(one[1], one[2]) for one in of_kind(world.app, frames.RADIO)]
    assert told == [(codes.RADIO_ON, codes.ASK_WINDOW), (codes.RADIO_OFF, 0)] * 3
    assert world.wakes > 20 and of_kind(world.app, frames.BOOT) == []


def test_a_sleep_of_what_a_host_armed_anew():
    """The next trip is slept through, too."""
    world = armed(World(scripts=[wave]))
    world.fly(HOUR)
    world.app.trip.stop(codes.REASON_COMMAND, world.board.ticks_ms())
    data = plan(period_ms=PERIOD, start=codes.START_NOW)
    answer = arm(world.host, data, tick=world.board.ticks_ms(), utc=1_748_844_000_250 + world.true_ms, discard=True)
    assert answer["trip"] == 2
    before = world.wakes
    world.fly(3 * HOUR)
    assert world.wakes > before + 20 and world.written == 0


def test_the_radio_s_windows_open_when_they_would_without():
    """To the millisecond, whenever the logger has looked before."""
    from test_radio_policy import Radio

    for at_ms in (90_000, 90_400):
        images = []
        for deep in (False, True):
            world = World(deep=deep, scripts=[wave], radio=Radio())
            times = [[UTC_MS // 1000 + 1800, 600, 3600]]
            armed(world, at_ms=at_ms, radio=[0, 1000, 300, 0, 0], times=times).fly(2 * HOUR)
            opened = [one[0] for one in of_kind(world.app, frames.RADIO) if one[1] == codes.RADIO_ON]
            assert [tick_ms % MINUTE for tick_ms in opened] == [MINUTE - UTC_MS % 1000] * 2
            images.append(image_of(world.board.flash))
            world.app = world.host = None
        assert images[0] == images[1]


def test_what_a_wake_takes_is_not_lost_from_the_ticks():
    """A search on a 1-Wire line, say; a host that sets the clock must not make it permanent."""
    start = Probe.start

    def slow(probe):
        start(probe)
        if probe._board.reset_cause == codes.RESET_SLEEP:
            probe._board.tick_ms += 200

    Probe.start = slow
    try:
        world = armed(World(scripts=[wave]))
        for hour in (1, 2, 3):
            world.fly(hour * HOUR)
            assert world.wakes > 5 and abs(world.board.ticks_ms() - world.true_ms) <= 10
            pair = {"tick": world.board.ticks_ms(), "utc": UTC_MS + world.true_ms, "unc": 20, "src": 1, "op": "AB"}
            assert world.host.prove(smp.CMD_CLOCK, pair) == {}
    finally:
        Probe.start = start


def test_a_command_after_a_wake_writes_what_it_would_without():
    numbers = []
    for deep in (False, True):
        world = armed(World(deep=deep, scripts=[wave]))
        world.fly(HOUR)
        before = world.app._store._number
        for _ in range(4):
            world.board.link.is_connected = True
            world.fly(world.true_ms + 1000)
            world.host.prove(smp.CMD_CHECK, {})
            world.board.link.is_connected = False
            world.fly(world.true_ms + 2 * PERIOD)
        assert (world.wakes > 10) == deep
        numbers.append(world.app._store._number - before)
        world.app = world.host = None
    assert numbers[0] == numbers[1]


class OutOfMemory(World):
    """Once `breaks` is set, the next wake fails as it takes up the ring, and `main` writes last words."""

    breaks = False

    def start(self):
        if not self.breaks:
            return World.start(self)
        import logger.deep_sleep as deep_sleep

        def no_room(*_):
            raise MemoryError

        self.breaks, forget, deep_sleep.OpenSector = False, logger.deep_app.forget, no_room
        logger.deep_app.forget = lambda *_: None
        app = DeepApp(self.board, lambda: bytes(32), self.board.retained)
        try:
            app.mount()
        except MemoryError:
            app.last_words()
        finally:
            logger.deep_app.forget = forget
            forget("logger.deep_sleep")
        self.board = DeepBoard(self, self.board.flash, scripts=[wave])
        self.board.reset_cause = codes.RESET_SOFT
        return World.start(self)


def test_an_error_in_a_wake_spoils_no_sector():
    world = armed(OutOfMemory(scripts=[wave]), period_ms=150_000, checkpoint_s=150)
    world.fly(6 * HOUR)
    assert world.app.trip.ring.index > 0
    before = len(list(payloads(world.app)))
    world.breaks = True
    world.fly(7 * HOUR)
    assert not world.breaks
    assert [one[1] for one in of_kind(world.app, frames.BOOT)] == [codes.RESET_SOFT]
    assert len(list(payloads(world.app))) > before
