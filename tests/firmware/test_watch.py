"""The watch over the accelerometer: when it looks, what a shock's frames say, and that its waveform comes back."""

from fakes import Board, Chip, arm, frames_of, make, of_kind, plan, restart, run

from celltrail_protocol import codes, frames, series, smp

# The helper `wave` decodes windows into lists, which a board never does.
# heapsize: 384k

SHOCK = [2000, 1000, 20, 16, 100, 2]
REST = (1, -1, 10)


def logging(settings=SHOCK, **more):
    app, host = make(Board(chip=Chip()))
    arm(host, plan(shock=settings, period_ms=3600000, **more))
    run(app, 1000)
    return app, host


def hit(app, until_ms, before=80, peak=40, length=6):
    """Hand over a shock that ends with 64 quiet samples."""
    samples = [REST] * before + [(peak, i, 10 - i) for i in range(length)] + [REST] * 64
    app.board.accelerometer.samples = list(samples)
    run(app, until_ms)
    return samples


def wave(app, event):
    """The three series of a stored waveform."""
    found = [[], [], []]
    for number, axis, first, count, data in of_kind(app, frames.WAVE):
        if number == event:
            assert first == len(found[axis])
            found[axis].extend(series.decode(data, count, series.BLOCK_WAVE))
    return found


def test_shock_frame_says_when_and_how():
    app, _ = logging()
    samples = hit(app, 2000)
    (shock,) = of_kind(app, frames.SHOCK)
    assert shock[:2] == (0, 1000 - 45) and shock[2] == 0 or shock[1] * 1000 + shock[2] == 1000000 - 70 * 625
    assert shock[3] == 1600000
    assert shock[4:7] == ((1, -1, 10), (40, 5, 5), (39 * 6, 21, -15))
    assert shock[7:9] == (6, 6)
    assert shock[9] == frames.SHOCK_WAVE
    assert shock[10:] == (16 + 6 + 32, 16)
    window = samples[80 - 16 : 80 + 6 + 32]
    assert wave(app, 0) == [[one[axis] for one in window] for axis in range(3)]


def test_noise_does_not_fit_a_frame_at_once():
    app, _ = logging([2000, 1000, 20, 64, 300, 2])
    noise = [(i * 7919 % 3000 - 1500, i * 104729 % 3000 - 1500, i * 31 % 3000 - 1500) for i in range(150)]
    samples = [REST] * 64 + noise + [REST] * 80
    # The chip hands over what it has in pieces, as time passes.
    app.board.accelerometer.samples = list(samples)
    run(app, 3000)
    shock = of_kind(app, frames.SHOCK)[0]
    assert shock[10] == len(wave(app, 0)[0])
    first = 64 - shock[11]
    for axis in range(3):
        assert wave(app, 0)[axis] == [one[axis] for one in samples[first : first + shock[10]]]


def test_waveforms_for_the_first_events_only():
    app, _ = logging()
    for i in range(4):
        hit(app, 2000 + 1000 * i)
    shocks = of_kind(app, frames.SHOCK)
    assert [one[0] for one in shocks] == [0, 1, 2, 3]
    assert [one[9] & frames.SHOCK_WAVE for one in shocks] == [8, 8, 0, 0]
    assert [one[10:] for one in shocks[2:]] == [(0, 0)] * 2
    assert wave(app, 2) == [[], [], []]


def test_no_waveform_when_the_ring_is_nearly_full():
    app, _ = logging()
    app.trip.ring.kept = app.trip.ring.room() - 1000
    hit(app, 2000)
    (shock,) = of_kind(app, frames.SHOCK)
    assert (shock[9], shock[10]) == (0, 0)


def test_ring_that_is_full_ends_the_trip_and_not_the_program():
    app, _ = logging()
    ring = app.trip.ring
    while ring.room() > 40:
        ring.append(0x80, bytes(200 if ring.room() > 500 else 10), 0)
    chip = app.board.accelerometer
    chip.samples = [REST] * 40 + ([(40, 0, 10)] * 6 + [REST] * 40) * 2
    run(app, 2000)
    assert len(of_kind(app, frames.SHOCK)) == 1
    assert app.state.state == codes.STATE_STOPPED
    assert app.state.reason == codes.REASON_FULL


def test_overrun_before_waking_is_no_loss_and_later_it_is():
    app, _ = logging()
    chip = app.board.accelerometer
    chip.overrun = True
    hit(app, 2000)
    assert of_kind(app, frames.SHOCK)[0][9] & frames.SHOCK_LOST == 0
    chip.samples = [REST] * 150 + [(40, 0, 10)] * 20
    app.step()
    chip.overrun = True
    chip.samples += [REST] * 80
    run(app, 4000)
    assert of_kind(app, frames.SHOCK)[1][9] & frames.SHOCK_LOST


def test_sleeps_when_it_is_calm():
    app, _ = logging()
    assert not app._sampler.awake()
    app.board.accelerometer.samples = [REST] * 10
    app.step()
    assert app._sampler.awake()
    run(app, 2000)
    # Ten samples are no 20 ms of quiet: it goes on looking.
    assert app._sampler.awake()
    app.board.accelerometer.samples = [REST] * 40
    run(app, 3000)
    assert not app._sampler.awake()


def test_the_last_event_number_stays_and_has_no_waveform():
    app, _ = logging([2000, 1000, 20, 16, 100, 65535])
    app.trip.ring.events = 65534
    for i in range(3):
        hit(app, 2000 + 1000 * i)
    shocks = of_kind(app, frames.SHOCK)
    assert [shock[0] for shock in shocks] == [65534, 65535, 65535]
    assert [bool(shock[9] & frames.SHOCK_WAVE) for shock in shocks] == [True, False, False]
    app, _ = restart(app)
    run(app, 12000)
    assert app.trip.ring.events == 65535


def test_events_go_on_after_a_restart():
    from fakes import restart

    app, _ = logging()
    hit(app, 2000)
    app, _ = restart(app)
    run(app, 15000)
    hit(app, 16000)
    assert [one[0] for one in of_kind(app, frames.SHOCK)] == [0, 1]


def test_time_is_that_of_the_fifo_not_of_the_last_wake():
    app, host = logging()
    board = app.board
    board.accelerometer.samples = [REST] * 80 + [(40, 0, 10)] * 6 + [REST] * 64
    served = app.link.poll

    def slow():
        # Serving a host took two seconds.
        board.tick_ms += 2000
        return served()

    app.link.poll = slow
    app.step()
    (shock,) = of_kind(app, frames.SHOCK)
    assert shock[1] * 1000 + shock[2] == 3000000 - 70 * 625


def test_no_erase_while_a_shock_may_be_under_way():
    app, host = make(Board(chip=Chip()))
    arm(host, plan(shock=SHOCK))
    app.step()
    assert app.trip.ring.places.untidy()
    chip = app.board.accelerometer
    chip.samples = [REST] * 80 + [(40, 0, 10)] * 90
    app.step()
    erases = app.board.flash.erases
    app.step()
    app.step()
    assert app.board.flash.erases == erases
    chip.samples = [REST] * 80
    run(app, 1000)
    assert app.board.flash.erases > erases
    assert smp.CMD_ARM in [one[1] for one in of_kind(app, frames.COMMAND)]
    assert frames.SHOCK in [kind for kind, _ in frames_of(app)]
