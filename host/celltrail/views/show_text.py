"""The lines of `celltrail show`: what is in a trip, for people."""

import textwrap

from celltrail.evidence.outages import Outage
from celltrail.evidence.record import Shock
from celltrail.utc import short, span
from celltrail.views.summary import Pressure, Statistics, Summary, alarm_text, mark_text, whose
from celltrail.views.verdict_text import headline, how
from celltrail_protocol.codes import STATE_LOGGING, STATE_STOPPED
from celltrail_protocol.names import REASON_NAMES

MOST_LISTED = 20
_AXES = "xyz"


def summary_lines(summary: Summary, most: int = MOST_LISTED) -> list[str]:
    """Everything but the plot, at most `most` of a kind; no line is made wider than its content needs."""
    lines = [headline(summary.checked.verdict), *_head(summary)]
    lines += ["", *(_channel(one) for one in summary.statistics)]
    lines += [*(_pressure(one) for one in summary.pressures), *_outside(summary)]
    record = summary.checked.record
    sections = {
        "alarms": [f"{summary.when(one.at)}  {alarm_text(summary, one)}" for one in record.alarms],
        "marks": [f"{summary.when(one.at)}  {mark_text(one)}" for one in record.marks],
        "shocks": [_shock(summary, one) for one in record.shocks],
        "outages": [_outage(summary, one) for one in summary.outages],
        "clock": list(summary.checked.verdict.clock_flags),
    }
    return lines + [line for title, entries in sections.items() for line in _section(title, entries, most)]


def wrapped(lines: list[str], width: int) -> list[str]:
    """The lines, those that are too long continued below, further in."""
    made: list[str] = []
    for line in lines:
        inner = " " * (len(line) - len(line.lstrip()) + 4)
        made += textwrap.wrap(line, width, subsequent_indent=inner, break_on_hyphens=False) or [""]
    return made


def _head(summary: Summary) -> list[str]:
    record, verdict = summary.checked.record, summary.checked.verdict
    simulated = ", simulated" if record.simulated else ""
    lines = [f"{whose(record, 'trip')}{simulated}{_profile(summary)}", *_ends(summary)]
    if verdict.first_utc_ms is None or verdict.last_utc_ms is None:
        return [*lines, "no reading has a known time"]
    bound = "" if verdict.bound_ms is None else f", within {span(verdict.bound_ms)}"
    length = span(verdict.last_utc_ms - verdict.first_utc_ms)
    return [*lines, f"{short(verdict.first_utc_ms)} to {short(verdict.last_utc_ms)} UTC ({length}){bound}"]


def _profile(summary: Summary) -> str:
    record = summary.checked.record
    name = record.plan.get("profile") if record.plan else None
    period = f", one reading every {span(record.period_ms)}" if record.period_ms else ""
    return (f", profile {name}" if name else "") + period


def _ends(summary: Summary) -> list[str]:
    """How the trip began and how it ended, as far as the record tells."""
    states = summary.checked.record.states
    found = [("began", one) for one in states if one.state == STATE_LOGGING][:1]
    found += [("ended", one) for one in states[-1:] if one.state == STATE_STOPPED]
    parts = [f"{word} {how(REASON_NAMES.get(one.reason, 'unknown'))} ({summary.when(one.at)})" for word, one in found]
    return [", ".join(parts)] if parts else []


def _channel(one: Statistics) -> str:
    head = f"channel {one.channel.number}  {one.channel.sensor.name}, {one.count} readings"
    if one.lowest_c is None or one.mean_c is None or one.highest_c is None:
        return head
    return f"{head}: lowest {one.lowest_c:.2f}, mean {one.mean_c:.2f}, highest {one.highest_c:.2f} degC"


def _pressure(one: Pressure) -> str:
    head = f"channel {one.channel.number}  {one.channel.sensor.name}, {len(one.channel.raw)} readings"
    if one.lowest_hPa is None or one.mean_hPa is None or one.highest_hPa is None:
        return head
    return f"{head}: lowest {one.lowest_hPa:.1f}, mean {one.mean_hPa:.1f}, highest {one.highest_hPa:.1f} hPa"


def _outside(summary: Summary) -> list[str]:
    """For information: a verdict on the product is not made here."""
    return [
        f"channel {one.limit.channel}  at or {one.limit.side} {one.limit.limit_c:.4g} degC for "
        f"{span(one.total_s * 1000)} in all, {span(one.longest_s * 1000)} at a stretch"
        for one in summary.outside
        if one.readings
    ]


def _shock(summary: Summary, shock: Shock) -> str:
    axis, away_g = shock.largest
    velocity = max(abs(value) for value in shock.velocity_m_s)
    remarks = f" ({', '.join(shock.remarks)})" if shock.remarks else ""
    return (
        f"{summary.when(shock.at)}  {away_g:.1f} g on {_AXES[axis]}, {shock.duration_ms:.1f} ms, "
        f"velocity change {velocity:.2f} m/s{remarks}"
    )


def _outage(summary: Summary, one: Outage) -> str:
    start, end = summary.axis.at(one.start), summary.axis.at(one.end)
    where = "" if one.channel is None else f"channel {one.channel}, "
    slots = f", {one.slots} slot{'s' if one.slots > 1 else ''}" if one.slots else ""
    length = "an unknown time" if start is None or end is None else span(end - start)
    return f"{summary.when(one.start)}  {where}{one.reason}, {length}{slots}"


def _section(title: str, entries: list[str], most: int) -> list[str]:
    if not entries:
        return []
    more = len(entries) - most
    shown = [f"  {entry}" for entry in entries[:most]]
    return ["", title, *shown, *([f"  ... and {more} more; --all lists them"] if more > 0 else [])]
