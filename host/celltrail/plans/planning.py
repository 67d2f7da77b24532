"""From a profile to the plan of one trip on one logger, in the sensor's own steps (SPEC.md section 8)."""

import math
from collections.abc import Mapping
from fractions import Fraction
from hashlib import sha256
from typing import Any

import cbor2

from celltrail.errors import UsageFault
from celltrail.plans.judging import AlarmRule
from celltrail.plans.profile import Profile, ShockRule
from celltrail.plans.radio import plan_entries
from celltrail.plans.sensor import Fitted, Sensor
from celltrail_protocol import plan_rules
from celltrail_protocol.codes import (
    ALARM_CUMULATIVE,
    ALARM_HIGH,
    ALARM_LOW,
    ALARM_SINGLE,
    START_TEMPERATURE,
)
from celltrail_protocol.layout import ProtocolError
from celltrail_protocol.names import START_NAMES
from celltrail_protocol.plan import LONGEST_PLAN

_SIDES = {"high": ALARM_HIGH, "low": ALARM_LOW}
_MODES = {"single": ALARM_SINGLE, "cumulative": ALARM_CUMULATIVE}
_STARTS = {word: number for number, word in START_NAMES.items()}


def limit_raw(limit_c: Any, side: str, sensor: Sensor) -> int:
    """The first step at or beyond a limit, exactly: up for "high", down for "low".

    A reading at the limit is outside, so this calls the same readings outside as the limit would.
    """
    steps = Fraction(limit_c) * 10**9 / sensor.step_nK
    return math.ceil(steps) if side == "high" else math.floor(steps)


def to_plan(profile: Profile, fitted: Fitted) -> dict[str, Any]:
    """The plan, keys in SPEC.md's order; UsageFault when the fitted sensors can't do what is asked."""
    _require_sensors(profile, fitted)
    plan: dict[str, Any] = {
        "v": 1,
        "profile": profile.name,
        "period_ms": profile.period_s * 1000,
        "start": _STARTS[profile.start],
        "delay_s": profile.delay_s,
        "start_at": _start_at(profile, fitted),
        "duration_s": profile.duration_s,
        "stop_button": profile.stop_button,
        "wrap": profile.wrap,
        "checkpoint_s": profile.checkpoint_s,
        "alarms": [entry for rule in profile.alarms for entry in _alarms(profile, rule, fitted)],
    }
    if profile.shock is not None and fitted.accel_model:
        plan["shock"] = _shock(profile.shock)
    plan["marks_open"] = profile.marks_open
    plan |= plan_entries(profile.radio, fitted, "shock" in plan, profile.where)
    _validate(profile, plan, fitted)
    return plan


def plan_bytes(plan: Mapping[str, Any]) -> bytes:
    """The plan's CBOR, as it is sent and hashed."""
    return cbor2.dumps(dict(plan))


def settings_hash(plan: Mapping[str, Any]) -> bytes:
    """SHA-256 over the plan's CBOR."""
    return sha256(plan_bytes(plan)).digest()


def _require_sensors(profile: Profile, fitted: Fitted) -> None:
    if not fitted.channels:
        raise UsageFault(f"{profile.where}: the logger has no thermometer")
    if profile.sensor_range_c is None:
        return
    low_c, high_c = profile.sensor_range_c
    for number in _watched(profile, fitted):
        sensor = fitted.channels[number]
        if Fraction(low_c) < Fraction(sensor.low_raw) * sensor.step_nK / 10**9 or high_c > sensor.high_c:
            raise UsageFault(
                f"{profile.where}: needs {low_c} to {high_c} degC, but the {sensor.name} of channel {number} "
                f"measures {sensor.range_text()}; fit another sensor or choose another profile"
            )


def _watched(profile: Profile, fitted: Fitted) -> list[int]:
    """The channels that alarms name; channel 0 when none does."""
    named: set[int] = set()
    for rule in profile.alarms:
        named |= set(_channels(profile, rule, fitted))
    return sorted(named) or [0]


def _channels(profile: Profile, rule: AlarmRule, fitted: Fitted) -> list[int]:
    if rule.channels is None:
        return list(range(len(fitted.channels)))
    for number in rule.channels:
        if number >= len(fitted.channels):
            last = len(fitted.channels) - 1
            raise UsageFault(f"{profile.where}: an alarm is for channel {number}; the logger has channels 0 to {last}")
    return list(rule.channels)


def _alarms(profile: Profile, rule: AlarmRule, fitted: Fitted) -> list[list[int]]:
    made = []
    for number in _channels(profile, rule, fitted):
        raw = _checked_limit(profile, rule.limit_c, rule.side, number, fitted)
        made.append([number, _SIDES[rule.side], _MODES[rule.mode], raw, rule.delay_s])
    return made


def _checked_limit(profile: Profile, limit_c: Any, side: str, number: int, fitted: Fitted) -> int:
    sensor = fitted.channels[number]
    raw = limit_raw(limit_c, side, sensor)
    if not sensor.low_raw <= raw <= sensor.high_raw:
        raise UsageFault(
            f"{profile.where}: the limit {limit_c} degC is outside what channel {number}'s {sensor.name} "
            f"measures ({sensor.range_text()}); fit another sensor or choose another profile"
        )
    return raw


def _start_at(profile: Profile, fitted: Fitted) -> list[int]:
    rule = profile.start_at
    if _STARTS[profile.start] != START_TEMPERATURE:
        return [0, 0, 0]
    if rule is None:
        raise UsageFault(
            f"{profile.where}: a start by temperature needs in the profile, say, [start_at] with"
            ' channel = 0, side = "low" and limit_c = 8'
        )
    if rule.channel >= len(fitted.channels):
        raise UsageFault(f"{profile.where}: start_at is for channel {rule.channel}, which isn't there")
    return [
        rule.channel,
        _SIDES[rule.side],
        _checked_limit(profile, rule.limit_c, rule.side, rule.channel, fitted),
    ]


def _shock(rule: ShockRule) -> list[int]:
    return [
        round(rule.threshold_g * 1000),
        round(rule.least_ms * 1000),
        rule.quiet_ms,
        rule.before_samples,
        rule.after_samples,
        rule.waveforms,
    ]


def _validate(profile: Profile, plan: dict[str, Any], fitted: Fitted) -> None:
    try:
        plan_rules.validate(plan, [(sensor.low_raw, sensor.high_raw) for sensor in fitted.channels])
    except ProtocolError as error:
        raise UsageFault(f"{profile.where}: {error}") from error
    if len(plan_bytes(plan)) > LONGEST_PLAN:
        raise UsageFault(f"{profile.where}: the plan is longer than {LONGEST_PLAN} bytes; use fewer alarms")
