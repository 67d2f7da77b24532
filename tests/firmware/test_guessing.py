"""Somebody without the key, against the whole logger: replay, exchange, guesses, and a link that comes and goes."""

from fakes import HN, KEY, Host, arm, make, of_kind, plan, provision, restart, run

from celltrail_protocol import cbor, codes, frames, smp
from celltrail_protocol.seals import DEVICE, command_mac

MINUTE = 60000
MARK = {"kind": 3, "outcome": 1, "op": "AB", "place": "DUS", "note": "ok"}
WRONG = bytes(32)


def rc(answer):
    return answer["err"]["rc"]


def send(host, command, request):
    return host.ask(smp.GROUP_CELLTRAIL, command, smp.OP_WRITE, request)


def a_trip():
    app, host = make()
    arm(host, plan())
    run(app, 1000)
    return app, host


def marks(app):
    return len(of_kind(app, frames.MARK))


def captured(host, command=smp.CMD_MARK, inner=MARK):
    """A proven command as it went over the link, without the name of its challenge, and the logger's answer."""
    host.challenge()
    request = host.wrap(command, inner)
    answer = send(host, command, request)
    del request["c"]
    return request, answer


def test_replay_now_in_a_later_challenge_and_after_a_restart():
    app, host = a_trip()
    request, answer = captured(host)
    assert "a" in answer
    assert rc(send(host, smp.CMD_MARK, request)) == smp.ERR_STALE
    host.challenge()
    assert rc(send(host, smp.CMD_MARK, request)) == smp.ERR_NOT_PROVEN
    assert marks(app) == 1
    run(app, 5000)
    # The board's random source begins anew with the same numbers, and the host's nonce is the same.
    for _ in range(3):
        app, host = restart(app)
        host.challenge()
        assert rc(send(host, smp.CMD_MARK, request)) == smp.ERR_NOT_PROVEN
        assert marks(app) == 1


def test_replay_to_an_idle_logger_after_a_restart_that_wrote_nothing():
    app, host = make()
    provision(host)
    request, answer = captured(host, smp.CMD_RESET, {"op": "AB"})
    assert "a" in answer
    for _ in range(2):
        app, host = restart(app)
        host.challenge()
        assert rc(send(host, smp.CMD_RESET, request)) == smp.ERR_NOT_PROVEN
        assert not app.server._commands.reset_wanted


def test_command_that_was_only_checked_is_not_good_after_a_restart_either():
    app, host = make()
    provision(host)
    app, host = restart(app)
    request, answer = captured(host, smp.CMD_CHECK, {})
    assert "a" in answer
    app, host = restart(app)
    host.challenge()
    assert rc(send(host, smp.CMD_CHECK, request)) == smp.ERR_NOT_PROVEN


def test_answer_thrown_back_as_a_request():
    app, host = a_trip()
    request, answer = captured(host)
    back = {"a": answer["a"], "n": 2, "m": answer["m"]}
    assert rc(send(host, smp.CMD_MARK, back)) == smp.ERR_NOT_PROVEN
    assert marks(app) == 1


def test_command_number_exchanged_under_the_same_proof():
    app, host = a_trip()
    for command in (smp.CMD_STOP, smp.CMD_RESET, smp.CMD_ERASE, smp.CMD_ROTATE, smp.CMD_CHECK):
        host.challenge()
        assert rc(send(host, command, host.wrap(smp.CMD_MARK, MARK))) == smp.ERR_NOT_PROVEN
        run(app, app.board.tick_ms + 1000)
    assert app.state.state == codes.STATE_LOGGING
    assert marks(app) == 0


def test_two_hosts_interleave():
    app, one = a_trip()
    other = Host(app)
    one.challenge()
    other.challenge()
    assert "a" in send(one, smp.CMD_MARK, one.wrap(smp.CMD_MARK, MARK))
    assert "a" in send(other, smp.CMD_MARK, other.wrap(smp.CMD_MARK, MARK))
    assert of_kind(app, frames.FAULT) == []


