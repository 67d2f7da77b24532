"""The answer in one line, and the few points under it that a person must not miss."""

from collections.abc import Iterator

from celltrail.evaluate import verdicts
from celltrail.evaluate.excursions import Excursion
from celltrail.evidence import verdict as evidence
from celltrail.report.page import BAD, GOOD, OPEN, Cell
from celltrail.report.shocks import damage_sentence, shock_peak
from celltrail.report.subject import Subject

_BAD_RECORD = (evidence.CHANGED, evidence.INCOMPLETE)


def kind_of(subject: Subject) -> str:
    """GOOD when limits were kept and the record proves it, BAD when one of both is wrong, else OPEN."""
    verdict, answer = subject.verdict, subject.made.answer
    if verdict.word in _BAD_RECORD or answer == verdicts.OUT:
        return BAD
    return GOOD if verdict.intact and answer == verdicts.IN else OPEN


def answer_of(subject: Subject) -> str:
    """Were the limits kept, and can the record be trusted? What is wrong with the record comes first."""
    sentences = [_limits(subject), record_sentence(subject)]
    return " ".join(reversed(sentences) if subject.verdict.word in _BAD_RECORD else sentences)


def record_sentence(subject: Subject) -> str:
    """The record is complete and untouched."""
    return subject.words(f"answer.record.{subject.verdict.word.replace(' ', '-')}")


def _limits(subject: Subject) -> str:
    made, say = subject.made, subject.words
    found = [one.verdict for one in made.judged]
    if made.answer == verdicts.OUT:
        return say("answer.out", count=found.count(verdicts.OUT), all=len(found))
    if made.answer == verdicts.UNDECIDABLE:
        return say("answer.undecidable", count=found.count(verdicts.UNDECIDABLE), all=len(found))
    return say("answer.in", all=len(found)) if made.answer else say("answer.none")


def points_of(subject: Subject) -> tuple[Cell, ...]:
    """The worst excursion, why something is undecided, time without readings, shocks."""
    return tuple(_points(subject))


def _points(subject: Subject) -> Iterator[str]:
    made, say = subject.made, subject.words
    if made.excursions:
        yield say.count("point.excursions", len(made.excursions), worst=_worst(subject))
    if made.excursions and not any(one.sure for one in made.excursions):
        yield say("point.within")
    for reason in dict.fromkeys(reason for one in made.results for reason in one.reasons):
        yield say("point.because", reason=say.known("reason", reason))
    unread = [one.series.unknown_s for one in made.channels if one.series.unknown_s]
    if unread:
        yield say("point.unread", length=say.span(max(unread)))
    if any(one.series.unknown_s is None for one in made.channels):
        yield say("point.open-end")
    yield from _shocks(subject)
    if subject.record.simulated:
        yield say("point.simulated")


def _worst(subject: Subject) -> str:
    """The excursion that lasted longest, and that which went farthest when it is another one."""
    made, say = subject.made, subject.words
    longest = max(made.excursions, key=lambda one: one.outside_s)
    farthest = max(made.excursions, key=lambda one: abs(one.extreme_c - one.limit_c))
    text = say("point.longest", **_of(subject, longest))
    return text if farthest is longest else f"{text} {say('point.farthest', **_of(subject, farthest))}"


def _of(subject: Subject, one: Excursion) -> dict[str, str]:
    return {
        "number": f"E{subject.made.excursions.index(one) + 1}",
        "limit": subject.limit(one.channel, one.is_high, one.limit_c),
        "length": subject.words.span(one.outside_s),
        "extreme": subject.words.celsius(one.extreme_c),
        "legs": subject.legs_text(one.legs),
    }


def _shocks(subject: Subject) -> Iterator[str]:
    made, say = subject.made, subject.words
    if not made.shocks:
        watched = bool(subject.record.plan and subject.record.plan.get("shock"))
        yield say("point.no-shock" if watched else "point.shocks-unwatched")
    else:
        hardest = max(made.shocks, key=lambda one: one.resultant_g)
        where = f" ({say('leg.numbered', number=hardest.leg)})" if made.legs else ""
        peak = shock_peak(subject, hardest)
        yield say.count("point.shocks", len(made.shocks), peak=peak, leg=where)
    if made.damage is not None:
        yield damage_sentence(subject, made.damage)
