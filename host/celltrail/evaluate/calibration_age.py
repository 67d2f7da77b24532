"""What is to be said of calibrations before a trip begins."""

from collections.abc import Mapping

from celltrail.evaluate.uncertainty import OLD_DAYS, Calibration
from celltrail.plans.sensor import Fitted

_DAY_MS = 86_400_000


def calibration_warnings(
    calibrations: Mapping[int, Calibration], fitted: Fitted, utc_ms: int, most_ms: int
) -> tuple[str, ...]:
    """A line for each thermometer without a calibration, or whose calibration will be too old.

    utc_ms: now, milliseconds since 1970. most_ms: how long the trip may last from now on, 0 when it has no end.
    """
    count = len(fitted.channels)
    lines = [_warning(number, calibrations.get(number), utc_ms, most_ms) for number in range(count)]
    strangers = [number for number in sorted(calibrations) if number >= count]
    lines += [f"calibration of channel {number}: the logger has no such thermometer" for number in strangers]
    return tuple(line for line in lines if line)


def _warning(number: int, calibration: Calibration | None, utc_ms: int, most_ms: int) -> str:
    if calibration is None:
        return f"calibration MISSING for channel {number}: its datasheet will stand for it (see `celltrail calibrate`)"
    name = f"calibration {calibration.certificate} of channel {number}"
    age_ms = utc_ms - calibration.utc_ms
    if age_ms < 0:
        return f"{name} is dated after today: check its date and this computer's clock"
    if age_ms > OLD_DAYS * _DAY_MS:
        return f"{name} is OLD, {age_ms // _DAY_MS} days: calibrate at least once in {OLD_DAYS} days"
    if age_ms + most_ms > OLD_DAYS * _DAY_MS:
        return f"{name} will be older than {OLD_DAYS} days before the trip's planned end"
    return ""
