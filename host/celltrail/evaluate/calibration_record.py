"""Calibrations as a logger keeps them and a record holds them: CBOR in whole millikelvin (SPEC.md section 6.2)."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import cbor2

from celltrail.errors import UsageFault
from celltrail.evaluate.uncertainty import Calibration, Points
from celltrail.plain_text import printable
from celltrail.plans.sensor import Fitted, Sensor
from celltrail_protocol import cbor
from celltrail_protocol.layout import ProtocolError

LONGEST = 480
_DAY_MS = 86_400_000
_MILLI = 1000
_LARGEST_mK = 1_000_000
_MOST_POINTS = 3
_LONGEST_NAME = 80
_LAST_DAY = 0xFFFF
# What is left of a decimal fraction after it was a double.
_EXACT = 6


def to_record(calibrations: Mapping[int, Calibration], fitted: Fitted, where: str) -> bytes:
    """The bytes for a logger with these sensors; UsageFault when they don't fit."""
    entries = []
    for number, one in sorted(calibrations.items()):
        if number >= len(fitted.channels):
            raise UsageFault(
                f"{where}: is for channel {number}; the logger has channels 0 to {len(fitted.channels) - 1}"
            )
        entries.append(
            [
                number,
                fitted.channels[number].model,
                one.certificate,
                one.utc_ms // _DAY_MS,
                *[_up(value) for value in (one.uncertainty_c, one.drift_c_per_year, one.probe_c)],
                [[_whole(value, where) for value in point] for point in one.points],
            ]
        )
    data = cbor2.dumps({"v": 1, "c": entries}) if entries else b""
    if len(data) > LONGEST:
        raise UsageFault(f"{where}: takes {len(data)} bytes, a logger keeps {LONGEST}; shorten the certificates' names")
    return data


def _up(celsius: float) -> int:
    """Whole mK, never less."""
    return math.ceil(round(celsius * _MILLI, _EXACT))


def _whole(celsius: float, where: str) -> int:
    milli = round(celsius * _MILLI, _EXACT)
    if milli != int(milli):
        raise UsageFault(f"{where}: {celsius:g} has parts of a millikelvin, which a logger does not keep; round it")
    return int(milli)


def from_record(data: bytes, sensors: Sequence[Sensor]) -> dict[int, Calibration]:
    """By channel, those that fit the sensors of now; nothing for bytes that are none of ours."""
    try:
        told = cbor.loads(data) if data else {}
        entries = told.get("c", []) if isinstance(told, dict) and told.get("v") == 1 else []
        made = [_entry(entry) for entry in entries]
    except (ProtocolError, LookupError, TypeError, ValueError):
        return {}
    return {number: one for number, model, one in made if 0 <= number < len(sensors) and sensors[number].model == model}


def _entry(entry: Any) -> tuple[int, int, Calibration]:
    """LookupError, ValueError or TypeError for anything that is no entry."""
    number, model, certificate, day, uncertainty_mK, drift_mK, probe_mK, points = entry
    if not isinstance(certificate, str):
        raise TypeError
    made = Calibration(
        printable(certificate, _LONGEST_NAME),
        _checked(day, 0, _LAST_DAY) * _DAY_MS,
        uncertainty_c=_checked(uncertainty_mK, 0) / _MILLI,
        drift_c_per_year=_checked(drift_mK, 0) / _MILLI,
        probe_c=_checked(probe_mK, 0) / _MILLI,
        points=_points(points),
    )
    return _checked(number, 0), _checked(model, 0), made


def _points(points: Any) -> Points:
    if not 1 <= len(points) <= _MOST_POINTS:
        raise ValueError
    made = tuple((_checked(one[0]) / _MILLI, _checked(one[1]) / _MILLI) for one in points)
    if any(one[0] >= two[0] or one[1] >= two[1] for one, two in pairwise(made)):
        raise ValueError
    return made


def _checked(value: Any, least: int = -_LARGEST_mK, most: int = _LARGEST_mK) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError
    return value
