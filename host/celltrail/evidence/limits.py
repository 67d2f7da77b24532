"""The limits of the plan that a trip was armed with, as its record tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from celltrail.evidence.record import Channel, Record
from celltrail_protocol import plan_rules
from celltrail_protocol.codes import ALARM_CUMULATIVE, ALARM_HIGH
from celltrail_protocol.layout import ProtocolError


@dataclass(frozen=True)
class Limit:
    """One alarm of the plan; a reading at `raw` is outside."""

    alarm: int
    channel: int
    is_high: bool
    is_cumulative: bool
    raw: int
    limit_c: float
    delay_s: int

    @property
    def side(self) -> str:
        """above or below."""
        return "above" if self.is_high else "below"


def checked_plan(record: Record) -> dict[str, Any] | None:
    """The plan of a record, when it is one that a logger would take."""
    if record.plan is None or not record.channels:
        return None
    ranges = [(channel.sensor.low_raw, channel.sensor.high_raw) for channel in record.channels]
    try:
        plan_rules.validate(record.plan, ranges)
    except ProtocolError:
        return None
    return record.plan


def limits_of(record: Record) -> list[Limit]:
    """All limits, by the alarm's number; none when the plan can't be read."""
    plan = checked_plan(record)
    return [_limit(number, entry, record) for number, entry in enumerate(plan["alarms"] if plan else [])]


def _limit(number: int, entry: Sequence[int], record: Record) -> Limit:
    channel, side, mode, raw, delay_s = entry
    celsius = record.channels[channel].sensor.celsius(raw)
    return Limit(number, channel, side == ALARM_HIGH, mode == ALARM_CUMULATIVE, raw, celsius, delay_s)


@dataclass(frozen=True)
class Outside:
    """How long a channel was at or beyond a limit, as readings tell: `total_s` in all, `longest_s` at a stretch."""

    limit: Limit
    readings: int
    total_s: float
    longest_s: float


def outside(record: Record) -> list[Outside]:
    """One entry for each limit; limits that differ in delay only are told once."""
    seen: dict[tuple[int, bool, int], Limit] = {}
    for limit in limits_of(record):
        seen.setdefault((limit.channel, limit.is_high, limit.raw), limit)
    return [_outside(limit, record.channels[limit.channel], record.period_ms / 1000) for limit in seen.values()]


def _outside(limit: Limit, channel: Channel, period_s: float) -> Outside:
    beyond = channel.raw >= limit.raw if limit.is_high else channel.raw <= limit.raw
    slots = channel.slots[beyond]
    # Stretches of slots that follow one another without a break.
    ends = np.flatnonzero(np.diff(slots) != 1)
    lengths = np.diff(np.concatenate([[-1], ends, [len(slots) - 1]])) if len(slots) else np.zeros(1)
    return Outside(limit, len(slots), len(slots) * period_s, float(lengths.max()) * period_s)
