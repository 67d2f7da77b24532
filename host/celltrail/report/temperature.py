"""Sections on temperature: limits and budgets, excursions, figures, what was measured and what was not."""

from collections.abc import Iterator

from celltrail.evaluate.budget import BudgetResult
from celltrail.evaluate.evaluation import ChannelResult
from celltrail.evaluate.excursions import Excursion
from celltrail.evaluate.judge import RuleResult
from celltrail.evaluate.plausible import Flag
from celltrail.evaluate.verdicts import IN
from celltrail.report.page import Block, Cell, Column, Paragraph, Points, Section, Table, Text
from celltrail.report.plain import plain
from celltrail.report.subject import MOST_ROWS, Subject

_PERCENTILES = (5, 50, 95)


def limits(subject: Subject) -> Section:
    """Each limit and each budget with its answer, and what it rests on."""
    made, say = subject.made, subject.words
    blocks: list[Block] = [Paragraph(say("limits.how"))]
    if made.results:
        titles = ("limit", "allowed", "level", "beyond", "outside", "answer")
        columns = tuple(
            Column(say(f"limits.{one}"), number=one in ("level", "beyond"), wide=one == "answer") for one in titles
        )
        blocks.append(Table(say("limits.table"), columns, tuple(_result(subject, one) for one in made.results)))
    else:
        blocks.append(Paragraph(say("limits.none")))
    if made.budgets:
        names = ("band", "budget", "before", "used", "left", "by-leg", "answer")
        budgets = tuple(Column(say(f"limits.{one}"), wide=one == "by-leg") for one in names)
        blocks.append(Table(say("limits.budgets"), budgets, tuple(_budget(subject, one) for one in made.budgets)))
    if made.rules.sources:
        blocks.append(Paragraph(say("limits.sources")))
        blocks.append(Points(tuple(subject.said(one) for one in made.rules.sources)))
    return Section("limits", say("limits.heading"), tuple(blocks))


def _answer(subject: Subject, verdict: str) -> str:
    return subject.words(f"verdict.{verdict}")


def _result(subject: Subject, one: RuleResult) -> tuple[Cell, ...]:
    say, rule = subject.words, one.rule
    level = say("word.none") if one.level_c is None else f"{say.number(one.level_c)} {say.within(one.uncertainty_c)}"
    beyond = say("word.none") if one.beyond_c is None else _signed(subject, one.beyond_c)
    text = _answer(subject, one.verdict)
    if one.reasons:
        reasons = say("word.and").join(say.known("reason", reason) for reason in one.reasons)
        text = say("limits.because", answer=text, reasons=reasons)
    answer = text if one.verdict == IN else Text(text, strong=True)
    allowed = subject.allowed(rule.is_cumulative, rule.delay_s)
    return subject.rule(rule), allowed, level, beyond, _outside(subject, one), answer


def _signed(subject: Subject, value: float) -> str:
    return ("+" if value > 0 else "") + subject.words.number(value)


def _outside(subject: Subject, one: RuleResult) -> str:
    say = subject.words
    if one.surely_s == one.outside_s == one.possibly_s:
        return say.span(one.outside_s)
    if one.possibly_s is None:
        return say("limits.at-least", read=say.span(one.outside_s), least=say.span(one.surely_s))
    return say(
        "limits.between", read=say.span(one.outside_s), least=say.span(one.surely_s), most=say.span(one.possibly_s)
    )


def _budget(subject: Subject, one: BudgetResult) -> tuple[Cell, ...]:
    say, budget = subject.words, one.budget
    band = say("limits.from-to", low=say.short(float(budget.low_c)), high=say.short(float(budget.high_c)))
    by_leg = ", ".join(
        say("limits.leg-used", leg=leg, used=say.span(used)) for leg, used in enumerate(one.by_leg_s) if used
    )
    left = say.span(one.left_s) if one.left_s >= 0 else say("limits.overdrawn", length=say.span(-one.left_s))
    answer = _answer(subject, one.verdict)
    spans = (say.span(budget.allowed_s), say.span(one.used_before_s), say.span(one.used_s))
    return (band, *spans, left, by_leg or say("word.none"), answer if one.verdict == IN else Text(answer, strong=True))


def excursions(subject: Subject) -> Section:
    """Every excursion, with its extreme, area and legs."""
    made, say = subject.made, subject.words
    if not made.excursions:
        return Section("excursions", say("excursions.heading"), (Paragraph(say("excursions.none")),))
    titles = ("number", "limit", "start", "end", "length", "extreme", "at", "area", "legs", "sure")
    columns = tuple(Column(say(f"excursions.{one}"), number=one in ("extreme", "area")) for one in titles)
    shown = made.excursions[:MOST_ROWS]
    rows = tuple(_excursion(subject, number, one) for number, one in enumerate(shown, 1))
    blocks: list[Block] = [Paragraph(say("excursions.how")), Table(say("excursions.table"), columns, rows)]
    blocks += cut_off(subject, len(made.excursions))
    return Section("excursions", say("excursions.heading"), tuple(blocks))


def cut_off(subject: Subject, count: int) -> list[Block]:
    """Says so when rows were left out."""
    left = count - MOST_ROWS
    return [Paragraph(subject.words("word.more", count=subject.words.whole(left)))] if left > 0 else []


def _excursion(subject: Subject, number: int, one: Excursion) -> tuple[Cell, ...]:
    say = subject.words
    length = say.span(one.outside_s)
    if one.unknown_s != 0:
        length = say("excursions.with-unknown", length=length, unknown=say.span(one.unknown_s))
    return (
        f"E{number}",
        subject.limit(one.channel, one.is_high, one.limit_c),
        say.moment(one.start),
        say.moment(one.end),
        length,
        say.number(one.extreme_c),
        say.moment(one.extreme_at),
        say.number(one.area_c_min, 1),
        subject.legs_text(one.legs),
        say("excursions.surely" if one.sure else "excursions.maybe"),
    )


