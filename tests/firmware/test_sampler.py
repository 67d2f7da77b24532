"""What a trip does by itself: each way to start and to end, sampling, alarms, faults, a failing accelerometer."""

from fakes import Board, Chip, arm, check_readings, frames_of, make, of_kind, plan, readings, restart, run

from celltrail_protocol import codes, frames, smp

MINUTE = 60000
SHOCK = [2000, 1000, 20, 16, 100, 5]


def started(app):
    """(tick, reason) of the state frame that began the logging, or None."""
    found = [(one[0], one[2]) for one in of_kind(app, frames.STATE) if one[1] == codes.STATE_LOGGING]
    return found[0] if found else None


def stopped(app):
    found = [(one[0], one[2]) for one in of_kind(app, frames.STATE) if one[1] == codes.STATE_STOPPED]
    return found[0] if found else None


def test_starts_at_once():
    app, host = make()
    arm(host, plan(start=codes.START_NOW))
    run(app, 1)
    assert started(app) == (0, codes.REASON_COMMAND)


def test_starts_by_command_only():
    app, host = make()
    arm(host, plan(start=codes.START_COMMAND))
    run(app, 60 * MINUTE)
    assert started(app) is None
    assert host.prove(smp.CMD_START, {"op": "X"}) == {}
    run(app, 61 * MINUTE)
    assert started(app) == (60 * MINUTE, codes.REASON_COMMAND)
    assert host.prove(smp.CMD_START, {"op": "X"})["err"]["rc"] == smp.ERR_STATE


def test_starts_after_a_delay():
    app, host = make()
    arm(host, plan(start=codes.START_DELAY, delay_s=90))
    run(app, 89999)
    assert started(app) is None
    run(app, 95000)
    assert started(app) == (90000, codes.REASON_DELAY)


def test_delay_counts_anew_after_a_restart():
    app, host = make()
    arm(host, plan(start=codes.START_DELAY, delay_s=90))
    run(app, 80000)
    app, host = restart(app)
    run(app, 120000)
    assert started(app) == (100000, codes.REASON_DELAY)


def test_starts_at_a_temperature_at_or_beyond():
    for side, before, at in ((0, 499, 500), (1, 501, 500)):
        app, host = make(Board(scripts=[lambda tick, before=before, at=at: at if tick >= 5 * MINUTE else before]))
        arm(host, plan(start=codes.START_TEMPERATURE, start_at=[0, side, 500]))
        run(app, 4 * MINUTE)
        # Woken in between, by a host say, it looks no more often than once a period.
        for tick_ms in range(4 * MINUTE, 10 * MINUTE, 7000):
            run(app, tick_ms)
        assert started(app) == (5 * MINUTE, codes.REASON_TEMPERATURE)
        assert app.board.thermometers[0].reads < 12


def test_starts_at_a_temperature_also_when_it_wakes_late():
    app, host = make(Board(scripts=[lambda tick: 500 if tick > MINUTE else None]))
    arm(host, plan(start=codes.START_TEMPERATURE, start_at=[0, 0, 500]))
    run(app, 1)
    for tick_ms in range(MINUTE + 3, 4 * MINUTE, MINUTE + 3):
        app.board.tick_ms = tick_ms
        app.step()
    assert started(app) == (MINUTE + 3, codes.REASON_TEMPERATURE)


