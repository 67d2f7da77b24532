"""Temperature series that coders are compared on: each is drawn from a seed and rounded to a sensor's step.

The first five follow a common pattern: a smooth course through first-order lags (walls and air have heat
capacities), then the sensor's noise, then its step.
"""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from celltrail.virtual import make_scenario
from tests.bench.paths import SHARED_DATA

SAMPLES = 20_160
_PERIOD_S = 60.0
_DAY_S = 86_400.0
_TMP117_K = 1 / 128
_CENTI_K = 0.01
_DS18B20_K = 1 / 16
_PT100_K = 1 / 32
_CONTAINER_K = 0.1

Course = NDArray[np.float64]
Raw = NDArray[np.int64]


def _lag(course: Course, lag_s: float) -> Course:
    share = 1 - np.exp(-_PERIOD_S / lag_s)
    lagged, value = np.empty_like(course), float(course[0])
    for i, goal in enumerate(course.tolist()):
        value += share * (goal - value)
        lagged[i] = value
    return lagged


def _time_s() -> Course:
    return np.arange(SAMPLES) * _PERIOD_S


def _steps(rng: np.random.Generator, mean_C: float, spread_K: float, every_s: float) -> Course:
    """Another ambient temperature after each stay, whose lengths are exponential."""
    course = np.empty(SAMPLES)
    at = 0
    while at < SAMPLES:
        stay = 1 + int(rng.exponential(every_s) / _PERIOD_S)
        course[at : at + stay] = rng.normal(mean_C, spread_K)
        at += stay
    return course


def shipper_C(rng: np.random.Generator) -> Course:
    """Inside of a passive shipper near 5 degC: 15 K of steps outside, through a lag of 12 h, damped by ten."""
    ambient = _steps(rng, 20, 8, 6 * 3600) + 4 * np.sin(2 * np.pi * _time_s() / _DAY_S)
    return 5 + _lag(_lag(ambient - 20, 6 * 3600), 1800) / 10


def reefer_C(rng: np.random.Generator) -> Course:
    """Air of a reefer: the compressor goes on and off every 30 min, give or take 5 %."""
    on, course = 0.0, np.empty(SAMPLES)
    for i, jitter in enumerate(rng.normal(1, 0.05, SAMPLES).tolist()):
        on = (on + jitter * _PERIOD_S / 1800) % 1
        course[i] = 0.0 if on < 0.45 else 8.0
    return _lag(_lag(_lag(course, 1800), 600), 300)


def cabin_C(rng: np.random.Generator) -> Course:
    """A truck's cabin: day and night, a heater that people turn, doors, sun and shade."""
    day = 18 + 8 * np.sin(2 * np.pi * _time_s() / _DAY_S)
    return _lag(_lag(day + _steps(rng, 0, 8, 2400), 600), 120)


def _rounded(course: Course, rng: np.random.Generator, noise_K: float, step_K: float) -> Raw:
    return np.floor((course + rng.normal(0, noise_K, len(course))) / step_K + 0.5).astype(np.int64)


# name: course, noise in K, step in K, seed
_MADE: dict[str, tuple[Callable[[np.random.Generator], Course], float, float, int]] = {
    "passive shipper, 0.01 degC": (shipper_C, 0.004, _CENTI_K, 11),
    "passive shipper, 1/128 degC": (shipper_C, 0.004, _TMP117_K, 11),
    "reefer 30 min cycle, 0.01 degC": (reefer_C, 0.004, _CENTI_K, 12),
    "reefer 30 min cycle, 1/128 degC": (reefer_C, 0.004, _TMP117_K, 12),
    "truck cabin, 0.01 degC": (cabin_C, 0.03, _CENTI_K, 13),
    "truck cabin, 1/128 degC": (cabin_C, 0.03, _TMP117_K, 13),
    "shipper, DS18B20 1/16 degC": (shipper_C, 0.019, _DS18B20_K, 14),
    "shipper, PT100 1/32 degC": (shipper_C, 0.030, _PT100_K, 15),
}
QUIET_BOX = "passive shipper, 0.01 degC"
SCENARIOS = ("box", "dry-ice", "dewar")


def made() -> Iterator[tuple[str, list[int]]]:
    """The series above, 14 days at 60 s."""
    for name, (course, noise_K, step_K, seed) in _MADE.items():
        rng = np.random.default_rng(seed)
        yield name, _rounded(course(rng), rng, noise_K, step_K).tolist()


def scenarios() -> Iterator[tuple[str, list[int]]]:
    """The virtual logger's own trips as a TMP117 reads them, 14 days at 60 s; their noise is their own."""
    for name in SCENARIOS:
        stimulus = make_scenario(name, seed=1, days=SAMPLES * _PERIOD_S / _DAY_S, start_utc_ms=0)
        celsius = stimulus.temperatures[0].celsius_at((_time_s() * 1000).astype(np.int64))
        yield f"scenario {name}, 1/128 degC", np.floor(celsius / _TMP117_K + 0.5).astype(np.int64).tolist()


def containers() -> Iterator[tuple[str, list[int]]]:
    """Readings of real sea-freight containers in their own step, about one an hour; none without the data."""
    for path in sorted((SHARED_DATA / "container").glob("*.csv")):
        yield f"{path.stem}, 0.1 degC, hourly", _container(path)


def _container(path: Path) -> list[int]:
    with path.open(encoding="utf-8", newline="") as file:
        texts = [row["temperature_c"] for row in csv.DictReader(file)]
    return [round(float(text) / _CONTAINER_K) for text in texts if text]
