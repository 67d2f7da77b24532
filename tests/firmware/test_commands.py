"""Group 64: what each command demands, refuses, records and answers."""

from fakes import KEY, Board, Host, arm, make, of_kind, plan, provision, restart, run

from celltrail_protocol import cbor, codes, frames, smp
from celltrail_protocol.seals import commitment, live_mac

# The firmware is compiled from source here, which takes room that a board keeps for its work.

MINUTE = 60000
MARK = {"kind": 3, "outcome": 1, "op": "AB", "place": "DUS", "note": "ok"}


def rc(answer):
    return answer["err"]["rc"]


def open_mark(host, **changes):
    request = dict(MARK)
    request.update(changes)
    return host.ask(smp.GROUP_CELLTRAIL, smp.CMD_MARK, smp.OP_WRITE, request)


def stopped():
    app, host = make()
    arm(host, plan())
    run(app, 3 * MINUTE)
    host.prove(smp.CMD_STOP, {"op": "AB"})
    return app, host


def test_status_of_a_new_logger():
    _, host = make()
    status = host.read(smp.CMD_STATUS)
    assert (status["state"], status["trip"], status["keyed"], status["unread"]) == (0, 0, False, False)
    assert (status["sectors"], status["first"], status["used"], status["free"]) == (0, 0, 0, 4)
    assert status["last"] == [None]
    assert "world" not in status


def test_status_of_a_running_trip():
    board = Board(scripts=[lambda tick: 640, lambda tick: None])
    board.world_utc_ms = lambda: 1700000000123
    app, host = make(board)
    arm(host, plan(period_ms=30000))
    run(app, 10 * MINUTE)
    status = host.read(smp.CMD_STATUS)
    assert (status["state"], status["trip"], status["boot"], status["keyed"]) == (2, 1, 1, True)
    assert (status["period"], status["slot"], status["last"]) == (30000, 21, [640, None])
    assert (status["sectors"], status["first"], status["used"]) == (1, 0, app.trip.ring.used())
    assert (status["name"], status["clock"], status["unread"]) == ("CT-000001", True, True)
    assert status["world"] == 1700000000123
    assert (status["models"], status["steps"], status["accel"]) == ([1, 1], [7812500] * 2, 0)


def test_provision_once_and_openly():
    app, host = make()
    assert rc(host.prove(smp.CMD_STOP, {"op": ""})) == smp.ERR_NO_KEY
    for bad in ({"name": "x", "key": bytes(31)}, {"name": "x" * 25, "key": KEY}, {"name": 5, "key": KEY}, {}):
        assert rc(host.ask(64, smp.CMD_PROVISION, smp.OP_WRITE, bad)) == smp.ERR_BAD_REQUEST
    assert provision(host) == {"uid": b"FAKE0001"}
    assert rc(provision(host)) == smp.ERR_NOT_PROVEN
    assert rc(host.prove(smp.CMD_PROVISION, {"name": "y", "key": bytes(32)})) == smp.ERR_KEY_SET
    app, host = restart(app)
    assert host.read(smp.CMD_STATUS)["name"] == "CT-000001"
    assert host.prove(smp.CMD_CLOCK, {"op": "", "tick": 0, "utc": 1, "unc": 1, "src": 1}) == {}


def test_arm_answers_what_the_receipt_needs():
    app, host = make()
    answer = arm(host, plan())
    assert answer["commit"] == commitment(bytes([7] * 32))
    assert answer["settings"] == app.trip.settings
    assert (answer["trip"], answer["tick"], answer["sequence"], answer["fw"]) == (1, 0, 1, bytes(32))


