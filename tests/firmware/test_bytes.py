"""One scripted trip, byte for byte: both runtimes must leave the same flash.

The script has two channels, a sensor fault, alarms, marks, a missed slot, a shock with its waveform, a restart in the
middle, and a ring that wraps. GOLDEN is the SHA-256 of all that lies in the flash afterwards. Whoever changes what the
firmware writes, or when, sees it change, and puts the new value here on purpose.
"""

from fakes import Board, Chip, arm, image_of, make, plan, restart, run

from celltrail_protocol import codes, smp

GOLDEN = "484b2bfb985d88ad6c5b23870a3d9640128f9a47352549ea6cf82493fb07e0d7"
SECOND = 1000
MINUTE = 60 * SECOND


def warm(tick):
    """Noisy, and above 700 for a while."""
    return 640 + tick // SECOND * 7919 % 97 + (100 if 20 * MINUTE < tick < 26 * MINUTE else 0)


def flaky(tick):
    """Quiet, and gone for some minutes."""
    return None if 10 * MINUTE <= tick < 13 * MINUTE else -200 + tick // MINUTE % 3


def play():
    """Run the script; the app at its end."""
    app, host = make(Board(scripts=[warm, flaky], chip=Chip()))
    high = [0, codes.ALARM_HIGH, codes.ALARM_SINGLE, 740, 60]
    low = [1, codes.ALARM_LOW, codes.ALARM_CUMULATIVE, -200, 300]
    arm(host, plan(period_ms=2 * SECOND, wrap=True, alarms=[high, low], shock=[2000, 1000, 20, 16, 100, 2]))
    run(app, 15 * MINUTE)
    host.prove(smp.CMD_MARK, {"kind": 3, "outcome": 1, "op": "AB", "place": "DUS", "note": "cool room"})
    app.board.accelerometer.samples = (
        [(0, 0, 10)] * 90 + [(i * 37 % 60 - 30, i, 10 - 2 * i) for i in range(30)] + [(1, 0, 10)] * 70
    )
    run(app, 30 * MINUTE)
    app.board.tick_ms += 7 * SECOND
    run(app, 40 * MINUTE)
    app, host = restart(app)
    run(app, 240 * MINUTE)
    host.prove(smp.CMD_STOP, {"op": "AB"})
    return app


def test_flash_is_the_same_on_every_runtime():
    app = play()
    assert app.trip.ring.places.first_index() > 0
    assert app.trip.ring.events == 1
    assert app.trip.alarms.raised == 3
    assert app.board.flash.violations == 0
    assert image_of(app.board.flash) == GOLDEN
