"""`celltrail show`: what is in a `.trail` file."""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from celltrail.cli.common import Json, Keys, print_json
from celltrail.evidence.verify import load_checked
from celltrail.keys.keystore import KeyStore
from celltrail.views.plot_terminal import plot_lines
from celltrail.views.show_text import summary_lines, wrapped
from celltrail.views.summary import summarize, to_json
from celltrail.views.svg import write_svg

EPILOG = """\b
Examples:
  celltrail show trip.trail
  celltrail show trip.trail --svg trip.svg
  celltrail show trip.trail --json"""

_WIDTH = 80
File = Annotated[Path, typer.Argument(metavar="FILE", help="A .trail file.", show_default=False)]
Damaged = Annotated[bool, typer.Option("--damaged", help="Go on with what can be read of a damaged file.")]


def show(
    file: File,
    keys: Keys = None,
    json: Json = False,
    damaged: Damaged = False,
    svg: Annotated[Path | None, typer.Option(metavar="OUT", help="Draw the trip into this file as well.")] = None,
) -> None:
    """Show what a .trail file holds: a summary, and the temperature as a plot."""
    summary = summarize(load_checked(file, KeyStore(keys), damaged=damaged))
    if svg is not None:
        write_svg(summary, svg)
    if json:
        print_json(to_json(summary))
        return
    print("\n".join(wrapped(summary_lines(summary), _width())))
    print("\n".join(["", *plot_lines(summary, _width(), _has_colors())]))


def _width() -> int:
    return shutil.get_terminal_size((_WIDTH, 24)).columns if sys.stdout.isatty() else _WIDTH


def _has_colors() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
