"""`celltrail show`: what is in a `.trail` file."""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from celltrail.cli.common import Json, Keys, print_json, say
from celltrail.evidence.verify import load_checked
from celltrail.files import check_target
from celltrail.keys.keystore import KeyStore
from celltrail.views.audit import audit_json
from celltrail.views.audit_text import audit_lines
from celltrail.views.plot_terminal import plot_lines
from celltrail.views.show_text import MOST_LISTED, summary_lines, wrapped
from celltrail.views.summary import summarize, to_json
from celltrail.views.svg import write_svg
from celltrail.views.verdict_text import headline

EPILOG = """\b
Examples:
  celltrail show trip.trail
  celltrail show trip.trail --svg trip.svg
  celltrail show trip.trail --json
  celltrail show trip.trail --audit     who changed what, when, and with what proof

\b
It shows and doesn't judge: the exit code is 0 whatever the verdict, which is
the first line. A script that needs the answer asks 'celltrail verify'."""

_WIDTH = 80
File = Annotated[Path, typer.Argument(metavar="FILE", help="A .trail file.", show_default=False)]
Damaged = Annotated[bool, typer.Option("--damaged", help="Go on with what can be read of a damaged file.")]


def show(
    file: File,
    keys: Keys = None,
    json: Json = False,
    damaged: Damaged = False,
    audit: Annotated[bool, typer.Option("--audit", help="Show the audit trail instead of the summary.")] = False,
    every: Annotated[bool, typer.Option("--all", help="List all shocks, outages and marks, however many.")] = False,
    svg: Annotated[Path | None, typer.Option(metavar="OUT", help="Draw the trip into this file as well.")] = None,
) -> None:
    """Show what a .trail file holds: a summary and the temperature as a plot, or the audit trail."""
    if svg is not None:
        check_target(svg, file)
    summary = summarize(load_checked(file, KeyStore(keys), damaged=damaged))
    if svg is not None:
        write_svg(summary, svg)
    if json or not summary.checked.verdict.intact:
        say(f"{file}: {headline(summary.checked.verdict)}")
    if json:
        print_json(audit_json(summary) if audit else to_json(summary))
        return
    if audit:
        print("\n".join(audit_lines(summary, _width())))
        return
    print("\n".join(wrapped(summary_lines(summary, sys.maxsize if every else MOST_LISTED), _width())))
    print("\n".join(["", *plot_lines(summary, _width(), _has_colors(), not _is_utf8())]))


def _width() -> int:
    return shutil.get_terminal_size((_WIDTH, 24)).columns if sys.stdout.isatty() else _WIDTH


def _is_utf8() -> bool:
    # A stream without an encoding takes any text.
    return (sys.stdout.encoding or "utf-8").lower().replace("-", "").startswith("utf8")


def _has_colors() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
