"""The section on shocks: against the product's damage boundary, by leg, each event, and the hardest one's spectrum."""

from collections.abc import Sequence

from celltrail.evaluate.drops import DropHeight
from celltrail.evaluate.orientation import Orientation
from celltrail.evaluate.shocks import TRUSTED_SHARE, DamageResult, LegShocks, ShockResult
from celltrail.report.page import Block, Cell, Column, Paragraph, Section, Table
from celltrail.report.shock_plot import boundary_figure, spectrum_figure
from celltrail.report.subject import MOST_ROWS, Subject
from celltrail.report.temperature import cut_off

_AT_LEAST = "\u2265\u00a0"
_NUMBERS = ("peaks", "resultant", "duration", "velocity", "height", "count")


def shocks(subject: Subject) -> Section:
    """Every event with its figures, and what they come to."""
    say, made = subject.words, subject.made
    blocks: list[Block] = [] if made.damage is None else [Paragraph(damage_sentence(subject, made.damage))]
    if made.shocks:
        blocks += [Paragraph(say("shocks.how")), boundary_figure(subject)]
        spectrum = spectrum_figure(subject)
        blocks += [] if spectrum is None else [spectrum]
        if made.legs:
            blocks.append(_by_leg(subject))
        blocks += [_events(subject, made.shocks[:MOST_ROWS]), *cut_off(subject, len(made.shocks))]
    else:
        watched = bool(subject.record.plan and subject.record.plan.get("shock"))
        blocks.append(Paragraph(say("shocks.none" if watched else "shocks.unwatched")))
    return Section("shocks", say("shocks.heading"), tuple(blocks))


def damage_sentence(subject: Subject, one: DamageResult) -> str:
    """No shock went beyond the product's damage boundary, or how many did, or that nobody can tell."""
    say = subject.words
    boundary = say(
        "damage.boundary",
        peak=say.short(float(one.fragility.critical_g)),
        velocity=say.short(float(one.fragility.critical_m_s)),
    )
    if one.beyond:
        return say.count("damage.out", len(one.beyond), boundary=boundary)
    return say(f"damage.{one.verdict}", boundary=boundary)


def shock_peak(subject: Subject, one: ShockResult) -> str:
    """The resultant in g, up to what it would be if all axes had peaked at once where no waveform tells it."""
    low = subject.words.number(one.resultant_g, 1)
    high = low if one.shock.waves else subject.words.number(one.resultant_most_g, 1)
    return _at_least(_range(low, high), one.lower_bound)


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low}\u2013{high}"


def _at_least(text: str, is_least: bool) -> str:
    return _AT_LEAST + text if is_least else text


def _columns(subject: Subject, names: Sequence[str], wide: str) -> tuple[Column, ...]:
    return tuple(Column(subject.words(f"shocks.{one}"), number=one in _NUMBERS, wide=one == wide) for one in names)


def _by_leg(subject: Subject) -> Table:
    names = ("leg", "way", "count", "resultant", "velocity", "height")
    rows = tuple(_leg(subject, one) for one in subject.made.leg_shocks)
    return Table(subject.words("shocks.by-leg"), _columns(subject, names, "way"), rows)


def _leg(subject: Subject, one: LegShocks) -> tuple[Cell, ...]:
    say = subject.words
    figures = ((one.highest_g, 1), (one.highest_velocity_m_s, 2), (one.highest_drop_m, 2))
    return (
        subject.leg_number(one.leg),
        subject.leg_name(subject.made.legs[one.leg]),
        say.whole(one.count),
        *(say("word.none") if value is None else say.number(value, digits) for value, digits in figures),
    )


def _events(subject: Subject, events: Sequence[ShockResult]) -> Table:
    names = (
        "number", "time", "leg", "peaks", "resultant", "duration", "velocity", "up", "hit", "height", "remarks",
    )  # fmt: skip
    rows = tuple(_event(subject, one) for one in events)
    return Table(subject.words("shocks.table"), _columns(subject, names, "remarks"), rows)


def _event(subject: Subject, one: ShockResult) -> tuple[Cell, ...]:
    say = subject.words
    length = say.number(one.active_ms, 1) + "*" if one.duration_ms is None else say.number(one.duration_ms, 1)
    return (
        str(one.shock.event),
        say.moment(one.moment, seconds=True),
        subject.leg_number(one.leg) if subject.made.legs else say("word.none"),
        " / ".join(say.number(value, 1) for value in one.peak_g),
        shock_peak(subject, one),
        length,
        say.number(one.velocity_change_m_s, 2),
        _up(subject, one.orientation),
        _sides(one.orientation.hit) or say("word.none"),
        _height(subject, one.drop),
        _remarks(subject, one),
    )


def _up(subject: Subject, one: Orientation) -> str:
    if one.tilt_deg is None:
        return subject.words(f"shocks.{one.state}")
    return f"{_sides(one.up)} {subject.words.number(one.tilt_deg, 0)}\u00b0"


def _sides(names: str) -> str:
    return names.replace("-", "\u2212")


def _height(subject: Subject, one: DropHeight) -> str:
    low, high = (subject.words.number(metres, 2) for metres in (one.lowest_m, one.highest_m))
    return _at_least(_range(low, high), one.at_least)


def _remarks(subject: Subject, one: ShockResult) -> str:
    say = subject.words
    remarks = [say.known("shock", remark) for remark in one.remarks]
    if one.drop.method == "fall":
        remarks.append(say("shocks.fell"))
    if one.under_read > TRUSTED_SHARE:
        share = say.percent(one.under_read)
        remarks.append(say("shocks.too-short", rate=say.number(one.shock.rate_Hz, 0), share=share))
    return ", ".join(remarks) or say("word.none")
