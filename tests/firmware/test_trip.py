"""A trip from arming to stop on a fake board: what its frames say, and what a restart goes on with."""

from fakes import Board, arm, frames_of, image_of, make, of_kind, plan, readings, restart, run

from celltrail_protocol import codes, frames, smp
from celltrail_protocol.records import NO_SLOT

MINUTE = 60000


def test_arming_writes_plan_settings_commands_state_clock():
    app, host = make()
    data = plan(start=1)
    answer = arm(host, data)
    assert answer["trip"] == 1 and answer["sequence"] == 1
    found = frames_of(app)
    assert [kind for kind, _ in found] == [1, 5, 7, 6, 4, 2]
    assert found[0][1][:2] == (1, 1) and found[0][1][6] == NO_SLOT
    assert found[1][1] == (0, 1, data)
    assert found[2][1][3] == smp.CMD_PROVISION
    assert found[3][1] == (0, smp.CMD_ARM, b"AB", 0, 0)
    assert found[4][1] == (0, codes.STATE_ARMED, codes.REASON_COMMAND, NO_SLOT, 0, 3900)
    assert found[5][1] == (1, 0, 1700000000000, 5, codes.CLOCK_HOST)


def test_readings_are_where_the_schedule_says():
    app, host = make(Board(scripts=[lambda tick: tick // MINUTE]))
    arm(host, plan())
    run(app, 200 * MINUTE)
    host.prove(smp.CMD_STOP, {"op": "AB"})
    found = readings(app)
    assert sorted(found) == list(range(201))
    assert all([found[slot] == slot for slot in found])
    state = of_kind(app, frames.STATE)
    assert [one[1] for one in state] == [codes.STATE_ARMED, codes.STATE_LOGGING, codes.STATE_STOPPED]
    assert state[1][3:5] == (0, 0)
    assert app.trip.ratchet.key is None


def test_a_missed_slot_is_a_gap_and_nothing_shifts():
    app, host = make(Board(scripts=[lambda tick: tick // MINUTE]))
    arm(host, plan())
    run(app, 3 * MINUTE)
    app.board.tick_ms = 6 * MINUTE + 30000
    run(app, 8 * MINUTE)
    host.prove(smp.CMD_STOP, {"op": "AB"})
    assert of_kind(app, frames.GAP) == [(4, 2, codes.GAP_LATE)]
    assert sorted(readings(app)) == [0, 1, 2, 3, 6, 7, 8]
    assert readings(app)[6] == 6


def test_slots_missed_before_a_stop_are_a_gap():
    app, host = make()
    arm(host, plan())
    run(app, 3 * MINUTE)
    app.board.tick_ms = 6 * MINUTE
    host.prove(smp.CMD_STOP, {"op": "AB"})
    assert of_kind(app, frames.GAP) == [(4, 2, codes.GAP_LATE)]


def test_restart_goes_on_with_a_boot_frame_after_ten_seconds():
    app, host = make(Board(scripts=[lambda tick: tick // MINUTE]))
    arm(host, plan())
    run(app, 5 * MINUTE)
    app, host = restart(app, [lambda tick: 700])
    image = image_of(app.board.flash)
    run(app, 9999)
    assert image_of(app.board.flash) == image
    assert of_kind(app, frames.BOOT) == []
    run(app, 10000 + 2 * MINUTE)
    assert of_kind(app, frames.BOOT) == [(2, codes.RESET_POWER_ON, 10000, 6, 10000, 3900)]
    host.prove(smp.CMD_STOP, {"op": "AB"})
    found = readings(app)
    assert [found[slot] for slot in sorted(found)] == [0, 1, 2, 3, 4, 5, 700, 700, 700]
    assert app.trip.state.boot == 2


def test_brown_out_loop_closes_no_more_than_the_sector_and_erases_nothing():
    app, host = make()
    arm(host, plan())
    run(app, 5 * MINUTE)
    flash = app.board.flash
    app, _ = restart(app)
    run(app, 9000)
    erases, used = flash.erases, app.trip.ring.used()
    images = []
    # A sector of keys has 80 slots.
    for _ in range(90):
        app, _ = restart(app)
        run(app, 9000)
        images.append(image_of(flash))
    assert images[0] != images[1]
    assert images[-1] == images[-5]
    assert flash.erases == erases
    assert (app.trip.ring.index, app.trip.ring.used()) == (0, used)
    assert flash.violations == 0


def test_event_in_the_first_ten_seconds_brings_the_boot_frame_before_it():
    app, host = make()
    arm(host, plan())
    run(app, 5 * MINUTE)
    app, host = restart(app)
    app.board.tick_ms = 2000
    host.prove(smp.CMD_MARK, {"kind": 1, "outcome": 0, "op": "", "place": "", "note": ""})
    kinds = [kind for kind, _ in frames_of(app)]
    assert kinds[-4:] == [frames.READINGS, frames.BOOT, frames.MARK, frames.CHECKPOINT]


def test_boot_count_wraps():
    app, host = make()
    arm(host, plan())
    run(app, MINUTE)
    app.state.boot = 65535
    app.state.save()
    app, host = restart(app)
    run(app, 20000)
    assert of_kind(app, frames.BOOT)[0][0] == 0


def test_clock_of_this_boot_only():
    app, host = make()
    arm(host, plan())
    assert app.trip.clock == (0, 1700000000000)
    app, host = restart(app)
    assert app.trip.clock is None


def test_trips_and_sequences_are_never_given_twice():
    app, host = make()
    for trip in range(1, 4):
        answer = arm(host, plan(), discard=True)
        assert (answer["trip"], answer["sequence"]) == (trip, trip)
        run(app, 1)
        host.prove(smp.CMD_STOP, {"op": ""})
        if trip == 2:
            assert host.prove(smp.CMD_ERASE, {"op": "", "discard": True}) == {}
            while app.trip.ring.places.untidy():
                app.step()
            # Not even when nothing of the ring is left.
            for sector in range(6, 10):
                app.board.flash.erase(sector)
        app, host = restart(app)


def test_erased_trip_is_gone_and_its_alarms_with_it():
    app, host = make()
    arm(host, plan(alarms=[[0, 0, 0, 100, 0]]))
    run(app, MINUTE)
    host.prove(smp.CMD_STOP, {"op": ""})
    assert app.trip.alarms.raised == 1
    host.prove(smp.CMD_ERASE, {"op": "", "discard": True})
    for _ in range(2):
        status = host.read(smp.CMD_STATUS)
        assert (status["state"], status["reason"], status["trip"]) == (codes.STATE_IDLE, codes.REASON_ERASE, 0)
        assert (status["alarms"], status["sectors"], status["unread"]) == (0, 0, False)
        app, host = restart(app)


def test_checkpoints_in_time_also_while_armed():
    app, host = make()
    arm(host, plan(start=1, checkpoint_s=600))
    run(app, 30 * MINUTE)
    assert [one[1] for one in of_kind(app, frames.CHECKPOINT)] == [600000, 1200000, 1800000]
    host.prove(smp.CMD_START, {"op": ""})
    run(app, 55 * MINUTE)
    assert [one[0] for one in of_kind(app, frames.CHECKPOINT)] == [0, 1, 2, 3, 4]


def test_flash_failures_are_told_at_the_next_checkpoint():
    app, host = make()
    arm(host, plan(checkpoint_s=600))
    run(app, 5 * MINUTE)
    app.area.failure = (codes.FAULT_FLASH_PROGRAM, 0x6100)
    run(app, 25 * MINUTE)
    assert of_kind(app, frames.FAULT) == [(600000, codes.SOURCE_FLASH, codes.FAULT_FLASH_PROGRAM, 0x6100)]


def test_last_words_only_when_the_logger_ran_for_a_while():
    app, host = make()
    app.last_words()
    arm(host, plan())
    run(app, MINUTE)
    app.last_words()
    assert len(of_kind(app, frames.FAULT)) == 1
    app, host = restart(app)
    app.last_words()
    assert len(of_kind(app, frames.FAULT)) == 1
    assert of_kind(app, frames.BOOT) == []


def test_arming_that_the_flash_refuses_leaves_no_trip():
    app, host = make()
    arm(host, plan())
    run(app, MINUTE)
    host.prove(smp.CMD_STOP, {"op": ""})
    program = app.board.flash.program

    def refuse_keys(addr, data):
        if not 8192 <= addr < 16384:
            program(addr, data)

    app.board.flash.program = refuse_keys
    assert arm(host, plan(), discard=True)["err"]["rc"] == smp.ERR_STATE
    status = host.read(smp.CMD_STATUS)
    assert (status["state"], status["trip"]) == (codes.STATE_IDLE, 0)
    app.board.flash.program = program
    assert arm(host, plan(), discard=True)["trip"] == 2
