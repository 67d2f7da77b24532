"""A read-out of 1.5 million readings, written by the firmware's own recorder and ring; kept for the next run."""

from pathlib import Path

import fakes
import numpy as np

from boards.models.nor_flash import NorFlash
from celltrail.evidence.trail import TrailParts, write_trail
from celltrail_protocol import smp
from celltrail_protocol.records import SECTOR_SIZE
from image import Image
from tests.bench.figures import say
from tests.bench.named_series import SAMPLES, shipper_C
from tests.bench.paths import FIRMWARE, PROTOCOL, WORK

READINGS = 1_500_000
K0 = fakes.K0
_SECTORS = 256
# At 60 s every four hours: as 2-8C checkpoints.
_SLOTS_A_CHECKPOINT = 240
_PERIOD_ms = 60_000
_NOISE_K = 0.004
_STEP_K = 1 / 128


def _readings() -> list[int]:
    """Passive shippers one after the other, in a TMP117's steps."""
    rng = np.random.default_rng(7)
    courses = [shipper_C(rng) for _ in range(-(-READINGS // SAMPLES))]
    celsius = np.concatenate(courses)[:READINGS] + rng.normal(0, _NOISE_K, READINGS)
    return np.floor(celsius / _STEP_K + 0.5).astype(np.int64).tolist()


def big_trail() -> Path:
    """The file; made anew when the firmware or the protocol has changed."""
    made_by = Image([str(FIRMWARE), str(PROTOCOL)]).hash().hex()[:16]
    path = WORK / f"big-{made_by}.trail"
    if not path.exists():
        say(f"  packing {READINGS:,} readings (once for each version of the firmware)")
        for old in WORK.glob("big-*.trail"):
            old.unlink()
        WORK.mkdir(parents=True, exist_ok=True)
        write_trail(path, _log())
    return path


def _log() -> TrailParts:
    app, host = fakes.make(fakes.Board(NorFlash(_SECTORS)))
    fakes.arm(host, fakes.plan())
    app.step()
    trip, values = app.trip, _readings()
    for slot, value in enumerate(values):
        tick_ms = slot * _PERIOD_ms
        trip.recorder.reading(slot, (value,), b"", tick_ms)
        if slot % _SLOTS_A_CHECKPOINT == _SLOTS_A_CHECKPOINT - 1:
            trip.checkpoint(tick_ms)
    trip.schedule.slot = len(values)
    app.board.tick_ms = len(values) * _PERIOD_ms - 1
    host.prove(smp.CMD_STOP, {"op": "AB"})
    return TrailParts({"uid": app.board.uid, "name": "CT-000001", "trip": trip.ring.trip}, [(0, _ring(app))])


def _ring(app: fakes.App) -> bytes:
    """The trip's sectors as they lie, in their order."""
    ring = app.trip.ring
    data = bytearray(SECTOR_SIZE * ring.sectors())
    for index in range(ring.sectors()):
        ring.read_into(index, 0, memoryview(data)[index * SECTOR_SIZE : (index + 1) * SECTOR_SIZE])
    return bytes(data)
