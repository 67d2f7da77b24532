"""The whole logger on a fake board: button, LED, restart, lost connections, and what a step does in which order."""

from fakes import Board, arm, make, of_kind, plan, provision, restart, run

from celltrail_protocol import codes, console, frames, smp

MINUTE = 60000


def press(app, ms):
    app.board.pressed = True
    run(app, app.board.tick_ms)
    run(app, app.board.tick_ms + ms)
    app.board.pressed = False
    run(app, app.board.tick_ms)


def armed(**changes):
    app, host = make()
    arm(host, plan(**changes))
    run(app, 1000)
    return app, host


def test_button_starts_a_trip_that_waits_for_it():
    app, _ = armed(start=codes.START_BUTTON)
    press(app, 200)
    assert of_kind(app, frames.STATE)[-1][:3] == (1200, codes.STATE_LOGGING, codes.REASON_BUTTON)
    assert of_kind(app, frames.MARK) == []


def test_short_press_is_a_mark_and_a_bounce_is_none():
    app, _ = armed()
    press(app, 49)
    assert of_kind(app, frames.MARK) == []
    press(app, 50)
    (mark,) = of_kind(app, frames.MARK)
    assert mark[1:] == (codes.MARK_BUTTON, 0, frames.MARK_BY_BUTTON, b"", b"", b"")
    assert app.board.leds[-1] == codes.LED_MARK
    run(app, app.board.tick_ms + 2000)
    assert app.board.leds[-1] == codes.LED_LOGGING


def test_nervous_finger_leaves_one_mark():
    app, _ = armed()
    for _ in range(5):
        press(app, 100)
    assert len(of_kind(app, frames.MARK)) == 1
    run(app, app.board.tick_ms + 2000)
    press(app, 100)
    assert len(of_kind(app, frames.MARK)) == 2


def test_holding_stops_when_the_plan_says_so():
    for allowed in (True, False):
        app, _ = armed(stop_button=allowed)
        press(app, 2999)
        assert app.state.state == codes.STATE_LOGGING
        app.board.pressed = False
        run(app, 60 * MINUTE)
        press(app, 3000)
        assert (app.state.state == codes.STATE_STOPPED) == allowed
        if allowed:
            assert of_kind(app, frames.STATE)[-1][2] == codes.REASON_BUTTON
        # The mark of the first press only: holding is none.
        assert len(of_kind(app, frames.MARK)) == 1


def test_button_on_a_full_ring_ends_the_trip_and_not_the_program():
    for ms in (100, 3000):
        app, _ = armed()
        ring = app.trip.ring
        app._sampler.poll = lambda now_ms: None
        while ring.room() > 0:
            ring.append(0x80, bytes(200), 0)
        press(app, ms)
        assert app.state.state == codes.STATE_STOPPED
        reason = codes.REASON_FULL if ms == 100 else codes.REASON_BUTTON
        assert of_kind(app, frames.STATE)[-1][2] == reason


def test_led_shows_the_state():
    app, host = make()
    run(app, 1)
    assert app.board.leds == [codes.LED_READY]
    arm(host, plan(start=codes.START_COMMAND, alarms=[[0, 0, 0, 640, 60]]))
    run(app, 2)
    assert app.board.leds[-1] == codes.LED_ARMED
    host.prove(smp.CMD_START, {"op": ""})
    run(app, 3)
    assert app.board.leds[-1] == codes.LED_LOGGING
    run(app, 2 * MINUTE)
    assert app.board.leds[-1] == codes.LED_ALARM
    assert len(app.board.leds) == 4


def test_light_tells_a_sensor_that_fails_and_one_that_is_back():
    board = Board(scripts=[lambda tick: None if 100000 <= tick < 200000 else 640])
    app, host = make(board)
    arm(host, plan())
    run(app, 90000)
    assert board.leds[-1] == codes.LED_LOGGING
    run(app, 130000)
    assert board.leds[-1] == codes.LED_FAULT
    run(app, 250000)
    assert board.leds[-1] == codes.LED_LOGGING
    board.thermometers[0]._script = lambda tick: None
    run(app, 310000)
    assert board.leds[-1] == codes.LED_FAULT
    host.prove(smp.CMD_STOP, {"op": "AB"})
    app.step()
    assert board.leds[-1] == codes.LED_READY


