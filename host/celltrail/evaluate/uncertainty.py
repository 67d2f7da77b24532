"""How far a reading may be off: the sensor's step, its calibration or datasheet, the calibration's age, the probe.

The parts are added up as they are, since each of them may have one sign over a whole trip: a bound, not a standard
deviation. So a verdict of "in" or "out" holds for the worst of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from celltrail.errors import UsageFault
from celltrail.files import read_bytes
from celltrail.plans.judging import MOST_CHANNELS
from celltrail.plans.sensor import Sensor
from celltrail.plans.toml_table import Table, read_table
from celltrail.sentence import Number, Sentence
from celltrail.utc import parse

# EU GDP, chapter 9: equipment is calibrated at least once a year.
OLD_DAYS = 365
_DAY_MS = 86_400_000
_YEAR_DAYS = 365.25
_MOST_BYTES = 100_000
_MOST_POINTS = 3
# Beyond these a number is in another unit.
_LEAST_C, _MOST_C = Decimal("0.001"), 10
# Nobody has calibrated a logger of ours before.
_FIRST = date(2000, 1, 1)
# One point is an offset and says nothing of where it holds.
_SPAN = 2
Points = tuple[tuple[float, float], ...]
_AS_READ: Points = ((0.0, 0.0),)


@dataclass(frozen=True)
class Calibration:
    """What a certificate says of one channel, within uncertainty_c at `utc_ms`.

    `points` are (reading, reference) in degC, ascending, at least one: true = reading + what lies on the straight lines
    between reference - reading of these, and as much as at the nearest beyond them. One point is an offset.
    """

    certificate: str
    utc_ms: int
    uncertainty_c: float
    drift_c_per_year: float = 0.0
    probe_c: float = 0.0
    points: Points = _AS_READ


@dataclass(frozen=True)
class Uncertainty:
    """The bound on a channel's readings, by parts in degC, and doubts in words."""

    step_c: float
    sensor_c: float
    drift_c: float
    probe_c: float
    basis: str
    doubts: tuple[str, ...] = ()
    points: Points = _AS_READ

    @property
    def total_c(self) -> float:
        """How far a reading may be off, either way."""
        return self.step_c + self.sensor_c + self.drift_c + self.probe_c

    def corrected(self, celsius: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Readings in degC with the calibration's correction."""
        readings, references = np.array(self.points).T
        return np.asarray(celsius + np.interp(celsius, readings, references - readings))

    def doubts_of(self, celsius: npt.NDArray[np.float64]) -> tuple[str, ...]:
        """All doubts, with that about readings (corrected, degC) beyond the points of the calibration."""
        low, high = self.points[0][1], self.points[-1][1]
        if len(self.points) < _SPAN or not len(celsius) or (low <= celsius.min() and celsius.max() <= high):
            return self.doubts
        beyond = Sentence(
            "readings from {lowest} to {highest} degC go beyond the calibrated {low} to {high} degC",
            lowest=Number(f"{celsius.min():.2f}"),
            highest=Number(f"{celsius.max():.2f}"),
            low=Number(f"{low:.6g}"),
            high=Number(f"{high:.6g}"),
        )
        return (*self.doubts, beyond)

    @property
    def corrections_c(self) -> tuple[float, float]:
        """The least and the most that is added to a reading."""
        corrections = [reference - reading for reading, reference in self.points]
        return min(corrections), max(corrections)


def uncertainty_of(sensor: Sensor, calibration: Calibration | None, last_utc_ms: float | None) -> Uncertainty:
    """The bound for readings up to `last_utc_ms`; without a calibration the datasheet's, as the record tells it."""
    step_c = sensor.celsius(1) / 2
    if calibration is None:
        doubt = Sentence("no calibration was named: the sensor's datasheet stands for it")
        return Uncertainty(step_c, sensor.uncertainty_mK / 1000, 0.0, 0.0, "datasheet", (doubt,))
    days, doubts = _age(calibration, last_utc_ms)
    return Uncertainty(
        step_c,
        calibration.uncertainty_c,
        calibration.drift_c_per_year * max(days, 0.0) / _YEAR_DAYS,
        calibration.probe_c,
        f"calibration {calibration.certificate}",
        doubts,
        calibration.points,
    )


def _age(calibration: Calibration, last_utc_ms: float | None) -> tuple[float, tuple[str, ...]]:
    """The age at the end of the trip in days, and what is to be said of it."""
    name = Sentence("calibration {certificate}", certificate=calibration.certificate)
    if last_utc_ms is None:
        return 0.0, (Sentence("{name}: its age is unknown, since the trip has no times", name=name),)
    days = (last_utc_ms - calibration.utc_ms) / _DAY_MS
    if days < 0:
        return days, (Sentence("{name}: was made after the trip; it says nothing of drift before it", name=name),)
    old = Sentence(
        "{name}: was {days} days old; calibrate at least once in {most} days",
        name=name,
        days=round(days),
        most=OLD_DAYS,
    )
    return days, (old,) if days > OLD_DAYS else ()


def load_calibrations(path: Path) -> Mapping[int, Calibration]:
    """The calibrations in a TOML file with a [[channel]] for each, by channel; UsageFault."""
    table = read_table(read_bytes(path, _MOST_BYTES), str(path), "a file of calibrations")
    found: dict[int, Calibration] = {}
    for entry in table.tables("channel"):
        number = entry.integer("number", 0, MOST_CHANNELS - 1)
        if number in found:
            raise UsageFault(f"{path}: channel {number} is there twice; leave one out")
        found[number] = _calibration(entry)
    table.refuse_unknown()
    if not found:
        raise UsageFault(f"{path}: holds no [[channel]]; write one for each calibrated channel")
    return found


def _calibration(table: Table) -> Calibration:
    made = Calibration(
        certificate=table.text("certificate", longest=80),
        utc_ms=_date_ms(table),
        uncertainty_c=float(table.number("uncertainty_c", _LEAST_C, _MOST_C)),
        drift_c_per_year=float(table.number("drift_c_per_year", 0, _MOST_C, default=0)),
        probe_c=float(table.number("probe_c", 0, _MOST_C, default=0)),
        points=_points(table),
    )
    table.refuse_unknown()
    return made


def _date_ms(table: Table) -> int:
    made = table.date("date")
    # A day more, for who is ahead of UTC.
    if not _FIRST <= made <= datetime.now(UTC).date() + timedelta(days=1):
        raise table.fault("date", made, f"a day from {_FIRST} to today")
    return parse(f"{made}T00:00:00Z")


def _points(table: Table) -> Points:
    offset_c = float(table.number("offset_c", -_MOST_C, _MOST_C, default=0))
    value = table.take("points", [])
    if value and offset_c:
        raise table.fault("offset_c", offset_c, "left out where there are points")
    allowed = f"1 to {_MOST_POINTS} of [reading, reference] in degC, both ascending"
    if not isinstance(value, list) or len(value) > _MOST_POINTS or not all(_is_pair(one) for one in value):
        raise table.fault("points", value, allowed)
    points = tuple(
        (float(table.number_of("points", one[0], -300, 1000)), float(table.number_of("points", one[1], -300, 1000)))
        for one in value
    )
    if any(one[0] >= two[0] or one[1] >= two[1] for one, two in pairwise(points)):
        raise table.fault("points", value, allowed)
    if any(abs(reference - reading) > _MOST_C for reading, reference in points):
        raise table.fault("points", value, f"{allowed}, no more than {_MOST_C} degC apart: is the unit right?")
    return points or ((0.0, offset_c),)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2
