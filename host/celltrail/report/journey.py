"""Sections on the way: legs, custody marks, and time without readings."""

from celltrail.evaluate.legs import Leg
from celltrail.evidence.outages import Outage
from celltrail.evidence.record import Mark
from celltrail.report.page import Cell, Column, Paragraph, Section, Table
from celltrail.report.plain import plain
from celltrail.report.subject import MOST_ROWS, Subject
from celltrail.report.temperature import cut_off
from celltrail_protocol.names import OUTCOME_NAMES


def legs(subject: Subject) -> Section:
    """Each leg with its temperature and its shocks; inferred ones look different."""
    say = subject.words
    titles = ("leg", "way", "start", "length", "known", "low", "mean", "high", "outside", "shocks")
    columns = tuple(
        Column(say(f"legs.{one}"), number=one in ("low", "mean", "high", "shocks"), wide=one == "way") for one in titles
    )
    counts = {one.leg: one.count for one in subject.made.leg_shocks}
    rows = tuple(_leg(subject, one, counts[one.number]) for one in subject.made.legs)
    return Section("legs", say("legs.heading"), (Paragraph(say("legs.how")), Table(say("legs.table"), columns, rows)))


def _leg(subject: Subject, leg: Leg, shocks: int) -> tuple[Cell, ...]:
    say = subject.words
    known = say(f"legs.{leg.basis}", share=say.percent(leg.confidence or 0.0))
    figures = [channel.legs[leg.number] for channel in subject.made.channels]
    ranges = [
        " / ".join(say("word.none") if value is None else say.number(value) for value in values)
        for values in (
            [one.statistics.lowest_c for one in figures],
            [one.statistics.mean_c for one in figures],
            [one.statistics.highest_c for one in figures],
        )
    ]
    outside = max((seconds for one in figures for seconds in one.outside_s.values()), default=0.0)
    return (
        subject.leg_number(leg.number), subject.leg_name(leg), _local(subject, leg), say.span(leg.length_s), known,
        *ranges, say.span(outside) if outside else say("word.none"), say.whole(shocks),
    )  # fmt: skip


def _local(subject: Subject, leg: Leg) -> str:
    """The beginning in UTC, and in the place's time where a milestone tells its offset."""
    say, start = subject.words, leg.start
    text = say.moment(start.moment)
    if not start.zone or start.moment.utc_ms is None:
        return text
    sign = -1 if start.zone.startswith("-") else 1
    hours, _, minutes = start.zone.strip("+-").partition(":")
    local_ms = start.moment.utc_ms + sign * (int(hours) * 60 + int(minutes or 0)) * 60_000
    return f"{text} ({say('time.local', time=say.time(local_ms), zone=start.zone)})"


def marks(subject: Subject) -> Section:
    """Custody marks as they stand in the record."""
    say, record = subject.words, subject.record
    if not record.marks:
        return Section("marks", say("marks.heading"), (Paragraph(say("marks.none")),))
    titles = ("number", "time", "kind", "place", "who", "proof", "note")
    columns = tuple(Column(say(f"marks.{one}"), wide=one == "note") for one in titles)
    rows = tuple(_mark(subject, number, one) for number, one in enumerate(record.marks[:MOST_ROWS], 1))
    table = Table(say("marks.table"), columns, rows)
    return Section(
        "marks", say("marks.heading"), (Paragraph(say("marks.how")), table, *cut_off(subject, len(record.marks)))
    )


def _mark(subject: Subject, number: int, mark: Mark) -> tuple[Cell, ...]:
    say = subject.words
    kind = subject.mark_kind(mark.kind)
    outcome = OUTCOME_NAMES.get(mark.outcome, "")
    kind += f" ({say.known('outcome', outcome)})" if outcome else ""
    proof = "marks.button" if mark.by_button else "marks.proven" if mark.proven else "marks.open"
    none = say("word.none")
    who, place = plain(mark.operator) or none, plain(mark.place) or none
    return f"M{number}", subject.instant(mark.at), kind, place, who, say(proof), plain(mark.note) or none


def outages(subject: Subject) -> Section:
    """Time without readings, and why."""
    say, found = subject.words, subject.summary.outages
    if not found:
        return Section("outages", say("outages.heading"), (Paragraph(say("outages.none")),))
    columns = tuple(
        Column(say(f"outages.{one}"), wide=one == "reason") for one in ("start", "end", "length", "channel", "reason")
    )
    rows = tuple(_outage(subject, one) for one in found[:MOST_ROWS])
    blocks = (Paragraph(say("outages.how")), Table(say("outages.table"), columns, rows), *cut_off(subject, len(found)))
    return Section("outages", say("outages.heading"), blocks)


def _outage(subject: Subject, one: Outage) -> tuple[Cell, ...]:
    say, axis = subject.words, subject.summary.axis
    start, end = axis.at(one.start), axis.at(one.end)
    length = None if start is None or end is None else (end - start) / 1000
    who = say("outages.all") if one.channel is None else str(one.channel)
    return subject.instant(one.start), subject.instant(one.end), say.span(length), who, _reason(subject, one.reason)


def _reason(subject: Subject, reason: str) -> str:
    inner = reason.removeprefix("restart (").removesuffix(")")
    if inner != reason:
        return subject.words("outages.restart", cause=subject.words.known("reset", inner))
    return subject.words.known("outage", reason)
