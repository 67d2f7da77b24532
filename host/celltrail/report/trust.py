"""Sections on the evidence: is the record complete and untouched, and what do its times rest on?"""

from collections.abc import Iterator

from celltrail.evidence.findings import Finding
from celltrail.evidence.verdict import Restart, Verdict
from celltrail.report.answer import record_sentence
from celltrail.report.first_page import signed
from celltrail.report.page import Block, Cell, Column, Facts, Paragraph, Points, Section, Table, Text
from celltrail.report.plain import plain
from celltrail.report.subject import MOST_ROWS, Subject
from celltrail_protocol.names import CLOCK_NAMES

_LIMITS = ("unsealed", "rollback", "key-holder", "sensor", "firmware")


def record(subject: Subject) -> Section:
    """What verification found, and what it cannot find."""
    say = subject.words
    blocks: list[Block] = [Paragraph(Text(record_sentence(subject), strong=True)), Facts(tuple(_facts(subject)))]
    findings = [*subject.verdict.faults, *subject.verdict.unproven, *subject.verdict.of_kind("note")]
    if findings:
        columns = tuple(Column(say(f"record.{one}"), wide=one == "text") for one in ("kind", "found", "place", "text"))
        rows = tuple(_finding(subject, one) for one in findings[:MOST_ROWS])
        blocks.append(Table(say("record.findings"), columns, rows))
    blocks += [Paragraph(say("record.cannot")), Points(tuple(say(f"cannot.{one}") for one in _LIMITS))]
    return Section("record", say("record.heading"), tuple(blocks))


def _facts(subject: Subject) -> Iterator[tuple[str, Cell]]:
    say, verdict = subject.words, subject.verdict
    of = say("record.of", there=say.whole(verdict.sectors_present), due=say.whole(verdict.sectors_expected))
    yield say("record.sectors"), of
    for one in verdict.coverage:
        text = say("record.of", there=say.whole(one.readings), due=say.whole(one.expected))
        lacking = (("record.missing", one.missing), ("record.gaps", one.gaps), ("record.lost", one.lost))
        more = ", ".join(say(key, count=say.whole(count)) for key, count in lacking if count)
        yield say("record.readings", number=one.channel), text + (f" ({more})" if more else "")
    yield say("record.seals"), _seals(subject, verdict)
    yield say("record.unsealed"), say.whole(verdict.unsealed)
    yield say("first.signed"), signed(subject)
    if verdict.end_reason:
        yield say("record.ended"), say.known("end", verdict.end_reason)


def _seals(subject: Subject, verdict: Verdict) -> str:
    say = subject.words
    if not verdict.key_known:
        return say("record.no-key")
    text = say("record.fit", seals=say.whole(verdict.seals), checkpoints=say.whole(verdict.checkpoints))
    return text + (f"; {say('record.live')}" if verdict.live else "")


def _finding(subject: Subject, one: Finding) -> tuple[Cell, ...]:
    say = subject.words
    place = say("word.none")
    if one.first_byte is not None and one.end_byte is not None:
        place = say("record.bytes", first=one.first_byte, last=max(one.first_byte, one.end_byte - 1))
    if one.sector is not None:
        place = f"{say('record.sector', sector=one.sector)}, {place}"
    return say(f"finding.{one.kind}"), say.known("cause", one.cause.name), place, subject.said(one.text)


def clock(subject: Subject) -> Section:
    """What the times rest on."""
    say, made = subject.words, subject.made
    blocks: list[Block] = [Paragraph(say("clock.how", bound=say.bound(subject.verdict.bound_ms)))]
    pairs = made.record.clock_pairs
    if pairs:
        columns = tuple(
            Column(say(f"clock.{one}"), number=one == "boot")
            for one in ("boot", "tick", "utc", "within", "source", "kept")
        )
        rows = tuple(
            (
                str(pair.at.boot),
                say.span(pair.at.tick_ms / 1000),
                say.time(pair.utc_ms, seconds=True),
                say.bound(pair.uncertainty_ms),
                say.known("source", CLOCK_NAMES.get(pair.source, str(pair.source))),
                say("clock.sealed" if pair.recorded else "clock.read-out"),
            )
            for pair in pairs[:MOST_ROWS]
        )
        blocks.append(Table(say("clock.table"), columns, rows))
    if subject.verdict.restarts:
        columns = tuple(Column(say(f"clock.{one}")) for one in ("off", "on", "within", "length", "cause"))
        blocks.append(
            Table(say("clock.restarts"), columns, tuple(_restart(subject, one) for one in subject.verdict.restarts))
        )
    flags = subject.verdict.clock_flags
    blocks.append(Paragraph(say("clock.doubts" if flags else "clock.no-doubts")))
    blocks += [Points(tuple(subject.said(flag) for flag in flags))] if flags else []
    return Section("clock", say("clock.heading"), tuple(blocks))


def _restart(subject: Subject, one: Restart) -> tuple[Cell, ...]:
    say = subject.words
    length_s = None if one.length_ms is None else one.length_ms / 1000
    cause = say.known("reset", one.cause)
    return (
        say.time(one.off_utc_ms, True),
        say.time(one.on_utc_ms, True),
        say.bound(one.bound_ms),
        say.span(length_s),
        cause,
    )


def calibration(subject: Subject) -> Section:
    """What the sensors' uncertainty rests on."""
    say = subject.words
    rows: list[tuple[str, Cell]] = []
    for one in subject.made.channels:
        basis = one.series.uncertainty.basis
        text = say("calibration.datasheet")
        if basis != "datasheet":
            text = say("basis.calibration", certificate=plain(basis.removeprefix("calibration ")))
        rows.append((say("channel", number=one.series.number), text))
    doubts = tuple(
        subject.said(doubt) for one in subject.made.channels for doubt in one.series.doubts
        if one.series.uncertainty.basis != "datasheet"
    )  # fmt: skip
    blocks: tuple[Block, ...] = (Facts(tuple(rows)),) if rows else ()
    blocks += (Points(doubts),) if doubts else ()
    return Section("calibration", say("calibration.heading"), (*blocks, Paragraph(say("calibration.advice"))))
