"""A trip on a crystal that is not quite right, whose counter wraps all the time: no slot is late, early or lost."""

from crystal_board import Crystal, CrystalBoard, power_cut, run
from fakes import arm, check_readings, make, of_kind, plan

from celltrail_protocol import frames

HOUR_US = 3600000000
PERIOD_MS = 600000


def value_at(tick_ms):
    return 640 + tick_ms // PERIOD_MS % 50


def test_the_schedule_goes_on_where_the_counter_wraps():
    # 40 ppm fast by day and 30 by night; a wrap every 4 minutes, so that sleeps are cut, too.
    crystal = Crystal([(12 * 3600000 * i, 40000 if i % 2 else 30000) for i in range(6)])
    board = CrystalBoard(None, [value_at], crystal, period=1 << 18)
    app, host = make(board)
    arm(host, plan(period_ms=PERIOD_MS))
    run(app, 60 * HOUR_US)
    app.trip.recorder.pack(board.ticks_ms())
    assert board.wraps == crystal.ticks_ms(60 * HOUR_US) >> 18
    assert check_readings(app, lambda slot: value_at(slot * PERIOD_MS)) == (0, 360)
    assert of_kind(app, frames.GAP) == []


def test_ticks_begin_again_after_a_power_cut():
    board = CrystalBoard(None, [value_at], Crystal([(0, -50000)]), period=1 << 18)
    app, host = make(board)
    arm(host, plan(period_ms=PERIOD_MS))
    run(app, 10 * HOUR_US)
    app, host = power_cut(app, Crystal([(0, 50000)]), 3 * HOUR_US)
    assert app.board.ticks_ms() == 0
    run(app, 20 * HOUR_US)
    app.trip.recorder.pack(app.board.ticks_ms())
    (boot,) = of_kind(app, frames.BOOT)
    assert boot[2] == boot[4] == 10000
    assert app.trip.schedule.slot == boot[3] + 1 + (app.board.tick_ms - 10000) // PERIOD_MS


def test_a_crystal_counts_as_it_says():
    crystal = Crystal([(0, 50000), (1000, -50000)])
    assert crystal.ticks_ms(1000000) == 1000
    assert crystal.ticks_ms(1000 * HOUR_US) == 3600000000 - 180000 + 0
    for tick in (0, 1, 999, 1000, 123456789):
        at = crystal.true_us(tick)
        assert crystal.ticks_ms(at) == tick
        assert at == 0 or crystal.ticks_ms(at - 1) == tick - 1
