"""When the radio is on: off from arming until asked for, windows, the flight; and what the record says of it.

All of it in one file: each part needs the same logger, radio and parcel.
"""

from fakes import Board, Chip, Probe, arm, frames_of, make, of_kind, plan, restart, run

from celltrail_protocol import codes, frames, smp

MINUTE = 60000
HOUR = 60 * MINUTE
UTC_ms = 1700000000000
SHOCK = [10000, 2000, 20, 16, 100, 2]
ASKED = [codes.RADIO_ASKED, 2000, 120, 7, 2000]
ALWAYS = [codes.RADIO_ALWAYS, 1000, 120, 0, 0]
FLIGHT = [1500, 180, 90000, 100, 300]
REST = (1, -1, 10)
OFF, ON, SUSPENDED = codes.RADIO_OFF, codes.RADIO_ON, codes.RADIO_SUSPENDED


class Radio:
    """Whether it is on, how it advertises, and whether a host is connected."""

    def __init__(self):
        self.on = False
        self.interval_ms = 0
        self.number = 0

    def power(self, on, name):
        self.on = on
        self.interval_ms = 0
        if not on:
            self.number = 0
        return True

    def advertise(self, interval_ms, data, response):
        self.interval_ms = interval_ms
        return True

    def connection(self):
        return self.number

    def payload(self):
        return 244

    def read(self):
        return b""

    def notify(self, data):
        return True

    def disconnect(self):
        self.number = 0


class Barometer(Probe):
    model = codes.MODEL_BMP390
    step_nK = 4000000000
    low_raw = 7500
    high_raw = 31250


def logger(barometer=None, chip=None):
    """Not armed; nobody at its cable."""
    board = Board(chip=chip or Chip(), radio=Radio())
    board.link.is_connected = False
    if barometer is not None:
        board.barometer = Barometer(board, barometer)
    return make(board)


def armed(barometer=None, **settings):
    app, host = logger(barometer)
    settings.setdefault("radio", ASKED)
    settings.setdefault("shock", SHOCK)
    assert "err" not in arm(host, plan(**settings))
    run(app, 1000)
    return app, host


def told(app):
    """(tick, state, why) of the record."""
    return [values[:3] for values in of_kind(app, frames.RADIO)]


def press(app):
    app.board.pressed = True
    run(app, app.board.tick_ms + 100)
    app.board.pressed = False
    run(app, app.board.tick_ms + 10)


def knock(app, times=5, gap_ms=400):
    for _ in range(times):
        app.board.accelerometer.samples = [REST] * 20 + [(40, 0, 10)] * 4 + [REST] * 60
        run(app, app.board.tick_ms + gap_ms)


# Asked for


def test_off_from_arming_until_the_button():
    app, _ = armed()
    run(app, HOUR)
    assert not app.board.radio.on and told(app) == []
    press(app)
    at_ms = app.board.tick_ms
    assert app.board.radio.on and app.board.radio.interval_ms == 2000
    run(app, at_ms + 119 * 1000)
    assert app.board.radio.on
    run(app, at_ms + 121 * 1000)
    assert not app.board.radio.on
    (on, off) = told(app)
    assert on[1:] == (ON, codes.ASK_BUTTON) and off[1:] == (OFF, 0)
    assert 119000 <= off[0] - on[0] <= 121000


def test_five_knocks_ask_and_four_do_not():
    app, _ = armed()
    knock(app, 4)
    run(app, 2 * MINUTE)
    assert not app.board.radio.on
    knock(app)
    run(app, app.board.tick_ms + 1000)
    assert app.board.radio.on
    assert told(app)[-1][1:] == (ON, codes.ASK_KNOCK)
    # A knock is no shock.
    assert of_kind(app, frames.SHOCK) == []


def test_softer_knocks_do_not_ask():
    app, _ = armed(radio=[codes.RADIO_ASKED, 2000, 120, 7, 4000])
    knock(app)
    run(app, app.board.tick_ms + 2000)
    assert told(app) == []