def test_link_lost_between_challenge_and_answer():
    app, host = a_trip()
    host.challenge()
    request = host.wrap(smp.CMD_MARK, MARK)
    app.board.link.is_connected = False
    run(app, 2000)
    app.board.link.is_connected = True
    run(app, 2000)
    assert rc(send(host, smp.CMD_MARK, request)) == smp.ERR_STALE
    assert "tick" in host.prove(smp.CMD_MARK, MARK)
    assert of_kind(app, frames.FAULT) == []


def test_proof_that_is_held_back_is_void():
    app, host = a_trip()
    host.challenge()
    request = host.wrap(smp.CMD_STOP, {"op": "AB"})
    run(app, 31000)
    assert rc(send(host, smp.CMD_STOP, request)) == smp.ERR_STALE
    assert app.state.state == codes.STATE_LOGGING


def wrong_keys(app):
    return [one[1:3] for one in of_kind(app, frames.FAULT)]


def test_guesses_of_ten_minutes_leave_one_frame_and_are_counted():
    app, host = a_trip()
    thief = Host(app, WRONG)
    programs = 0
    for second in range(2, 600):
        run(app, second * 1000)
        assert rc(thief.prove(smp.CMD_STOP, {"op": "X"})) == smp.ERR_NOT_PROVEN
        if second == 2:
            programs = app.board.flash.programs
    assert wrong_keys(app) == [(codes.SOURCE_LINK, codes.FAULT_WRONG_KEY)]
    # The readings of ten minutes, and not a program more.
    assert app.board.flash.programs - programs <= 10
    link = host.ask(smp.GROUP_STAT, smp.STAT_GROUP, smp.OP_READ, {"name": "link"})
    assert link["fields"]["wrong_proofs"] == 598


def test_guesses_after_forced_restarts_leave_no_more():
    app, host = a_trip()
    assert rc(Host(app, WRONG).prove(smp.CMD_STOP, {})) == smp.ERR_NOT_PROVEN
    for _ in range(5):
        app, host = restart(app)
        programs, erases = app.board.flash.programs, app.board.flash.erases
        for _ in range(3):
            assert rc(Host(app, WRONG).prove(smp.CMD_STOP, {})) == smp.ERR_NOT_PROVEN
            run(app, app.board.tick_ms + 1000)
        assert (app.board.flash.programs, app.board.flash.erases) == (programs, erases)
    assert len(wrong_keys(app)) == 1


def test_guesses_between_trips_wait_for_the_next_record_once():
    app, host = make()
    provision(host)
    for _ in range(3):
        for _ in range(3):
            assert rc(Host(app, WRONG).prove(smp.CMD_ERASE, {})) == smp.ERR_NOT_PROVEN
            run(app, app.board.tick_ms + 2000)
        app, host = restart(app)
    arm(host, plan())
    flags = [one[5] for one in of_kind(app, frames.EARLIER)]
    assert flags == [frames.COMMAND_OPEN, frames.COMMAND_WRONG_KEY]
    # A trip of its own gets a frame of its own.
    assert rc(Host(app, WRONG).prove(smp.CMD_STOP, {})) == smp.ERR_NOT_PROVEN
    assert len(wrong_keys(app)) == 1


def test_right_host_gets_in_within_two_seconds_while_another_guesses():
    app, host = a_trip()
    thief = Host(app, WRONG)
    for at_ms in range(2000, 12000, 5):
        run(app, at_ms)
        thief.prove(smp.CMD_STOP, {})
    # The thief's connection ends; the host's begins.
    app.board.link.is_connected = False
    run(app, 12000)
    app.board.link.is_connected = True
    waited_ms = 0
    while "err" in host.challenge():
        waited_ms += 10
        run(app, 12000 + waited_ms)
    assert waited_ms <= 2000
    assert "a" in send(host, smp.CMD_MARK, host.wrap(smp.CMD_MARK, MARK))


def test_check_proves_both_sides_and_changes_nothing():
    app, host = a_trip()
    assert host.prove(smp.CMD_CHECK, {}) == {}
    programs = app.board.flash.programs
    host.challenge()
    answer = send(host, smp.CMD_CHECK, host.wrap(smp.CMD_CHECK, {}))
    assert answer["m"] == command_mac(KEY, DEVICE, smp.CMD_CHECK, 1, host._dn, HN, answer["a"])
    assert cbor.loads(answer["a"]) == {}
    assert app.board.flash.programs == programs
