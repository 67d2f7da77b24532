"""Accelerometer models against scipy: the same input, filtered and quantised by code that is not ours."""

import csv
import gzip
import math
from array import array
from pathlib import Path

import numpy as np
import pytest
from accelerometer_bench import Bench
from scipy import signal as scipy_signal

from boards.models.adxl345 import ADXL345Model
from boards.models.adxl372 import ADXL372Model
from boards.models.signals import RecordedAcceleration, Segment
from drivers.accel_adxl345 import ADXL345
from drivers.accel_adxl372 import ADXL372

SHOCKS = Path(__file__).parents[2] / ".." / "shared" / "data" / "shock"

# Driver, model, size of a step in g, clipping in steps.
ADXL372_CHIP = (ADXL372, ADXL372Model, 0.1, (-2000, 2000))
ADXL345_CHIP = (ADXL345, ADXL345Model, 1 / 256, (-4096, 4095))

Rows = tuple[np.ndarray, np.ndarray]


def truth(segments: list[Rows], rate_hz: int, step_g: float, clip: tuple[int, int], end_s: float) -> np.ndarray:
    """All samples from power-on to `end_s`, shape (n, 3): the definition, applied to all of it at once."""
    fine_hz = 4 * rate_hz
    times_us = np.arange(math.floor(end_s * rate_hz) * 4 + 1) * (1e6 / fine_hz)
    held = np.empty((len(times_us), 3))
    held[:] = segments[0][1][0]
    for rows_us, rows_g in segments:
        inside = times_us >= rows_us[0]
        for axis in range(3):
            # np.interp holds the last row after the segment.
            held[inside, axis] = np.interp(times_us[inside], rows_us, rows_g[:, axis])
    b, a = scipy_signal.butter(2, rate_hz / 2, fs=fine_hz)
    settled = scipy_signal.lfilter_zi(b, a)[:, None] * held[0]
    filtered, _ = scipy_signal.lfilter(b, a, held, axis=0, zi=settled)
    return np.clip(np.floor(filtered[::4] / step_g + 0.5), *clip).astype(int)


def recorded(segments: list[Rows]) -> RecordedAcceleration:
    return RecordedAcceleration([segment(*rows) for rows in segments])


def segment(times_us: np.ndarray, rows_g: np.ndarray) -> Segment:
    return Segment(array("q", times_us.tolist()), *(array("d", rows_g[:, axis].tolist()) for axis in range(3)))


def check(segments: list[Rows], chip: tuple, rate_hz: int, end_s: float) -> None:
    """Read all samples through the driver and compare: never more than one step, and hardly ever that."""
    driver, model, step_g, clip = chip
    bench = Bench(driver, model, recorded(segments), rate_hz=rate_hz)
    bench.driver.start(10_000)
    got = np.array(bench.record(int(end_s * 1e6), 30_000_000 // rate_hz))
    assert not bench.driver.overrun
    expected = truth(segments, rate_hz, step_g, clip, end_s + 1)
    if driver is ADXL345 and rate_hz >= 1600:
        # The chip's last bit is 0 then, and the driver leaves it out.
        expected >>= 1
    # 1.1 ms and one period, or 16 ms, until the first sample.
    first = rate_hz * 11 // 10_000 + 2 if driver is ADXL345 else -(-rate_hz * 16 // 1000)
    difference = np.abs(got - expected[first : first + len(got)])
    assert len(got) >= end_s * rate_hz - first - 2
    assert difference.max() <= 1
    # The model lets the filter rest within 0.01 steps of the held value; only that can turn a rounding over.
    assert np.count_nonzero(difference) <= 2 + difference.size // 2000
    assert np.abs(expected.max(axis=0) - expected[first:].max(axis=0)).max() == 0
    assert np.abs(got.max(axis=0) - expected.max(axis=0)).max() <= 1
    assert np.abs(got.min(axis=0) - expected.min(axis=0)).max() <= 1


def noise(rng: np.random.Generator, start_us: int, seconds: float, spread_g: float) -> Rows:
    """Irregular rows of coloured noise on top of gravity."""
    times_us = start_us + np.cumsum(rng.integers(1, 400, int(seconds * 5000)))
    rows = rng.normal(0, spread_g, (len(times_us), 3))
    return times_us, np.round(rows + [0, 0, 1], 4)


@pytest.mark.parametrize(
    ("chip", "rate_hz", "spread_g"),
    [
        (ADXL372_CHIP, 400, 20),
        (ADXL372_CHIP, 1600, 20),
        (ADXL372_CHIP, 6400, 120),
        (ADXL345_CHIP, 100, 3),
        (ADXL345_CHIP, 800, 3),
        (ADXL345_CHIP, 3200, 12),
    ],
)
def test_random_segments(chip: tuple, rate_hz: int, spread_g: float):
    rng = np.random.default_rng(rate_hz)
    segments = [noise(rng, start_us, 0.4, spread_g) for start_us in (123_456, 700_001, 5_000_000)]
    # A pause that is too short for the filter to settle.
    segments.insert(2, noise(rng, int(segments[1][0][-1]) + 700, 0.2, spread_g))
    check(segments, chip, rate_hz, 6)


@pytest.mark.parametrize(("chip", "rate_hz"), [(ADXL372_CHIP, 1600), (ADXL345_CHIP, 800)])
def test_long_rest_between_jumps(chip: tuple, rate_hz: int):
    rows = np.array([[0.0, 0.0, 1.0], [0.34, -0.33, 0.06]])
    segments = [(np.array([start_us, start_us + 100]), rows) for start_us in (100_000, 20_000_000)]
    check(segments, chip, rate_hz, 20.5)


@pytest.mark.parametrize(
    ("name", "chip", "rate_hz"),
    [
        ("piezo-100g-20khz-impacts", ADXL372_CHIP, 1600),
        ("dc-40g-505hz-impacts", ADXL372_CHIP, 3200),
        ("dc-40g-3998hz-drive", ADXL345_CHIP, 800),
        ("adxl345-3062hz-vibration", ADXL345_CHIP, 800),
    ],
)
def test_real_recordings(name: str, chip: tuple, rate_hz: int):
    path = SHOCKS / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip("needs the recordings of ../shared/data/shock")
    with gzip.open(path, "rt", newline="") as file:
        table = np.array(list(csv.reader(file))[1:], dtype=float)
    times_us = np.round(table[:, 0] * 1e6).astype(int) + 1_000_000
    check([(times_us, table[:, 1:])], chip, rate_hz, times_us[-1] / 1e6 + 0.2)