def test_a_shock_is_kept_while_somebody_knocks():
    app, _ = armed()
    knock(app, 2)
    app.board.accelerometer.samples = [REST] * 80 + [(150, 0, 10)] * 20 + [REST] * 64
    run(app, app.board.tick_ms + 400)
    (shock,) = of_kind(app, frames.SHOCK)
    assert shock[5] == (150, 0, 10) and shock[7] == 20


def test_the_cable_asks_as_long_as_it_is_there():
    app, _ = armed()
    app.board.link.is_connected = True
    run(app, HOUR)
    assert app.board.radio.on
    app.board.link.is_connected = False
    run(app, HOUR + 119 * 1000)
    assert app.board.radio.on
    run(app, HOUR + 121 * 1000)
    assert not app.board.radio.on
    assert [one[1:] for one in told(app)] == [(ON, codes.ASK_CABLE), (OFF, 0)]


def test_who_may_not_ask_gets_nothing():
    app, _ = armed(radio=[codes.RADIO_ASKED, 2000, 120, 0, 0])
    app.board.link.is_connected = True
    press(app)
    knock(app)
    run(app, HOUR)
    assert not app.board.radio.on and told(app) == []


def test_a_connection_keeps_it_on_and_a_lost_one_can_come_back():
    app, _ = armed()
    press(app)
    app.board.radio.number = 7
    # Nobody says a word: the watchdog of the link ends the connection after a minute.
    run(app, app.board.tick_ms + 110 * 1000)
    ended_ms = app.board.tick_ms
    assert app.board.radio.number == 0 and app.board.radio.on
    run(app, ended_ms + 60 * 1000)
    assert app.board.radio.on
    run(app, ended_ms + 121 * 1000)
    assert not app.board.radio.on


def test_a_plan_without_a_word_of_it_is_off_until_asked():
    app, host = logger()
    arm(host, plan())
    run(app, HOUR)
    assert not app.board.radio.on
    press(app)
    assert app.board.radio.on
    run(app, HOUR + 301 * 1000)
    assert not app.board.radio.on


def test_armed_over_the_air_it_lasts_as_long_as_the_connection_and_the_wait():
    app, host = logger()
    run(app, 1000)
    assert app.board.radio.on
    app.board.radio.number = 1
    run(app, 2000)
    arm(host, plan(radio=ASKED, shock=SHOCK))
    run(app, 3000)
    assert app.board.radio.on and app.board.radio.number == 1
    assert [one[1:] for one in told(app)] == [(ON, codes.ASK_CONNECTION)]
    app.board.radio.number = 0
    run(app, 200 * 1000)
    assert not app.board.radio.on


# Without a trip


def test_on_the_shelf_it_goes_off_after_an_hour_and_the_button_wakes_it():
    app, host = logger()
    assert app.step() is None
    run(app, HOUR - 1000)
    assert app.board.radio.on
    run(app, HOUR + 1000)
    assert not app.board.radio.on
    press(app)
    assert app.board.radio.on
    run(app, 3 * HOUR)
    assert not app.board.radio.on


def test_after_the_stop_it_is_on_so_that_it_can_be_read():
    app, host = armed()
    run(app, 2 * HOUR)
    assert not app.board.radio.on
    host.prove(smp.CMD_STOP, {"op": "AB"})
    run(app, 2 * HOUR + MINUTE)
    assert app.board.radio.on
    run(app, 4 * HOUR)
    assert not app.board.radio.on


# All the time, and in windows


def test_always_is_one_interval_of_the_record():
    app, _ = armed(radio=ALWAYS)
    run(app, 5 * HOUR)
    assert app.board.radio.on
    assert [one[1:] for one in told(app)] == [(ON, codes.ASK_ALWAYS)]


