"""The first page: what was shipped, when and how it was measured, and the picture."""

from celltrail.evaluate.evaluation import ChannelResult
from celltrail.report.page import Block, Cell, Facts, Figure
from celltrail.report.plain import plain
from celltrail.report.plot import Content, draw
from celltrail.report.subject import Subject


def title_of(subject: Subject) -> str:
    """Trip 3 of CT-3F2A91."""
    if subject.record.trip < 0:
        return subject.words("title.unknown")
    return subject.words("title.trip", trip=subject.record.trip, logger=subject.name)


def subtitle_of(subject: Subject) -> str:
    """The route and the rules."""
    rules, say = subject.made.rules, subject.words
    name = plain(rules.name) or say("word.none")
    parts = [say("title.armed" if rules.armed else "title.profile", profile=name)]
    places = [plain(mark.place) for mark in subject.record.marks if mark.place]
    if places and places[0] != places[-1]:
        parts.insert(0, say("title.route", start=places[0], end=places[-1]))
    if subject.record.simulated:
        parts.append(say("title.simulated"))
    return " \u00b7 ".join(parts)


def first_page(subject: Subject) -> tuple[Block, ...]:
    """Facts and picture."""
    return (Facts(tuple(_facts(subject))), figure(subject))


def _facts(subject: Subject) -> list[tuple[str, Cell]]:
    made, say = subject.made, subject.words
    rows: list[tuple[str, Cell]] = [(say("first.recorded"), _recorded(subject))]
    if made.window.start.slot > 0 or made.window.end.slot < _expected(subject):
        rows.append((say("first.judged"), say("time.range", start=say.moment(made.start), end=say.moment(made.end))))
    for one in made.channels:
        name = say("first.temperature")
        name += f", {say('channel', number=one.series.number)}" if len(made.channels) > 1 else ""
        rows.append((name, _temperature(subject, one)))
    rows.append((say("first.readings"), _readings(subject)))
    rows.append((say("first.signed"), signed(subject)))
    return rows


def _temperature(subject: Subject, one: ChannelResult) -> str:
    say, figures, uncertainty = subject.words, one.statistics, one.series.uncertainty
    if figures.lowest_c is None:
        return say("first.no-readings")
    return say(
        "first.range",
        low=say.celsius(figures.lowest_c),
        mean=say.celsius(figures.mean_c),
        high=say.celsius(figures.highest_c),
        within=say.within(uncertainty.total_c),
        basis=_basis(subject, uncertainty.basis),
    )


def _expected(subject: Subject) -> int:
    return max((one.expected for one in subject.verdict.coverage), default=0)


def _recorded(subject: Subject) -> str:
    verdict, say = subject.verdict, subject.words
    if verdict.first_utc_ms is None or verdict.last_utc_ms is None:
        return say("first.no-time")
    length = say.span((verdict.last_utc_ms - verdict.first_utc_ms) / 1000)
    text = say("time.range", start=say.time(verdict.first_utc_ms), end=say.utc(verdict.last_utc_ms))
    return say("first.recorded-as", range=text, length=length, bound=say.bound(verdict.bound_ms))


def _basis(subject: Subject, basis: str) -> str:
    if basis == "datasheet":
        return subject.words("basis.datasheet")
    return subject.words("basis.calibration", certificate=plain(basis.removeprefix("calibration ")))


def _readings(subject: Subject) -> str:
    say = subject.words
    period = say.span(subject.record.period_ms / 1000)
    read = sum(one.readings for one in subject.verdict.coverage)
    due = sum(one.expected for one in subject.verdict.coverage)
    return say("first.count", read=say.whole(read), due=say.whole(due), period=period)


def signed(subject: Subject) -> str:
    """Who read it out, when, and whether the file has changed since."""
    one, say = subject.verdict.signature, subject.words
    if one.state != "good":
        return say(f"signed.{one.state}")
    key = (
        say("signed.unknown-key")
        if one.known_as is None
        else say("signed.known-key", name=_known(subject, one.known_as))
    )
    return say(
        "signed.good",
        who=plain(one.operator) or say("word.nobody"),
        host=plain(one.host),
        time=say.utc(one.utc_ms),
        key=key,
    )


def _known(subject: Subject, name: str) -> str:
    return subject.words("signed.this-computer") if name == "this computer" else plain(name)


def figure(subject: Subject) -> Figure:
    """The picture in two sizes, and in words."""
    say = subject.words
    content = Content(
        subject.made, subject.summary.axis, subject.summary.outages, say, title_of(subject), _in_words(subject)
    )
    return Figure(say("plot.caption"), content.text, *(draw(content, size) for size in subject.sizes))


def _in_words(subject: Subject) -> str:
    made, say = subject.made, subject.words
    parts = [
        say(
            "plot.range",
            channel=one.series.number,
            low=say.celsius(one.statistics.lowest_c),
            high=say.celsius(one.statistics.highest_c),
        )
        for one in made.channels
        if one.statistics.lowest_c is not None
    ]
    counts = {
        "excursions": made.excursions,
        "legs": made.legs,
        "marks": made.record.marks,
        "shocks": made.record.shocks,
    }
    return " ".join([*parts, *(say.count(f"plot.count-{key}", len(some)) for key, some in counts.items())])
