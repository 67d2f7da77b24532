"""How many bytes a stored shock waveform takes, as the firmware writes it."""

import csv
import gzip
from array import array
from collections.abc import Sequence
from pathlib import Path

import fakes
import numpy as np
from numpy.typing import NDArray

from boards.models.nor_flash import NorFlash
from celltrail_protocol import frames
from logger.ring import Ring
from logger.watch import Watch
from tests.bench.figures import Figure, Target, at_most, median
from tests.bench.paths import SHARED_DATA

WINDOW = 512
PRE = 64
_DROPS = 24
_ADXL345_G = 1 / 256
_ADXL375_G = 0.049
_ADXL375_RANGE = 4095
_RATE_Hz = 3200.0
_NOISE_STEPS = 4.0
_RAW_BYTES = 6
_PEER = "3 x 16 bit raw (enDAQ 2.0-2.8 a value, published)"

Window = NDArray[np.int64]


def wave_bytes(windows: Sequence[Window]) -> list[float]:
    """Bytes of the wave frames, overhead included, a sample of three axes, for each window of shape (n, 3)."""
    board = fakes.Board(NorFlash(64), chip=fakes.Chip())
    app, host = fakes.make(board)
    fakes.arm(host, fakes.plan(wrap=True))
    fakes.run(app, 1000)
    recorder = app.trip.recorder
    watch = Watch(board, recorder, [10000, 0, 50, PRE, WINDOW - PRE, 65535], 0)
    return [_write(watch, recorder.ring, event, window) for event, window in enumerate(windows)]


def _write(watch: Watch, ring: Ring, event: int, window: Window) -> float:
    """Hand the window to the firmware's writer as if its detector had just closed the event."""
    watch.detector.window = [array("h", window[:, axis].tolist()) for axis in range(3)]
    watch.detector.stored = len(window)
    sizes: list[int] = []
    append = ring.append

    def count(kind: int, payload: bytes, tick_ms: int) -> None:
        sizes.append(len(payload) + frames.OVERHEAD)
        append(kind, payload, tick_ms)

    ring.append = count
    for axis in range(3):
        watch._write_axis(event, axis, 0)
    ring.append = append
    return sum(sizes) / len(window)


def drop(rng: np.random.Generator) -> Window:
    """A drop as an ADXL375 (49 mg, 13 bit, 3200 Hz) records it: half sine, damped ringing, white noise of 4 steps."""
    t_s = (np.arange(WINDOW) - PRE) / _RATE_Hz
    pulse_s, peak_g = rng.uniform(0.003, 0.012), rng.uniform(30, 120)
    omega, after_s = 2 * np.pi * rng.uniform(100, 400), np.maximum(t_s - pulse_s, 0)
    ringing = -rng.uniform(0.2, 0.4) * np.exp(-rng.uniform(0.05, 0.1) * omega * after_s) * np.sin(omega * after_s)
    inside = (t_s >= 0) & (t_s < pulse_s)
    course = np.where(inside, np.sin(np.pi * t_s / pulse_s), np.where(t_s < 0, 0, ringing)) * peak_g
    direction = rng.normal(0, 1, 3)
    direction /= np.sqrt((direction**2).sum())
    # Falling, it feels nothing; at rest afterwards it feels the earth.
    rest = np.where(t_s < 0, 0, 1)[:, None] * np.array([0, 0, 1])
    steps = (course[:, None] * direction + rest) / _ADXL375_G + rng.normal(0, _NOISE_STEPS, (WINDOW, 3))
    return np.clip(np.floor(steps + 0.5), -_ADXL375_RANGE, _ADXL375_RANGE).astype(np.int64)


def recordings() -> list[Path]:
    """Recordings of an ADXL345; none where the data is not there."""
    return sorted((SHARED_DATA / "shock").glob("adxl345-*.csv.gz"))


def windows_of(path: Path, step_g: float) -> list[Window]:
    """The recording in such steps, cut from its start into windows of 512; the rest is left out."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = [[float(row[axis]) for axis in ("x_g", "y_g", "z_g")] for row in csv.DictReader(file)]
    steps = np.floor(np.array(rows) / step_g + 0.5).astype(np.int64)
    return [steps[at : at + WINDOW] for at in range(0, len(steps) - WINDOW + 1, WINDOW)]


def measure() -> list[Figure]:
    """The real recordings and the synthetic drops."""
    name = "shock_bytes_per_sample_real"
    step = "1/128 g, the driver's step at these rates, where the chip's last bit is always 0 (data sheet)"
    return [
        _real(name, 2 * _ADXL345_G, step, at_most(2.0)),
        _real(name + "_with_last_bit", _ADXL345_G, "the same with that bit, 13 bits, 1/256 g"),
        _drops(),
    ]


def _real(name: str, step_g: float, what: str, target: Target | None = None) -> Figure:
    if not recordings():
        return Figure(name, None, "B", "the ADXL345 recordings are not here", _PEER, _RAW_BYTES, target)
    sizes_of = {path.name: wave_bytes(windows_of(path, step_g)) for path in recordings()}
    sizes = [size for some in sizes_of.values() for size in some]
    each = "; ".join(f"{name} {sum(some) / len(some):.2f}" for name, some in sizes_of.items())
    how = (
        f"{what}: wave frames with overhead, mean of {len(sizes)} windows of {WINDOW} xyz that fill the whole files "
        f"({each}; worst window {max(sizes):.2f})"
    )
    return Figure(name, sum(sizes) / len(sizes), "B", how, _PEER, _RAW_BYTES, target)


def _drops() -> Figure:
    rng = np.random.default_rng(375)
    sizes = wave_bytes([drop(rng) for _ in range(_DROPS)])
    how = (
        f"{_DROPS} seeded drops as an ADXL375 sees them (49 mg, 3200 Hz, noise 4 steps): half sine of 30 to 120 g and "
        f"3 to 12 ms with ringing, windows of {WINDOW}, {PRE} before; median, worst {max(sizes):.2f}"
    )
    return Figure("shock_bytes_per_sample_drop", median(sizes), "B", how, _PEER, _RAW_BYTES, at_most(2.3))
