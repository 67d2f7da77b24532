"""`celltrail report`: a trip for people, as a web page or a PDF."""

import time
from pathlib import Path
from typing import Annotated

import typer

from celltrail.cli.common import Keys, say
from celltrail.cli.evaluate import CalibrationFile, Milestones, Profile
from celltrail.errors import UsageFault
from celltrail.files import check_target
from celltrail.keys.keystore import KeyStore
from celltrail.views.verdict_text import headline

EPILOG = """\b
Examples:
  celltrail report trip.trail -o trip.html
  celltrail report trip.trail -o trip.pdf --lang nl
  celltrail report trip.trail -o trip.pdf --profile WHO-TR07-1
  celltrail report trip.trail -o trip.html --milestones flight.csv --calibration cal.toml

\b
The page needs no network and no script; the PDF is PDF/A, for archives. Both say the
same. It reports and doesn't judge: the exit code is 0 whatever the answer, which
is told on standard error. A script that needs it asks 'celltrail evaluate'."""

LANGUAGES = ("en", "nl", "fr")
File = Annotated[Path, typer.Argument(metavar="FILE", help="A .trail file.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="trip.html or trip.pdf; replaced if it exists.")]
Language = Annotated[str, typer.Option("--lang", metavar="LANG", help=f"One of {', '.join(LANGUAGES)}.")]
Damaged = Annotated[bool, typer.Option("--damaged", help="Go on with what can be read of a damaged file.")]


def report(
    file: File,
    out: Out,
    lang: Language = "en",
    profile: Profile = None,
    milestones: Milestones = None,
    calibration: CalibrationFile = None,
    keys: Keys = None,
    damaged: Damaged = False,
) -> None:
    """Report a trip for people: the answer first, then all that it rests on."""
    from celltrail.evaluate.evaluation import evaluate_file
    from celltrail.report.build import report_of

    if lang not in LANGUAGES:
        raise UsageFault(f"there is no report in {lang!r}; choose one of {', '.join(LANGUAGES)}")
    if out.suffix.lower() not in (".html", ".htm", ".pdf"):
        raise UsageFault(f"{out}: a report is a .html or a .pdf file; give it such a name")
    check_target(out, file)
    made = evaluate_file(file, KeyStore(keys), profile, milestones, calibration, damaged=damaged)
    on_paper = out.suffix.lower() == ".pdf"
    document = report_of(made, lang, time.time_ns() // 1_000_000, on_paper=on_paper)
    if on_paper:
        from celltrail.report.pdf import write_pdf as write
    else:
        from celltrail.report.html import write_html as write
    write(document, out, file)
    say(f"{file}: {headline(made.checked.verdict)}")
    say(document.answer)
    say(f"wrote {out}")
