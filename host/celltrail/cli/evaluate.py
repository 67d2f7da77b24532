"""`celltrail evaluate`: was the cargo kept within its limits?"""

import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from celltrail.cli.common import Json, Keys, print_json
from celltrail.evaluate.evaluation import Evaluation, evaluate_file
from celltrail.evaluate.verdicts import IN
from celltrail.keys.keystore import KeyStore
from celltrail.plans.profile import profile_names
from celltrail.views.evaluation_json import evaluation_json
from celltrail.views.evaluation_text import MOST_LISTED, evaluation_lines
from celltrail.views.show_text import wrapped

EPILOG = """\b
Examples:
  celltrail evaluate trip.trail                        by the limits it was armed with
  celltrail evaluate trip.trail --profile WHO-TR07-1   or my-product.toml
  celltrail evaluate trip.trail --milestones flight.csv --calibration cal.toml
  celltrail evaluate trip.trail --json --fail-on-excursion

\b
Each limit is in, out, or undecidable: when it lies within the uncertainty of the
readings, or there is time without readings that could change the answer.

\b
Exit codes: those of 'celltrail verify' for the record itself (0 closed or
recording, 1 altered, parts missing or open, 5 not checkable). With
--fail-on-excursion 1 instead of 0 when the answer is not that all limits were kept."""

_WIDTH = 100
File = Annotated[Path, typer.Argument(metavar="FILE", help="A .trail file.", show_default=False)]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="PROFILE",
        help=f"Whose limits: {', '.join(profile_names())}, or a TOML file. [default: those it was armed with]",
        show_default=False,
    ),
]
Milestones = Annotated[
    Path | None,
    typer.Option(
        "--milestones",
        metavar="FILE",
        help="What others know: CSV with the columns utc, event (and place, note, within_s), or EPCIS events in JSON.",
        show_default=False,
    ),
]
CalibrationFile = Annotated[
    Path | None,
    typer.Option("--calibration", metavar="FILE", help="Certificates by channel, in TOML.", show_default=False),
]
Damaged = Annotated[bool, typer.Option("--damaged", help="Go on with what can be read of a damaged file.")]


def evaluate(
    file: File,
    profile: Profile = None,
    milestones: Milestones = None,
    calibration: CalibrationFile = None,
    keys: Keys = None,
    json: Json = False,
    damaged: Damaged = False,
    every: Annotated[bool, typer.Option("--all", help="List all excursions, shocks and doubts, however many.")] = False,
    fail: Annotated[bool, typer.Option("--fail-on-excursion", help="Exit with 1 unless all limits were kept.")] = False,
) -> None:
    """Was the cargo kept within its limits? Excursions, budgets and legs, with what is not known."""
    made = evaluate_file(file, KeyStore(keys), profile, milestones, calibration, damaged=damaged)
    # The answer's exit code stands, also when nobody reads the answer to its end.
    with suppress(BrokenPipeError):
        if json:
            print_json(evaluation_json(made))
        else:
            print("\n".join(wrapped(evaluation_lines(made, sys.maxsize if every else MOST_LISTED), _width())))
    raise typer.Exit(_exit_code(made, fail))


def _exit_code(made: Evaluation, fail: bool) -> int:
    code = made.checked.verdict.exit_code
    return 1 if fail and not code and made.answer != IN else code


def _width() -> int:
    return shutil.get_terminal_size((_WIDTH, 24)).columns if sys.stdout.isatty() else _WIDTH
