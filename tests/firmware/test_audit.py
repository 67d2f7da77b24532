"""Who changed what: in the record at once, or at the beginning of the next one."""

from fake_flash import SECTORS
from fakes import Board, arm, make, of_kind, plan, provision, restart
from faulty_flash import cut_everywhere

from celltrail_protocol import cbor, codes, frames, smp
from celltrail_protocol.records import STORE_EARLIER, STORE_IDENTITY

# The firmware is compiled from source here, which takes room that a board keeps for its work.

MINUTE = 60000
CLOCK = {"op": "EF", "tick": 0, "utc": 99, "unc": 7, "src": 1}


def rc(answer):
    return answer["err"]["rc"]


def earlier(app):
    """(command, operator, flags, detail, utc, trip) of each earlier command of the trip."""
    return [one[3:] for one in of_kind(app, frames.EARLIER)]


def commands(app):
    return [one[1:] for one in of_kind(app, frames.COMMAND)]


def stopped():
    app, host = make()
    arm(host, plan(start=1))
    host.prove(smp.CMD_STOP, {"op": "ST"})
    return app, host


def test_what_happens_before_the_first_trip_opens_its_record():
    app, host = make()
    provision(host)
    host.prove(smp.CMD_CLOCK, CLOCK)
    app, host = restart(app)
    host.prove(smp.CMD_RESET, {"op": "GH", "utc": 123})
    arm(host, plan())
    assert earlier(app) == [
        (smp.CMD_PROVISION, b"", frames.COMMAND_OPEN, 0, 0, 0),
        (smp.CMD_CLOCK, b"EF", 0, 7, 99, 0),
        (smp.CMD_RESET, b"GH", 0, 0, 123, 0),
    ]
    assert [one[:2] for one in of_kind(app, frames.EARLIER)] == [(0, 1), (0, 1), (0, 2)]
    assert commands(app) == [(smp.CMD_ARM, b"AB", 0, 0)]
    kinds = [kind for kind, _ in frames_in_order(app)]
    assert kinds == [frames.PLAN, frames.SETTINGS] + 3 * [frames.EARLIER] + [frames.COMMAND, frames.STATE, frames.CLOCK]


def frames_in_order(app):
    return list(app.trip.ring.frames_of(0))


def test_it_is_told_once():
    app, host = stopped()
    host.prove(smp.CMD_ERASE, {"op": "ER", "discard": True})
    arm(host, plan(start=1))
    assert earlier(app) == [(smp.CMD_ERASE, b"ER", frames.COMMAND_DISCARDED, 0, 0, 1)]
    host.prove(smp.CMD_STOP, {"op": "ST"})
    app, host = restart(app)
    arm(host, plan(), discard=True)
    assert earlier(app) == []
    assert commands(app) == [(smp.CMD_ARM, b"AB", frames.COMMAND_DISCARDED, 2)]


def test_read_out_of_a_stopped_trip_is_told_in_the_next_one():
    app, host = stopped()
    status = host.read(smp.CMD_STATUS)
    used = status["used"]
    assert host.prove(smp.CMD_ACKNOWLEDGE, {"trip": 1, "index": 0, "used": used, "op": "RD", "utc": 5}) == {}
    assert not host.read(smp.CMD_STATUS)["unread"]
    # Read again: nothing changes, nothing is told.
    assert host.prove(smp.CMD_ACKNOWLEDGE, {"trip": 1, "index": 0, "used": used, "op": "XX"}) == {}
    arm(host, plan())
    assert earlier(app) == [(smp.CMD_ACKNOWLEDGE, b"RD", 0, used, 5, 1)]
    assert commands(app) == [(smp.CMD_ARM, b"AB", 0, 0)]


def test_read_out_of_a_part_leaves_the_rest_unread():
    app, host = make()
    arm(host, plan(start=1))
    before = app.trip.ring.used()
    host.prove(smp.CMD_CLOCK, {"op": "EF", "tick": 0, "utc": 99, "unc": 1, "src": 1})
    assert host.prove(smp.CMD_ACKNOWLEDGE, {"trip": 1, "index": 0, "used": before, "op": "RD"}) == {}
    assert (app.state.read_index, app.state.read_used) == (0, before)
    assert host.read(smp.CMD_STATUS)["unread"]
    assert commands(app)[-1] == (smp.CMD_ACKNOWLEDGE, b"RD", 0, before)


