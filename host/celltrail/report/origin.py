"""Sections on where it comes from: settings, audit trail, hashes, who read it out, and how to read the report."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from celltrail import __version__
from celltrail.evidence.limits import limits_of
from celltrail.evidence.radio import radio_times
from celltrail.report.page import Block, Cell, Column, Facts, Paragraph, Points, Section, Table, Text
from celltrail.report.plain import plain
from celltrail.report.subject import MOST_ROWS, Subject
from celltrail.report.temperature import cut_off
from celltrail.views.audit import Event, audit_of
from celltrail_protocol.codes import RADIO_ALWAYS
from celltrail_protocol.names import START_NAMES

_READING = ("limit", "verdict", "gap", "uncertainty", "shock", "time", "part11")


def settings(subject: Subject) -> Section:
    """What the logger was armed with, as its record says."""
    say, record = subject.words, subject.record
    if record.plan is None:
        return Section("settings", say("settings.heading"), (Paragraph(say("settings.unknown")),))
    blocks: list[Block] = [Facts(tuple(_settings(subject, record.plan)))]
    limits = limits_of(record)
    if limits:
        columns = (
            Column(say("settings.alarm"), number=True),
            Column(say("limits.limit")),
            Column(say("limits.allowed")),
        )
        rows = tuple(
            (
                str(one.alarm),
                subject.limit(one.channel, one.is_high, one.limit_c),
                subject.allowed(one.is_cumulative, one.delay_s),
            )
            for one in limits
        )
        blocks.append(Table(say("settings.alarms"), columns, rows))
    return Section("settings", say("settings.heading"), tuple(blocks))


def _settings(subject: Subject, plan: dict[str, Any]) -> Iterator[tuple[str, Cell]]:
    say = subject.words
    yield say("settings.profile"), plain(plan.get("profile") or say("word.none"))
    yield say("settings.period"), say.span(subject.record.period_ms / 1000)
    for key in ("checkpoint_s", "duration_s"):
        value = plan.get(key)
        if isinstance(value, int):
            yield say(f"settings.{key}"), say.span(value) if value else say("settings.until-stopped")
    yield say("settings.start"), say.known("start", START_NAMES.get(plan.get("start", -1), "unknown"))
    for key in ("wrap", "stop_button", "marks_open"):
        yield say(f"settings.{key}"), say.yes(bool(plan.get(key)))
    shock = plan.get("shock")
    if shock:
        text = say("settings.shock-on", threshold=say.short(shock[0] / 1000), least=say.short(shock[1] / 1000))
        yield say("settings.shock"), text
    else:
        yield say("settings.shock"), say("settings.shock-off")
    if "radio" in plan:
        yield from _radio(subject, plan)


def _radio(subject: Subject, plan: dict[str, Any]) -> Iterator[tuple[str, Cell]]:
    say, times = subject.words, radio_times(subject.record)
    policy = "always" if plan["radio"][0] == RADIO_ALWAYS else "windows" if plan.get("times") else "asked"
    yield say("settings.radio"), say(f"settings.radio-{policy}")
    yield say("settings.flight"), say("settings.flight-watched" if "flight" in plan else "settings.flight-unwatched")
    yield say("settings.radio-on"), say.count("settings.times", times.on, length=say.span(times.on_ms / 1000))
    if "flight" in plan:
        length = say.span(times.suspended_ms / 1000)
        yield say("settings.radio-suspended"), say.count("settings.times", times.suspended, length=length)


def audit(subject: Subject) -> Section:
    """Who changed what, when, and with what proof."""
    say, events = subject.words, audit_of(subject.summary)
    columns = tuple(
        Column(say(f"audit.{one}"), wide=one == "details")
        for one in ("time", "within", "who", "how", "what", "details")
    )
    rows = tuple(_event(subject, one) for one in events[:MOST_ROWS])
    blocks = (Paragraph(say("audit.how-to")), Table(say("audit.table"), columns, rows), *cut_off(subject, len(events)))
    return Section("audit", say("audit.heading"), blocks)


def _event(subject: Subject, one: Event) -> tuple[Cell, ...]:
    say = subject.words
    time = say.time(one.utc_ms, seconds=True) if one.utc_ms is not None or one.at is None else say.tick(one.at)
    within = say("audit.told") if one.told else say("word.none") if one.bound_ms is None else say.bound(one.bound_ms)
    return (
        time, within, plain(one.who) or say("word.none"), say.known("how", one.how), say.known("what", one.what),
        subject.said(one.details),
    )  # fmt: skip


def origin(subject: Subject) -> Section:
    """Hashes, and who read it out with what."""
    say, checked = subject.words, subject.made.checked
    record, trail, signature = checked.record, checked.trail, checked.verdict.signature
    whole = record.plan_bytes is not None
    rows: list[tuple[str, Cell]] = [
        (say("origin.file"), plain(trail.path.name)),
        (say("origin.sha256"), Text(trail.digest.hex(), code=True)),
        (say("origin.logger"), Text(f"{subject.name} ({record.uid.hex()})", code=True)),
        (
            say("origin.settings"),
            Text(
                sha256(record.plan_bytes or b"").hexdigest() if whole else f"{record.settings.hex()}\u2026", code=True
            ),
        ),
        (say("origin.operator"), plain(trail.meta.get("operator") or say("word.nobody"))),
        (say("origin.host"), plain(trail.meta.get("host") or say("word.unknown"))),
    ]
    sources = trail.meta.get("sources")
    for one in sources if isinstance(sources, list) else []:
        if isinstance(one, dict):
            rows.append(
                (
                    say("origin.merged"),
                    say("origin.source", name=plain(one.get("name", "")), operator=plain(one.get("operator", ""))),
                )
            )
    rows.append((say("origin.key"), Text(signature.public.hex(), code=True) if signature.public else say("word.none")))
    rows.append((say("origin.made"), say("origin.made-by", time=say.utc(subject.made_utc_ms), version=__version__)))
    return Section("origin", say("origin.heading"), (Facts(tuple(rows)), Paragraph(say("origin.evidence"))))


def reading(subject: Subject) -> Section:
    """How the words of this report are meant."""
    say = subject.words
    return Section("reading", say("reading.heading"), (Points(tuple(say(f"reading.{one}") for one in _READING)),))
