"""What is in a trip, in figures: the content of `celltrail show`, as values and as JSON."""

from dataclasses import dataclass
from typing import Any

from celltrail.evidence.limits import Outside, checked_plan, outside
from celltrail.evidence.outages import Outage, outages_of
from celltrail.evidence.record import Alarm, Channel, Instant, Mark, Record, Shock
from celltrail.evidence.verify import Checked
from celltrail.plans.plan_text import describe_alarm
from celltrail.sentence import Number, Sentence
from celltrail.utc import iso
from celltrail.views.axis import Axis, axis_of
from celltrail_protocol.names import MARK_NAMES, OUTCOME_NAMES


@dataclass(frozen=True)
class Statistics:
    """One channel: its readings and, unless there are none, the extremes and the mean in degC."""

    channel: Channel
    count: int
    lowest_c: float | None
    mean_c: float | None
    highest_c: float | None


@dataclass(frozen=True)
class Pressure:
    """The readings of one barometer; None where there are none."""

    channel: Channel
    lowest_hPa: float | None
    mean_hPa: float | None
    highest_hPa: float | None


@dataclass(frozen=True)
class Summary:
    """Everything that `show` tells."""

    checked: Checked
    axis: Axis
    statistics: tuple[Statistics, ...]
    outside: tuple[Outside, ...]
    outages: tuple[Outage, ...]
    pressures: tuple[Pressure, ...] = ()

    def when(self, at: Instant) -> str:
        """An instant for people."""
        place = self.axis.at(at)
        return "at an unknown time" if place is None else self.axis.label(place)


def summarize(checked: Checked) -> Summary:
    """The summary of a verified file."""
    record = checked.record
    return Summary(
        checked,
        axis_of(record, checked.clock),
        tuple(_statistics(channel) for channel in record.channels),
        tuple(outside(record)),
        tuple(outages_of(record, checked.verdict)),
        tuple(_pressure(channel) for channel in record.pressures),
    )


def _pressure(channel: Channel) -> Pressure:
    hPa = channel.hectopascal
    if not len(hPa):
        return Pressure(channel, None, None, None)
    return Pressure(channel, float(hPa.min()), float(hPa.mean()), float(hPa.max()))


def _statistics(channel: Channel) -> Statistics:
    if not len(channel.raw):
        return Statistics(channel, 0, None, None, None)
    # Raw means are exact: sums of 16-bit integers.
    mean_c = channel.sensor.celsius(float(channel.raw.mean(dtype="float64")))
    low_c, high_c = channel.sensor.celsius(int(channel.raw.min())), channel.sensor.celsius(int(channel.raw.max()))
    return Statistics(channel, len(channel.raw), low_c, mean_c, high_c)


def alarm_text(summary: Summary, alarm: Alarm) -> str:
    """channel 0 at or above 8 degC for 30 min without a break, at 8.3 degC."""
    record = summary.checked.record
    plan = checked_plan(record)
    known = plan is not None and alarm.alarm < len(plan["alarms"])
    text: str = Sentence("channel {channel}", channel=alarm.channel)
    if plan and known:
        text = describe_alarm(plan["alarms"][alarm.alarm], record.fitted)
    if alarm.channel < len(record.channels):
        value = Number(f"{record.channels[alarm.channel].sensor.celsius(alarm.value_raw):.2f}")
        text = Sentence("{alarm} (at {value} degC)", alarm=text, value=value)
    return text


def mark_text(mark: Mark) -> str:
    """handed-over at LEJ by OP7, not proven: note."""
    text = MARK_NAMES.get(mark.kind, f"mark {mark.kind}")
    text += f" ({OUTCOME_NAMES[mark.outcome]})" if OUTCOME_NAMES.get(mark.outcome) else ""
    text += f" at {mark.place}" if mark.place else ""
    text += f" by {mark.operator}" if mark.operator else ""
    if not mark.proven:
        text += ", by button" if mark.by_button else ", not proven"
    return text + (f": {mark.note}" if mark.note else "")


def whose(record: Record, noun: str) -> str:
    """trip 3 of CT-3F2A91, as far as the record tells."""
    if record.trip < 0:
        return f"{noun} of an unknown logger"
    return f"{noun} {record.trip} of {record.name or (record.uid.hex() if any(record.uid) else 'an unknown logger')}"