def test_arm_refuses_what_is_not_whole_and_changes_nothing():
    app, host = make()
    provision(host)
    bad = (
        {"k0": bytes(31)},
        {"k0": None},
        {"plan": b""},
        {"plan": bytes(481)},
        {"op": "A" * 13},
        {"op": 5},
        {"tick": 1},
        {"tick": True},
        {"utc": -1},
        {"utc": 1 << 48},
        {"unc": 1 << 32},
        {"src": 0},
        {"src": 3},
    )
    for change in bad:
        assert rc(arm(host, plan(), **change)) == smp.ERR_BAD_REQUEST
    for data in (b"\x00", b"\xa0", b"\xff", plan(period_ms=999), plan(v=2), plan() + b"\x00"):
        assert rc(arm(host, data)) == smp.ERR_PLAN
    for alarms in ([[1, 0, 0, 100, 0]], [[0, 0, 0, 19201, 0]], [[0, 0, 0, 100]]):
        assert rc(arm(host, plan(alarms=alarms))) == smp.ERR_PLAN
    assert app.state.state == codes.STATE_IDLE
    assert app.trip.ring.trip == 0
    assert arm(host, plan())["trip"] == 1
    assert rc(arm(host, plan())) == smp.ERR_STATE


def test_unread_data_is_not_overwritten():
    app, host = stopped()
    status = host.read(smp.CMD_STATUS)
    assert status["unread"]
    assert rc(arm(host, plan())) == smp.ERR_UNREAD
    assert rc(host.prove(smp.CMD_ERASE, {"op": "AB"})) == smp.ERR_UNREAD
    for discard in (1, "true", False):
        assert rc(arm(host, plan(), discard=discard)) == smp.ERR_UNREAD
    done = {"trip": 1, "index": status["sectors"] - 1, "used": status["used"]}
    assert host.prove(smp.CMD_ACKNOWLEDGE, done) == {}
    assert not host.read(smp.CMD_STATUS)["unread"]
    app, host = restart(app)
    assert not host.read(smp.CMD_STATUS)["unread"]
    assert arm(host, plan())["trip"] == 2
    assert host.read(smp.CMD_STATUS)["unread"]


def test_acknowledge_never_goes_back_nor_ahead():
    app, host = make()
    arm(host, plan(start=1))
    used = app.trip.ring.used()
    ahead = ({"index": 0, "used": used + 1}, {"index": 0, "used": 4096}, {"index": 1, "used": 0}, {"index": 0})
    for wrong in ahead:
        wrong["trip"] = 1
        assert rc(host.prove(smp.CMD_ACKNOWLEDGE, wrong)) == smp.ERR_BAD_REQUEST
    assert rc(host.prove(smp.CMD_ACKNOWLEDGE, {"trip": 2, "index": 0, "used": 64})) == smp.ERR_NO_TRIP
    assert host.prove(smp.CMD_ACKNOWLEDGE, {"trip": 1, "index": 0, "used": used}) == {}
    assert host.prove(smp.CMD_ACKNOWLEDGE, {"trip": 1, "index": 0, "used": 64}) == {}
    # The frame that says so is covered.
    assert app.trip.ring.used() > used
    assert (app.state.read_index, app.state.read_used) == (0, app.trip.ring.used())
    assert len(of_kind(app, frames.COMMAND)) == 2
    assert not host.read(smp.CMD_STATUS)["unread"]
    assert open_mark(host) == {"tick": 0}
    assert host.read(smp.CMD_STATUS)["unread"]


def test_commands_are_recorded_with_their_operator():
    app, host = make()
    arm(host, plan(start=1))
    host.prove(smp.CMD_START, {"op": "CD"})
    host.prove(smp.CMD_CLOCK, {"op": "EF", "tick": 0, "utc": 99, "unc": 1, "src": 2})
    host.prove(smp.CMD_STOP, {"op": "GH"})
    assert [(one[1], one[2]) for one in of_kind(app, frames.COMMAND)] == [
        (2, b"AB"),
        (3, b"CD"),
        (7, b"EF"),
        (4, b"GH"),
    ]
    assert of_kind(app, frames.CLOCK)[1] == (1, 0, 99, 1, 2)


