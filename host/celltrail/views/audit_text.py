"""The table of `celltrail show --audit`: readable at 80 columns and in a pipe."""

import textwrap

from celltrail.utc import iso, span
from celltrail.views.audit import Event, audit_of
from celltrail.views.summary import Summary, whose
from celltrail.views.verdict_text import headline

_TITLES = ("time (UTC)", "within", "who", "how", "what", "details")
_INDENT = " " * 4
_HOURS = 3_600_000
_LEGEND = (
    "how: key = proven with the device key, open = without proof, button = at the logger, logger = by itself,"
    " host = as the reading host says. within: told = the time that the commanding host gave."
)


def audit_lines(summary: Summary, width: int) -> list[str]:
    """The verdict, whose trail it is, and the table; details that don't fit a row stand below it."""
    checked = summary.checked
    rows = [(_cells(event), event.details) for event in audit_of(summary)]
    widths = [max(len(row[i]) for row in [_TITLES, *(cells for cells, _ in rows)]) for i in range(len(_TITLES) - 1)]
    head = [headline(checked.verdict), f"audit trail of {whose(checked.record, 'trip')}"]
    lines = [line for long in head for line in textwrap.wrap(long, width)]
    lines += ["", _row(_TITLES[:-1], widths, _TITLES[-1])]
    for cells, details in rows:
        lines += _lines(_row(cells, widths, details), _row(cells, widths, ""), details, width)
    return [*lines, "", *textwrap.wrap(_LEGEND, width)]


def _row(cells: tuple[str, ...], widths: list[int], details: str) -> str:
    padded = [f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)]
    return "  ".join([*padded, details]).rstrip()


def _lines(whole: str, bare: str, details: str, width: int) -> list[str]:
    if len(whole) <= width:
        return [whole]
    below = textwrap.wrap(details, width, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False)
    return [bare, *below]


def _cells(event: Event) -> tuple[str, ...]:
    within = "told" if event.told else "" if event.bound_ms is None else _bound(event.bound_ms)
    return _time(event), within, event.who or "-", event.how, event.what


def _time(event: Event) -> str:
    if event.utc_ms is not None:
        return iso(event.utc_ms)[:19].replace("T", " ")
    if event.at is None:
        return "-"
    seconds = event.at.tick_ms // 1000
    return f"boot {event.at.boot} +{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _bound(ms: int) -> str:
    """One figure, rounded up where a second is left out: 48 ms, 3 min."""
    if ms < _HOURS:
        return " ".join(span(ms).split()[:2])
    return f"{-(-ms // _HOURS)} h"
