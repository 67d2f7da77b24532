"""A whole trip under power cuts: armed or not, stopped or not, and never a reading lost or a number given twice."""

from fake_flash import SECTORS
from fakes import Board, arm, check_readings, make, plan, run
from faulty_flash import cut_everywhere

from celltrail_protocol import codes, smp

# The firmware is compiled from source here, which takes room that a board keeps for its work.

MINUTE = 60000


def value(tick):
    return tick // MINUTE


def stopped_trip(flash):
    app, host = make(Board(flash, [value]))
    arm(host, plan())
    run(app, 3 * MINUTE)
    host.prove(smp.CMD_STOP, {"op": ""})
    return app, host


def test_power_cuts_while_a_trip_is_armed():
    def arm_next(made, done):
        _, host = made
        done.append(arm(host, plan(start=codes.START_COMMAND), discard=True)["trip"])

    def armed_or_as_before(flash, done, cut):
        app, host = make(Board(flash, [value]))
        status = host.read(smp.CMD_STATUS)
        if status["state"] == codes.STATE_ARMED:
            assert status["trip"] == 2
            assert app.trip.plan["start"] == codes.START_COMMAND
            assert host.prove(smp.CMD_STOP, {"op": ""}) == {}
        else:
            # The trip before is there as if nothing had happened.
            assert not done
            assert (status["state"], status["trip"]) == (codes.STATE_STOPPED, 1)
            assert check_readings(app, lambda slot: slot) == (0, 3)
        trips = [app.trip.ring.newest_trip, app.trip.ratchet.trip]
        answer = arm(host, plan(), discard=True)
        assert answer["trip"] > max(trips)
        assert app.trip.ring.sequence > status["sectors"]
        run(app, app.board.tick_ms + MINUTE)
        assert app.state.state == codes.STATE_LOGGING
        assert flash.model.violations == 0

    assert cut_everywhere(SECTORS, stopped_trip, arm_next, armed_or_as_before) > 30


def logging_trip(flash):
    app, host = make(Board(flash, [value]))
    arm(host, plan())
    run(app, 3 * MINUTE)
    return app, host


def test_power_cuts_while_a_trip_is_stopped():
    def stop(made, done):
        _, host = made
        done.append(host.prove(smp.CMD_STOP, {"op": ""}))

    def stopped_or_logging(flash, done, cut):
        app, host = make(Board(flash, [lambda tick: 4]))
        if app.state.state == codes.STATE_LOGGING:
            assert not done
            run(app, 10000)
            host.prove(smp.CMD_STOP, {"op": ""})
            assert check_readings(app, lambda slot: slot) == (0, 4)
        else:
            assert app.state.state == codes.STATE_STOPPED
            assert app.state.reason == codes.REASON_COMMAND
            assert check_readings(app, lambda slot: slot) == (0, 3)
        assert app.trip.ratchet.key is None
        app, host = make(Board(flash, [value]))
        assert app.state.state == codes.STATE_STOPPED

    assert cut_everywhere(SECTORS, logging_trip, stop, stopped_or_logging) > 20


def test_power_cuts_after_a_restart():
    def restarted(flash):
        logging_trip(flash)
        return make(Board(flash, [lambda tick: 4 + (tick - 10000) // MINUTE]))

    def go_on(made, done):
        app, _ = made
        run(app, 10000 + MINUTE)
        done.append(5)

    def all_are_there(flash, done, cut):
        app, host = make(Board(flash, [lambda tick: 99]))
        run(app, 9000)
        host.prove(smp.CMD_STOP, {"op": ""})
        oldest, newest = check_readings(app, lambda slot: slot)
        assert oldest == 0
        assert newest == 5 if done else newest in (3, 4, 5)

    assert cut_everywhere(SECTORS, restarted, go_on, all_are_there) > 10