def test_read_out_before_the_boot_frame_does_not_cover_it():
    app, host = make()
    arm(host, plan(start=1))
    app, host = restart(app)
    used = app.trip.ring.used()
    assert host.prove(smp.CMD_ACKNOWLEDGE, {"trip": 1, "index": 0, "used": used, "op": "RD"}) == {}
    assert len(of_kind(app, frames.BOOT)) == 1
    assert host.read(smp.CMD_STATUS)["unread"]


def test_read_out_is_told_where_its_frame_opens_the_next_sector():
    app, host = make()
    arm(host, plan(start=1))
    ring = app.trip.ring
    while ring.used() < 0xF80 - 20:
        ring.append(0x80, bytes(2), 0)
    used = ring.used()
    assert host.prove(smp.CMD_ACKNOWLEDGE, {"trip": 1, "index": 0, "used": used, "op": "ABCDEFGHIJKL"}) == {}
    assert ring.index == 1
    assert commands(app)[-1] == (smp.CMD_ACKNOWLEDGE, b"ABCDEFGHIJKL", 0, used)
    assert not host.read(smp.CMD_STATUS)["unread"]


def test_the_last_sixteen_wait_and_the_others_are_counted():
    app, host = make()
    provision(host)
    for number in range(30):
        assert host.prove(smp.CMD_CLOCK, {"op": "%d" % number, "tick": 0, "utc": number, "unc": 1, "src": 1}) == {}
        if number % 7 == 0:
            app, host = restart(app)
    arm(host, plan())
    found = of_kind(app, frames.EARLIER)
    assert [one[0] for one in found] == [15] + 15 * [0]
    assert [one[4] for one in found] == [b"%d" % number for number in range(14, 30)]
    assert host.prove(smp.CMD_STOP, {"op": ""}) == {}


def test_marks_and_refusals_leave_no_command():
    app, host = make()
    provision(host)
    assert rc(host.prove(smp.CMD_STOP, {"op": "AB"})) == smp.ERR_STATE
    assert rc(host.prove(smp.CMD_ERASE, {"op": "A" * 13})) == smp.ERR_BAD_REQUEST
    assert rc(host.prove(smp.CMD_RESET, {"op": "AB", "utc": -1})) == smp.ERR_BAD_REQUEST
    assert rc(host.prove(smp.CMD_PROVISION, {"name": "x", "key": bytes(32)})) == smp.ERR_KEY_SET
    arm(host, plan())
    assert [one[0] for one in earlier(app)] == [smp.CMD_PROVISION]


def test_power_cuts_lose_no_word_and_tell_none_twice():
    def waiting(flash):
        app, host = make(Board(flash))
        arm(host, plan(start=1))
        host.prove(smp.CMD_STOP, {"op": "ST"})
        host.prove(smp.CMD_ERASE, {"op": "ER", "discard": True})
        return app, host

    def arm_next(made, done):
        _, host = made
        done.append(arm(host, plan(start=codes.START_COMMAND))["trip"])

    def told_once(flash, done, cut):
        app, host = make(Board(flash))
        told = []
        if app.state.state == codes.STATE_ARMED:
            told += earlier(app)
            assert commands(app)[0][:2] == (smp.CMD_ARM, b"AB")
            host.prove(smp.CMD_STOP, {"op": ""})
        else:
            assert not done
        assert "trip" in arm(host, plan(), discard=True)
        told += earlier(app)
        assert told == [(smp.CMD_ERASE, b"ER", frames.COMMAND_DISCARDED, 0, 0, 1)]

    assert cut_everywhere(SECTORS, waiting, arm_next, told_once) > 20


def test_store_records_that_are_none_of_ours_count_as_none():
    for kind in (STORE_IDENTITY, STORE_EARLIER):
        for payload in (
            b"\xff",
            b"\x01\x00\x00\x00\xff",
            bytes(4) + b"\x05abc",
            bytes(40),
            b"\x80",
            cbor.dumps({"key": 1}),
        ):
            app, _ = make()
            assert app._store.put(kind, payload)
            app, host = restart(app)
            assert not host.read(smp.CMD_STATUS)["keyed"]
            assert "trip" in arm(host, plan())
            assert [one[0] for one in earlier(app)] == [smp.CMD_PROVISION]
