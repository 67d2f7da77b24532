"""From an evaluated trip to its report."""

from celltrail import __version__
from celltrail.evaluate.evaluation import Evaluation
from celltrail.report import journey, origin, temperature, trust
from celltrail.report.answer import answer_of, kind_of, points_of
from celltrail.report.first_page import first_page, subtitle_of, title_of
from celltrail.report.page import Report
from celltrail.report.plot_style import NARROW, PAPER, WIDE
from celltrail.report.shocks import shocks
from celltrail.report.subject import Subject
from celltrail.report.words import words_of

_SECTIONS = (
    temperature.limits,
    temperature.excursions,
    journey.legs,
    journey.marks,
    shocks,
    journey.outages,
    temperature.figures,
    temperature.measured,
    trust.record,
    trust.clock,
    trust.calibration,
    origin.settings,
    origin.audit,
    origin.origin,
    origin.reading,
)
_LABELS = ("report", "contents", "page", "scroll", "first", "good", "bad", "open")


def report_of(made: Evaluation, language: str, made_utc_ms: int, *, on_paper: bool = False) -> Report:
    """The report in a language of LANGUAGES; `on_paper` draws the pictures for a page of A4, in one size only."""
    say = words_of(language)
    subject = Subject(made, say, made_utc_ms, (PAPER, PAPER) if on_paper else (WIDE, NARROW))
    return Report(
        language=language,
        title=title_of(subject),
        subtitle=subtitle_of(subject),
        kind=kind_of(subject),
        answer=answer_of(subject),
        points=points_of(subject),
        first=first_page(subject),
        sections=tuple(section(subject) for section in _SECTIONS),
        footer=say("footer", title=title_of(subject), time=say.utc(made_utc_ms), version=__version__),
        made_utc_ms=made_utc_ms,
        labels={key: say(f"label.{key}") for key in _LABELS},
    )