def to_json(summary: Summary) -> dict[str, Any]:
    """The document of `celltrail show --json`."""
    checked = summary.checked
    record = checked.record
    return {
        "file": str(checked.trail.path),
        "verdict": checked.verdict.word,
        "logger": {
            "uid": record.uid.hex() if any(record.uid) else None,
            "name": record.name,
            "simulated": record.simulated,
        },
        "trip": record.trip if record.trip >= 0 else None,
        "period_s": record.period_ms / 1000,
        "plan": record.plan,
        "first_utc": _iso(checked.verdict.first_utc_ms),
        "last_utc": _iso(checked.verdict.last_utc_ms),
        "utc_bound_ms": checked.verdict.bound_ms,
        "clock_flags": list(checked.verdict.clock_flags),
        "channels": [_statistics_json(one) for one in summary.statistics],
        "pressures": [
            {
                "channel": one.channel.number,
                "sensor": one.channel.sensor.name,
                "step_hPa": one.channel.sensor.step,
                "uncertainty_hPa": one.channel.sensor.uncertainty,
                "readings": len(one.channel.raw),
                "lowest_hPa": one.lowest_hPa,
                "mean_hPa": one.mean_hPa,
                "highest_hPa": one.highest_hPa,
            }
            for one in summary.pressures
        ],
        "outside_limits": [_outside_json(one) for one in summary.outside],
        "alarms": [_alarm_json(summary, alarm) for alarm in record.alarms],
        "marks": [_mark_json(summary, mark) for mark in record.marks],
        "shocks": [shock_json(checked, shock) for shock in record.shocks],
        "outages": [_outage_json(summary, one) for one in summary.outages],
    }


def _iso(utc_ms: int | None) -> str | None:
    return None if utc_ms is None else iso(utc_ms)


def time_json(checked: Checked, at: Instant) -> dict[str, Any]:
    """An instant as JSON: UTC and its bound (null when unknown), boot and tick."""
    return {
        "utc": _iso(checked.clock.utc_ms(at)),
        "utc_bound_ms": checked.clock.bound_ms(at),
        "boot": at.boot,
        "tick_ms": at.tick_ms,
    }


def _statistics_json(one: Statistics) -> dict[str, Any]:
    return {
        "channel": one.channel.number,
        "sensor": one.channel.sensor.name,
        "step_c": one.channel.sensor.celsius(1),
        "uncertainty_c": one.channel.sensor.uncertainty_mK / 1000,
        "readings": one.count,
        "lowest_c": one.lowest_c,
        "mean_c": one.mean_c,
        "highest_c": one.highest_c,
    }


def _outside_json(one: Outside) -> dict[str, Any]:
    return {
        "channel": one.limit.channel,
        "side": one.limit.side,
        "limit_c": one.limit.limit_c,
        "readings": one.readings,
        "total_s": one.total_s,
        "longest_s": one.longest_s,
    }


def _alarm_json(summary: Summary, alarm: Alarm) -> dict[str, Any]:
    where = {"alarm": alarm.alarm, "channel": alarm.channel, "slot": alarm.slot}
    return where | time_json(summary.checked, alarm.at) | {"text": alarm_text(summary, alarm)}


def _mark_json(summary: Summary, mark: Mark) -> dict[str, Any]:
    return time_json(summary.checked, mark.at) | {
        "kind": MARK_NAMES.get(mark.kind, str(mark.kind)),
        "outcome": OUTCOME_NAMES.get(mark.outcome, str(mark.outcome)),
        "proven": mark.proven,
        "by_button": mark.by_button,
        "operator": mark.operator,
        "place": mark.place,
        "note": mark.note,
    }


def shock_json(checked: Checked, shock: Shock) -> dict[str, Any]:
    """One shock in SI units."""
    return (
        {"event": shock.event}
        | time_json(checked, shock.at)
        | {
            "tick_us": shock.tick_us,
            "rate_Hz": shock.rate_Hz,
            "duration_ms": shock.duration_ms,
            "base_m_s2": shock.base_m_s2,
            "peak_m_s2": shock.peak_m_s2,
            "velocity_m_s": shock.velocity_m_s,
            "remarks": shock.remarks,
            "waveform": bool(shock.waves),
        }
    )


def _outage_json(summary: Summary, one: Outage) -> dict[str, Any]:
    span = {"start": time_json(summary.checked, one.start), "end": time_json(summary.checked, one.end)}
    return {"channel": one.channel, "slots": one.slots, "reason": one.reason} | span