def test_clock_of_an_idle_logger_is_kept():
    app, host = make()
    provision(host)
    assert host.prove(smp.CMD_CLOCK, {"op": "EF", "tick": 0, "utc": 99, "unc": 1, "src": 1}) == {}
    assert app.trip.clock == (0, 99)
    assert host.read(smp.CMD_STATUS)["clock"]


def test_state_decides():
    app, host = make()
    provision(host)
    for command in (smp.CMD_START, smp.CMD_STOP):
        assert rc(host.prove(command, {"op": ""})) == smp.ERR_STATE
    assert rc(open_mark(host)) == smp.ERR_STATE
    arm(host, plan())
    assert rc(host.prove(smp.CMD_ERASE, {"op": "", "discard": True})) == smp.ERR_STATE


def test_marks_say_who_proved_them():
    app, host = make()
    arm(host, plan())
    run(app, 1000)
    assert host.prove(smp.CMD_MARK, MARK) == {"tick": 1000}
    assert open_mark(host) == {"tick": 1000}
    marks = of_kind(app, frames.MARK)
    assert [one[3] for one in marks] == [frames.MARK_PROVEN, 0]
    assert marks[0][1:3] + marks[0][4:] == (3, 1, b"AB", b"DUS", b"ok")
    assert len(of_kind(app, frames.CHECKPOINT)) == 2


def test_marks_have_limits():
    app, host = make()
    arm(host, plan())
    assert open_mark(host, op="ä" * 6, place="x" * 16, note="y" * 80) == {"tick": 0}
    bad = ({"kind": 0}, {"kind": 13}, {"kind": "1"}, {"outcome": 3}, {"outcome": None}, {"op": "ä" * 7})
    for change in bad + ({"place": "x" * 17}, {"note": "y" * 81}, {"note": b"y"}):
        assert rc(open_mark(host, **change)) == smp.ERR_BAD_REQUEST
    assert len(of_kind(app, frames.MARK)) == 1


def test_open_marks_are_limited_in_rate_also_with_bad_ones_between():
    app, host = make()
    arm(host, plan())
    for _ in range(5):
        assert "tick" in open_mark(host)
    assert rc(open_mark(host)) == smp.ERR_TOO_SOON
    run(app, 9999)
    assert rc(open_mark(host)) == smp.ERR_TOO_SOON
    run(app, 25000)
    for _ in range(5):
        assert rc(open_mark(host, kind=99)) == smp.ERR_BAD_REQUEST
    # Two pauses have passed, and the half of a third counts on.
    assert "tick" in open_mark(host) and "tick" in open_mark(host)
    assert rc(open_mark(host)) == smp.ERR_TOO_SOON
    run(app, 30000)
    assert "tick" in open_mark(host)
    assert "tick" in host.prove(smp.CMD_MARK, MARK)


def test_open_marks_can_be_forbidden():
    app, host = make()
    arm(host, plan(marks_open=False))
    assert rc(open_mark(host)) == smp.ERR_NOT_PROVEN
    assert host.prove(smp.CMD_MARK, MARK) == {"tick": 0}


def test_nothing_else_is_done_without_a_proof():
    app, host = make()
    arm(host, plan())
    for command in (2, 3, 4, 6, 7, 8, 9, 10, 12, 13):
        assert rc(host.ask(64, command, smp.OP_WRITE, {"op": "X"})) == smp.ERR_NOT_PROVEN
    for command in (14, 255):
        assert "rc" in str(host.ask(64, command, smp.OP_WRITE, {"op": "X"}))
        assert rc(host.prove(command, {"op": "X"})) == smp.ERR_BAD_REQUEST