def test_windows_follow_the_clock():
    first_s = UTC_ms // 1000 + 3600
    app, _ = armed(times=[[first_s, 600, 0], [first_s + 7200, 300, 3600]])
    for minutes, on in ((59, False), (61, True), (69, True), (71, False), (179, False), (181, True), (186, False)):
        run(app, minutes * MINUTE)
        assert app.board.radio.on == on, minutes
    for minutes, on in ((239, False), (241, True), (246, False), (301, True), (306, False)):
        run(app, minutes * MINUTE)
        assert app.board.radio.on == on, minutes
    assert {one[2] for one in told(app)} == {codes.ASK_WINDOW, 0}
    assert [one[0] // 1000 - 3600 for one in told(app)][:4] == [0, 600, 7200, 7500]


def test_a_window_every_day_began_long_ago():
    # 22:13:20 is the time of day of UTC_ms; every day at 23:00.
    app, _ = armed(times=[[23 * 3600, 600, 86400]])
    run(app, 2799 * 1000)
    assert not app.board.radio.on
    run(app, 2801 * 1000)
    assert app.board.radio.on
    run(app, 3401 * 1000)
    assert not app.board.radio.on
    run(app, (86400 + 2801) * 1000)
    assert app.board.radio.on


def test_without_a_clock_no_window_opens():
    app, _ = armed(times=[[0, 86400, 86400]])
    run(app, MINUTE)
    assert app.board.radio.on
    app, _ = restarted(app)
    run(app, HOUR)
    assert not app.board.radio.on
    press(app)
    assert app.board.radio.on


def restarted(app):
    # `restart` makes a board of its own: this one has a radio, and nobody at its cable.
    old = app.board
    app, host = restart(app)
    board = app.board
    board.radio, board.accelerometer = Radio(), old.accelerometer
    board.link.is_connected = False
    return make(board)


# Restarts


def test_a_restart_is_silent_until_it_has_come_to_stay():
    app, _ = armed(radio=ALWAYS)
    run(app, MINUTE)
    app, _ = restarted(app)
    run(app, 9000)
    assert not app.board.radio.on
    run(app, 11000)
    assert app.board.radio.on
    kinds = [kind for kind, _ in frames_of(app)]
    assert kinds.index(frames.BOOT) < len(kinds) - 1 - kinds[::-1].index(frames.RADIO)


# In flight


def course(levels):
    """Raw of a barometer that follows (from minute, Pa)."""

    def read(tick_ms):
        found = [Pa for minute, Pa in levels if tick_ms >= minute * MINUTE]
        return found[-1] // 4

    return read


def still(app, until_ms):
    """As time passes the chip has samples of a parcel at rest."""
    shaken(app, until_ms, 0)


def shaken(app, until_ms, raw):
    """The same for one that shakes by so many steps of 100 mg."""
    while app.board.tick_ms < until_ms:
        app.board.accelerometer.samples = [(1, -1, 10 + (raw if i % 2 else -raw)) for i in range(40)]
        run(app, min(until_ms, app.board.tick_ms + 10000))


def test_flight_suspends_and_ground_resumes():
    climb = [(60 + i, 101000 - 1000 * i) for i in range(24)]
    descent = [(200 + i, 78000 + 1000 * i) for i in range(24)]
    app, _ = armed(course([(0, 101000)] + climb + descent), radio=ALWAYS, flight=FLIGHT)
    still(app, 60 * MINUTE)
    assert app.board.radio.on
    for minutes in (63, 100, 200, 215, 226):
        still(app, minutes * MINUTE)
        assert not app.board.radio.on, minutes
    still(app, 232 * MINUTE)
    assert app.board.radio.on
    states = [one[1:] for one in told(app)]
    assert states == [(ON, codes.ASK_ALWAYS), (SUSPENDED, codes.FLIGHT_CHANGE), (ON, codes.ASK_ALWAYS)]
    pressures = [values[3] for values in of_kind(app, frames.RADIO)]
    assert pressures[1] in (99000, 98000) and pressures[2] == 101000


def test_shaking_alone_suspends_at_once_and_a_host_in_the_air_is_cut_off():
    app, _ = armed(course([(0, 101000)]), radio=ALWAYS, flight=FLIGHT)
    still(app, 5 * MINUTE)
    app.board.radio.number = 3
    shaken(app, 5 * MINUTE + 40000, 3)
    assert not app.board.radio.on and app.board.radio.number == 0
    assert told(app)[-1][1:] == (SUSPENDED, codes.FLIGHT_MOTION)
    still(app, 20 * MINUTE)
    assert app.board.radio.on


def test_nothing_that_asks_is_heard_in_flight():
    first_s = UTC_ms // 1000
    app, _ = armed(course([(0, 101000), (10, 78000)]), flight=FLIGHT, times=[[first_s, 86400, 0]])
    still(app, 12 * MINUTE)
    assert not app.board.radio.on
    press(app)
    app.board.link.is_connected = True
    knock(app)
    still(app, 30 * MINUTE)
    assert not app.board.radio.on
    assert told(app)[-1][1] == SUSPENDED


def test_a_dead_source_suspends():
    app, _ = armed(course([(0, 101000)]), radio=ALWAYS, flight=FLIGHT)
    still(app, 5 * MINUTE)
    app.board.accelerometer.fault = codes.FAULT_BUS
    still(app, 7 * MINUTE)
    assert told(app)[-1][1:] == (SUSPENDED, codes.FLIGHT_NO_MOTION)
    app.board.accelerometer.fault = 0
    still(app, 20 * MINUTE)
    assert app.board.radio.on
    app.board.barometer._script = lambda tick: None
    still(app, 22 * MINUTE)
    assert told(app)[-1][1:] == (SUSPENDED, codes.FLIGHT_NO_PRESSURE)


def test_before_the_start_nothing_watches_and_it_stays_silent():
    app, _ = armed(course([(0, 101000)]), radio=ALWAYS, flight=FLIGHT, start=codes.START_DELAY, delay_s=3600)
    run(app, 5 * MINUTE)
    assert not app.board.radio.on
    still(app, 80 * MINUTE)
    assert app.board.radio.on


def test_without_two_sources_no_flight_is_watched():
    for barometer, chip in ((None, Chip()), (course([(0, 101000)]), None)):
        app, host = logger(barometer)
        app.board.accelerometer = chip
        answer = arm(host, plan(radio=ALWAYS, shock=SHOCK, flight=FLIGHT))
        assert answer["err"]["rc"] == smp.ERR_PLAN


def test_plan_says_what_is_wrong():
    from celltrail_protocol import cbor
    from celltrail_protocol.layout import ProtocolError
    from celltrail_protocol.plan_rules import validate

    wrong = (
        {"radio": [2, 1000, 300, 5, 0]},
        {"radio": [0, 99, 300, 5, 0]},
        {"radio": [0, 1000, 29, 5, 0]},
        {"radio": [0, 1000, 300, 8, 0]},
        {"radio": [0, 1000, 300, 2, 2000]},
        {"radio": [0, 1000, 300, 2, 0], "shock": SHOCK},
        {"radio": [0, 1000, 300, 5]},
        {"times": [[0, 59, 0]]},
        {"times": [[0, 600]]},
        {"times": [[0, 600, 86400]] * 9},
        {"times": 5},
        {"flight": FLIGHT},
        {"flight": FLIGHT[:4], "shock": SHOCK},
        {"flight": [99, 180, 90000, 100, 300], "shock": SHOCK},
        {"flight": None, "shock": SHOCK},
    )
    for changes in wrong:
        try:
            validate(cbor.loads(plan(**changes)), [(-7040, 19200)])
        except ProtocolError:
            continue
        raise AssertionError(changes)
    validate(cbor.loads(plan(radio=ASKED, shock=SHOCK, times=[[0, 600, 86400]] * 8, flight=FLIGHT)), [(-7040, 19200)])
