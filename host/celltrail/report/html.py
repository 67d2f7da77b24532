"""A report as one HTML page: nothing is fetched, no script is needed, and every text is escaped."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from celltrail.files import write_atomic
from celltrail.report import page
from celltrail.report.page import Report


def write_html(report: Report, path: Path, source: Path) -> None:
    """Write the page; `source` is the file that must not be overwritten. UsageFault."""
    write_atomic(path, html_text(report).encode(), source=source)


def html_text(report: Report) -> str:
    """The whole page."""
    return _template().render(report=report, svg=Markup, kind_of=_kind_of)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("celltrail.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja")


def _kind_of(block: page.Block) -> str:
    return type(block).__name__.lower()