def test_wrong_key_costs_a_second_and_is_recorded_once():
    app, host = make()
    arm(host, plan())
    run(app, 1000)
    thief = Host(app, bytes(32))
    assert rc(thief.prove(smp.CMD_STOP, {"op": "X"})) == smp.ERR_NOT_PROVEN
    assert rc(thief.challenge()) == smp.ERR_TOO_SOON
    run(app, 2000)
    assert rc(thief.prove(smp.CMD_STOP, {"op": "X"})) == smp.ERR_NOT_PROVEN
    assert of_kind(app, frames.FAULT) == [(1000, codes.SOURCE_LINK, codes.FAULT_WRONG_KEY, 0)]
    run(app, 3000)
    assert host.prove(smp.CMD_STOP, {"op": "X"}) == {}


def test_replayed_command_is_refused():
    app, host = make()
    arm(host, plan())
    host.challenge()
    request = host.wrap(smp.CMD_MARK, MARK)
    assert "a" in host.ask(64, smp.CMD_MARK, smp.OP_WRITE, request)
    assert rc(host.ask(64, smp.CMD_MARK, smp.OP_WRITE, request)) == smp.ERR_STALE
    assert of_kind(app, frames.FAULT) == []
    assert len(of_kind(app, frames.MARK)) == 1


def test_proof_of_something_that_is_no_map():
    app, host = make()
    provision(host)
    for inner in (5, [], None, "x"):
        assert rc(host.prove(smp.CMD_STOP, inner)) == smp.ERR_BAD_REQUEST
    host.challenge()
    request = host.wrap(smp.CMD_STOP, {"op": ""})
    for change in ({"n": -1}, {"n": True}, {"n": 1 << 40}, {"m": bytes(31)}, {"a": "x"}, {"a": b""}):
        wrong = dict(request)
        wrong.update(change)
        assert rc(host.ask(64, smp.CMD_STOP, smp.OP_WRITE, wrong)) == smp.ERR_BAD_REQUEST


def test_stop_works_when_the_ring_is_full():
    app, host = make()
    arm(host, plan())
    run(app, MINUTE)
    ring = app.trip.ring
    while ring.room() > 0:
        ring.append(0x80, bytes(200), 0)
    assert rc(host.prove(smp.CMD_MARK, MARK)) == smp.ERR_STATE
    assert rc(open_mark(host)) == smp.ERR_STATE
    assert host.prove(smp.CMD_STOP, {"op": "AB"}) == {}
    assert of_kind(app, frames.STATE)[-1][1:3] == (codes.STATE_STOPPED, codes.REASON_COMMAND)


def test_live_proof():
    app, host = make()
    arm(host, plan())
    run(app, 5 * MINUTE)
    nonce = bytes(range(16))
    answer = host.read(smp.CMD_LIVE, {"nonce": nonce})
    ring, ratchet = app.trip.ring, app.trip.ratchet
    data = bytearray(answer["used"])
    ring.read_into(0, 0, data)
    pending = app.trip.recorder.journal.pending
    assert (answer["trip"], answer["epoch"], answer["index"]) == (1, ratchet.epoch, 0)
    assert (answer["pending"], answer["tick"]) == (len(pending), 5 * MINUTE) and len(pending) > 0
    assert answer["mac"] == live_mac(ratchet.key, nonce, 1, ratchet.epoch, 0, answer["used"], data, pending)
    assert rc(host.read(smp.CMD_LIVE, {"nonce": bytes(15)})) == smp.ERR_BAD_REQUEST
    host.prove(smp.CMD_STOP, {"op": ""})
    assert rc(host.read(smp.CMD_LIVE, {"nonce": nonce})) == smp.ERR_STATE


def test_identity_is_in_no_answer():
    app, host = make()
    arm(host, plan())
    for command in (smp.CMD_STATUS, smp.CMD_LIVE):
        assert KEY not in cbor.dumps(host.read(command, {"nonce": bytes(16)}))


def test_no_live_proof_between_two_sectors():
    app, host = make()
    arm(host, plan())
    run(app, MINUTE)
    app.trip.ring._sector.is_sealed = True
    assert host.read(smp.CMD_LIVE, {"nonce": bytes(16)})["err"]["rc"] == smp.ERR_TOO_SOON