def test_lost_connection_ends_the_challenge():
    app, host = make()
    provision(host)
    run(app, 1)
    host.challenge()
    app.board.link.is_connected = False
    app.step()
    app.board.link.is_connected = True
    app.step()
    answer = host.ask(64, smp.CMD_RESET, smp.OP_WRITE, host.wrap(smp.CMD_RESET, {"op": ""}))
    assert answer["err"]["rc"] == smp.ERR_STALE


def send(app, host, command, request):
    host.challenge()
    from celltrail_protocol import cbor

    body = cbor.dumps(host.wrap(command, request))
    message = smp.pack_header(smp.OP_WRITE, 1, 64, 9, command, len(body)) + body
    app.board.link.incoming += b"".join(console.encode(message))


def test_reset_waits_for_its_answer_to_go_out():
    app, host = armed()
    app.board.link.room = 20
    send(app, host, smp.CMD_RESET, {"op": "AB"})
    app.step()
    assert app.board.resets == 0
    while not app.board.resets:
        app.board.tick_ms += 5
        app.step()
    assert len(console.Reader().feed(app.board.link.outgoing)) == 1
    assert of_kind(app, frames.COMMAND)[-1][1:] == (smp.CMD_RESET, b"AB", 0, 0)


def test_reset_does_not_wait_for_ever():
    app, host = armed()
    app.board.link.room = 0
    send(app, host, smp.CMD_RESET, {"op": "AB"})
    run(app, app.board.tick_ms + 900)
    assert app.board.resets == 0
    run(app, app.board.tick_ms + 200)
    assert app.board.resets > 0


def test_host_is_served_while_nothing_is_due():
    app, host = make()
    body = b"\xa0"
    app.board.link.incoming = b"".join(
        console.encode(smp.pack_header(0, 1, smp.GROUP_CELLTRAIL, 1, smp.CMD_STATUS, 1) + body)
    )
    assert app.step() is None
    assert app.board.link.outgoing


def test_sampling_goes_on_while_a_host_floods_the_link():
    app, _ = armed(period_ms=1000)
    app.board.link.read = lambda limit: b"\x06\x09AAAA\n" * 8
    for _ in range(100):
        app.board.tick_ms += 100
        app.step()
    assert app.trip.schedule.slot >= 11


def test_watchdog_is_fed_in_each_step():
    app, _ = armed()
    fed = []
    app.board.feed = lambda: fed.append(1)
    app.step()
    assert fed


def test_power_cut_after_the_state_frame_of_a_stop():
    app, host = armed(alarms=[[0, 0, 0, 100, 0]])
    app.trip.ring.close = lambda tick_ms: None
    app.state.save = lambda: True
    host.prove(smp.CMD_STOP, {"op": ""})
    app, host = restart(app)
    assert (app.state.state, app.state.reason) == (codes.STATE_STOPPED, codes.REASON_COMMAND)
    assert not app.trip.ring.is_open
    assert app.trip.ratchet.key is None


def test_power_cut_between_state_frame_and_store():
    app, host = make()
    arm(host, plan(start=codes.START_BUTTON))
    app.state.save = lambda: True
    run(app, 1000)
    press(app, 100)
    assert app.state.state == codes.STATE_LOGGING
    app, host = restart(app)
    assert app.state.state == codes.STATE_LOGGING
    run(app, 10000 + MINUTE)
    assert app.trip.schedule.slot > 1


def test_two_boards_flashes_do_not_mix():
    first = Board().flash
    first.program(0, bytes(256))
    assert Board().flash.programs == 0


def test_half_a_line_of_a_connection_that_nobody_saw_is_forgotten():
    app, host = make()
    app.board.link.is_connected = False
    app.board.link.incoming = b"\x06\x09AAAA"
    app.step()
    app.step()
    assert app.link.is_fresh()
    app.board.link.is_connected = True
    body = b"\xa0"
    for line in console.encode(smp.pack_header(smp.OP_READ, 1, smp.GROUP_CELLTRAIL, 1, smp.CMD_STATUS, 1) + body):
        app.board.link.incoming += line
    app.step()
    assert app.board.link.outgoing.startswith(console.FIRST)
