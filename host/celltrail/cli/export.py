"""`celltrail export`: a `.trail` file's content for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from celltrail.cli.common import Keys, say
from celltrail.evidence.verify import Checked, load_checked
from celltrail.files import check_target
from celltrail.keys.keystore import KeyStore
from celltrail.views.verdict_text import headline

File = Annotated[Path, typer.Argument(metavar="FILE", help="A .trail file.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="The file to write; replaced if it exists.")]
Damaged = Annotated[bool, typer.Option("--damaged", help="Go on with what can be read of a damaged file.")]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Write a .trail file's content for other programs. The file itself stays the evidence.",
    epilog="""\b
Examples:
  celltrail export csv trip.trail -o readings.csv         and shocks.csv beside it
  celltrail export csv trip.trail -o t.csv --waves waves/ and t-shocks.csv
  celltrail export parquet trip.trail -o readings.parquet
  celltrail export json trip.trail -o trip.json

\b
It exports and doesn't judge: the exit code is 0 whatever the verdict, which is
told on standard error. A script that needs the answer asks 'celltrail verify'.""",
)


@app.command("csv")
def export_csv(
    file: File,
    out: Out,
    keys: Keys = None,
    damaged: Damaged = False,
    waves: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write each shock's waveform into this folder too.")
    ] = None,
) -> None:
    """Readings, and beside them the shock events, as CSV in UTF-8."""
    from celltrail.views import export_csv as writer

    checked = _load(file, keys, damaged, [out, shocks_path(out)])
    writer.write_readings(checked, out)
    writer.write_shocks(checked, shocks_path(out))
    written = [out, shocks_path(out)]
    if waves is not None:
        written += writer.write_waves(checked, waves)
    _tell(checked, written)


@app.command("parquet")
def export_parquet(file: File, out: Out, keys: Keys = None, damaged: Damaged = False) -> None:
    """Readings, and beside them the shock events with their waveforms, as Parquet."""
    from celltrail.views import export_parquet as writer

    checked = _load(file, keys, damaged, [out, shocks_path(out)])
    writer.write_readings(checked, out)
    writer.write_shocks(checked, shocks_path(out))
    _tell(checked, [out, shocks_path(out)])


@app.command("json")
def export_json(file: File, out: Out, keys: Keys = None, damaged: Damaged = False) -> None:
    """Everything as one JSON document."""
    from celltrail.views import export_json as writer

    checked = _load(file, keys, damaged, [out])
    writer.write_record(checked, out)
    _tell(checked, [out])


def shocks_path(out: Path) -> Path:
    """readings.csv -> shocks.csv; any other x.csv -> x-shocks.csv."""
    stem = out.stem.replace("readings", "shocks") if "readings" in out.stem else f"{out.stem}-shocks"
    return out.with_name(stem + out.suffix)


def _load(file: Path, keys: Path | None, damaged: bool, targets: list[Path]) -> Checked:
    for target in targets:
        check_target(target, file)
    return load_checked(file, KeyStore(keys), damaged=damaged)


def _tell(checked: Checked, written: list[Path]) -> None:
    """Where it went, and what the evidence says, on standard error."""
    say(f"{checked.trail.path}: {headline(checked.verdict)}")
    for path in written:
        say(f"wrote {path}")