def slow_board():
    """A board whose thermometer takes 750 ms, and reads the tick in tenths of a second."""
    board = Board(scripts=[lambda tick: tick // 100 % 30000])
    board.thermometers[0].lead_ms = 750
    return board


def test_slow_conversion_is_begun_before_its_slot():
    app, host = make(slow_board())
    arm(host, plan())
    run(app, 10 * MINUTE)
    assert app.board.tick_ms == 10 * MINUTE
    host.prove(smp.CMD_STOP, {"op": "X"})
    found = [value for _, value in sorted(readings(app).items())]
    # The first can't be begun ahead: it is waited for.
    assert found[0] == 0
    assert found[1:] == [(slot * MINUTE - 850) // 100 for slot in range(1, 11)]


def test_conversion_for_which_it_is_too_late_is_waited_for():
    for late_ms, expected_ms in ((0, -850), (100, -750), (101, 0), (800, 0)):
        app, host = make(slow_board())
        arm(host, plan())
        run(app, MINUTE)
        # A sector is sealed or erased meanwhile.
        app.board.tick_ms = 2 * MINUTE - 850 + late_ms
        run(app, 2 * MINUTE + 1000)
        host.prove(smp.CMD_STOP, {"op": "X"})
        assert readings(app)[2] == (2 * MINUTE + expected_ms) // 100, late_ms


def test_conversion_of_a_slot_that_was_missed_is_not_the_reading_of_a_later_one():
    app, host = make(slow_board())
    arm(host, plan())
    run(app, 5 * MINUTE - 700)
    assert app.board.thermometers[0].begun
    app.board.tick_ms = 8 * MINUTE + 5000
    run(app, 9 * MINUTE)
    host.prove(smp.CMD_STOP, {"op": "X"})
    found = readings(app)
    assert 5 not in found and 7 not in found
    assert found[8] == (8 * MINUTE + 5000) // 100


def test_ends_after_the_duration():
    app, host = make()
    arm(host, plan(duration_s=600))
    run(app, 20 * MINUTE)
    assert stopped(app) == (10 * MINUTE, codes.REASON_DURATION)
    assert sorted(readings(app)) == list(range(11))


def test_ends_after_a_duration_between_two_slots():
    app, host = make()
    arm(host, plan(duration_s=90))
    run(app, 20 * MINUTE)
    assert stopped(app) == (90000, codes.REASON_DURATION)
    assert sorted(readings(app)) == [0, 1]


def test_duration_leaves_out_the_time_without_power():
    app, host = make()
    arm(host, plan(duration_s=600))
    run(app, 4 * MINUTE)
    app, host = restart(app)
    run(app, 30 * MINUTE)
    # Slots 0 to 4 before; slot 5 ten seconds after the restart; slot 10 ends it.
    assert stopped(app) == (5 * MINUTE + 10000, codes.REASON_DURATION)
    assert sorted(readings(app)) == list(range(11))


def noise(tick):
    return tick // 1000 * 7919 % 5000


def test_ends_when_the_ring_is_full_and_loses_nothing():
    app, host = make(Board(scripts=[noise]))
    arm(host, plan(period_ms=1000))
    run(app, 3 * 3600000)
    tick_ms, reason = stopped(app)
    assert reason == codes.REASON_FULL
    assert check_readings(app, lambda slot: noise(slot * 1000)) == (0, tick_ms // 1000)
    assert host.read(smp.CMD_STATUS)["free"] == 0
    assert app.trip.ratchet.key is None


def test_full_ring_has_room_for_the_worst_that_is_pending():
    app, host = make(Board(scripts=[lambda tick: (tick // 1000) ** 2 * 7919 % 65521 - 32760] * 4))
    arm(host, plan(period_ms=1000))
    run(app, 3600000)
    tick_ms, reason = stopped(app)
    assert reason == codes.REASON_FULL
    assert app.trip.recorder.packed == [tick_ms // 1000] * 4
    assert app.trip.recorder.journal.count == 0


def test_wraps_when_it_may():
    app, host = make(Board(scripts=[noise]))
    arm(host, plan(period_ms=1000, wrap=True))
    run(app, 3 * 3600000)
    assert app.state.state == codes.STATE_LOGGING
    first = app.trip.ring.places.first_index()
    assert first > 0
    host.prove(smp.CMD_STOP, {"op": ""})
    oldest, newest = check_readings(app, lambda slot: noise(slot * 1000))
    assert oldest > 0 and newest == 3 * 3600


def test_fault_frame_when_a_channel_begins_to_fail():
    app, host = make(Board(scripts=[lambda tick: 640, lambda tick: None if 3 * MINUTE <= tick < 6 * MINUTE else 5]))
    arm(host, plan())
    run(app, 10 * MINUTE)
    host.prove(smp.CMD_STOP, {"op": ""})
    assert of_kind(app, frames.FAULT) == [(3 * MINUTE, 1, codes.FAULT_ABSENT, 0)]
    assert of_kind(app, frames.MISSING) == [(1, 3, 3, codes.FAULT_ABSENT)]
    assert sorted(readings(app, 0)) == list(range(11))
    assert sorted(readings(app, 1)) == [0, 1, 2, 6, 7, 8, 9, 10]


def test_alarm_is_recorded_once_with_a_checkpoint():
    app, host = make(Board(scripts=[lambda tick: 700 if tick >= 2 * MINUTE else 600]))
    rules = [[0, codes.ALARM_HIGH, codes.ALARM_SINGLE, 700, 60], [0, codes.ALARM_HIGH, codes.ALARM_SINGLE, 650, 0]]
    arm(host, plan(alarms=rules))
    run(app, 5 * MINUTE)
    assert of_kind(app, frames.ALARM) == [(2 * MINUTE, 1, 0, 700, 2), (3 * MINUTE, 0, 0, 700, 3)]
    kinds = [kind for kind, _ in frames_of(app)]
    at = kinds.index(frames.ALARM)
    assert kinds[at : at + 3] == [frames.ALARM, frames.READINGS, frames.CHECKPOINT]
    app, host = restart(app)
    run(app, 5 * MINUTE)
    assert len(of_kind(app, frames.ALARM)) == 2
    assert host.read(smp.CMD_STATUS)["alarms"] == 3


def test_alarm_that_power_cut_short_is_raised_again():
    app, host = make(Board(scripts=[lambda tick: 700]))
    arm(host, plan(alarms=[[0, codes.ALARM_HIGH, codes.ALARM_SINGLE, 700, 0]]))
    saved = app.state.save
    app.trip.alarm = lambda raised, slot, now_ms: None
    run(app, 1)
    app.state.save = saved
    assert of_kind(app, frames.ALARM) == []
    app, host = restart(app)
    run(app, 20000)
    assert len(of_kind(app, frames.ALARM)) == 1


def test_accelerometer_that_is_absent_is_a_fault_and_no_crash():
    chip = Chip()
    chip.fault = codes.FAULT_ABSENT
    for board in (Board(chip=None), Board(chip=chip)):
        app, host = make(board)
        arm(host, plan(shock=SHOCK), discard=True)
        run(app, 30 * MINUTE)
        assert of_kind(app, frames.FAULT) == [(0, codes.SOURCE_ACCELEROMETER, codes.FAULT_ABSENT, 0)]
        host.prove(smp.CMD_STOP, {"op": ""})
        assert app.state.state == codes.STATE_STOPPED


def test_accelerometer_that_dies_is_noticed_and_started_again():
    app, host = make(Board(chip=Chip()))
    chip = app.board.accelerometer
    arm(host, plan(shock=SHOCK))
    run(app, 2 * MINUTE)
    assert chip.starts == 1
    chip.fault = codes.FAULT_NOT_READY
    run(app, 5 * MINUTE)
    assert of_kind(app, frames.FAULT) == [(3 * MINUTE, codes.SOURCE_ACCELEROMETER, codes.FAULT_NOT_READY, 0)]
    chip.fault = 0
    run(app, 7 * MINUTE)
    assert chip.starts == 2
    chip.samples = [(0, 0, 10)] * 80 + [(40, 0, 10)] * 6 + [(0, 0, 10)] * 64
    run(app, 8 * MINUTE)
    assert len(of_kind(app, frames.SHOCK)) == 1


def test_accelerometer_that_stays_broken_is_told_once_a_checkpoint():
    app, host = make()
    arm(host, plan(shock=SHOCK, checkpoint_s=3600))
    run(app, 150 * MINUTE)
    assert [one[0] for one in of_kind(app, frames.FAULT)] == [0, 60 * MINUTE, 120 * MINUTE]


def test_next_trip_has_shock_settings_of_its_own():
    app, host = make(Board(chip=Chip()))
    arm(host, plan(shock=SHOCK))
    run(app, 2 * MINUTE)
    host.prove(smp.CMD_STOP, {"op": ""})
    arm(host, plan(shock=[9000, 1000, 20, 16, 100, 5]), discard=True)
    run(app, 4 * MINUTE)
    app.board.accelerometer.samples = [(0, 0, 10)] * 80 + [(40, 0, 10)] * 6 + [(0, 0, 10)] * 64
    run(app, 5 * MINUTE)
    assert of_kind(app, frames.SHOCK) == []
    assert app.board.accelerometer.starts == 2