def figures(subject: Subject) -> Section:
    """What the readings come to, and mean kinetic temperature for information."""
    made, say = subject.made, subject.words
    columns = (Column(say("figures.figure")), *(Column(_channel(subject, one), number=True) for one in made.channels))
    named = [_figures(subject, one) for one in made.channels]
    rows = tuple((row[0][0], *(value for _, value in row)) for row in zip(*named, strict=True))
    blocks: list[Block] = [Table(say("figures.table"), columns, rows)]
    if any(one.kinetic for one in made.channels):
        blocks.append(Paragraph(say("figures.mkt-note")))
    return Section("figures", say("figures.heading"), tuple(blocks))


def _channel(subject: Subject, one: ChannelResult) -> str:
    return subject.words("channel", number=one.series.number)


def _figures(subject: Subject, one: ChannelResult) -> list[tuple[str, str]]:
    say, it = subject.words, one.statistics
    rows = [(say("figures.readings"), say.whole(it.readings)), (say("figures.covered"), say.span(it.covered_s))]
    rows += [(say("figures.unknown"), say.span(one.series.unknown_s))]
    for key, value in (("lowest", it.lowest_c), ("mean", it.mean_c), ("highest", it.highest_c)):
        rows.append((say(f"figures.{key}"), say.celsius(value)))
    rows.append((say("figures.sd"), say("word.none") if it.sd_c is None else f"{say.number(it.sd_c)}\u00a0K"))
    for share in _PERCENTILES:
        rows.append((say("figures.percentile", share=share), say.celsius((it.percentiles_c or {}).get(share))))
    rows.append((say("figures.mkt"), _kinetic(subject, one)))
    return rows


def _kinetic(subject: Subject, one: ChannelResult) -> str:
    say, kinetic = subject.words, one.kinetic
    if kinetic is None:
        return say("figures.no-mkt")
    key = "figures.mkt-highest" if kinetic.whole else "figures.mkt-shorter"
    return say(key, value=say.celsius(kinetic.value_c), window=say.span(kinetic.window_s))


def measured(subject: Subject) -> Section:
    """What was measured, how well, and what was not."""
    say = subject.words
    blocks: list[Block] = [Points(tuple(_measured(subject)))]
    if subject.made.channels:
        parts = ("step", "sensor", "drift", "probe", "total", "correction", "basis")
        columns = (
            Column(say("measured.part")),
            *(Column(_channel(subject, one), number=True) for one in subject.made.channels),
        )
        rows = tuple(
            (say(f"measured.{part}"), *(_part(subject, one, part) for one in subject.made.channels)) for part in parts
        )
        blocks.append(Table(say("measured.uncertainty"), columns, rows))
    blocks += [Paragraph(say("measured.not-heading")), Points(tuple(_not_measured(subject)))]
    flags = subject.made.flags
    if flags:
        columns = tuple(
            Column(say(f"flags.{one}"), wide=one == "doubt") for one in ("start", "end", "channel", "doubt")
        )
        rows = tuple(
            (say.moment(one.start), say.moment(one.end), str(one.channel), _doubt(subject, one))
            for one in flags[:MOST_ROWS]
        )
        blocks += [Table(say("flags.table"), columns, rows), *cut_off(subject, len(flags))]
    return Section("measured", say("measured.heading"), tuple(blocks))


def _doubt(subject: Subject, one: Flag) -> Cell:
    if f"flag.{one.kind}.one" in subject.words.table:
        return subject.words.count(f"flag.{one.kind}", one.count)
    return subject.said(one.text)


def _part(subject: Subject, one: ChannelResult, part: str) -> Cell:
    within, say = one.series.uncertainty, subject.words
    if part == "basis":
        if within.basis == "datasheet":
            return say("basis.datasheet")
        return say("basis.calibration", certificate=plain(within.basis.removeprefix("calibration ")))
    if part == "correction":
        least, most = (say.number(one, 3) for one in within.corrections_c)
        return f"{least}\u00a0K" if least == most else say("measured.from-to", low=least, high=most)
    return f"{say.number(getattr(within, f'{part}_c'), 3)}\u00a0K"


def _measured(subject: Subject) -> Iterator[Cell]:
    say, record = subject.words, subject.record
    period = say.span(record.period_ms / 1000)
    for channel in record.channels:
        sensor = channel.sensor
        low, high = say.short(sensor.low_c), say.short(sensor.high_c)
        yield say(
            "measured.channel", number=channel.number, sensor=plain(sensor.name), period=period, low=low, high=high
        )
    shock = record.plan.get("shock") if record.plan else None
    if shock:
        yield say("measured.shocks", threshold=say.short(shock[0] / 1000), sensor=plain(record.fitted.accel_name))
    else:
        yield say("measured.no-shocks")


def _not_measured(subject: Subject) -> Iterator[Cell]:
    say, made = subject.words, subject.made
    yield say("unmeasured.product")
    yield say("unmeasured.between", period=say.span(subject.record.period_ms / 1000))
    for one in made.channels:
        if one.series.unknown_s is None or one.series.unknown_s:
            yield say("unmeasured.unread", number=one.series.number, length=say.span(one.series.unknown_s))
    if subject.record.plan and subject.record.plan.get("shock"):
        yield say("unmeasured.small-shocks")
    yield say("unmeasured.other")
    for note in made.notes:
        yield subject.said(note)
