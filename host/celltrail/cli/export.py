"""`celltrail export`: a `.trail` file's content for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from celltrail.cli.common import Keys, say
from celltrail.cli.evaluate import CalibrationFile, Milestones, Profile
from celltrail.cli.exporting import DeviceUri, PlacesFile, RawUri, now_ms, places_of, uri_or_none, write_json
from celltrail.evaluate.evaluation import Evaluation, evaluate_file
from celltrail.evidence.verify import Checked, load_checked
from celltrail.exchange.places import Places
from celltrail.exchange.uris import checked_uri
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
  celltrail export epcis trip.trail -o trip.jsonld --places places.csv \\
      --epc https://id.gs1.org/00/095060001343520017
  celltrail export onerecord trip.trail -o trip.jsonld --places places.csv

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


@app.command("epcis")
def export_epcis(
    file: File,
    out: Out,
    epc: Annotated[
        list[str] | None,
        typer.Option(metavar="URI", help="What travelled, such as its SSCC; may be repeated.", show_default=False),
    ] = None,
    places: PlacesFile = None,
    device_uri: DeviceUri = "",
    raw_uri: RawUri = "",
    profile: Profile = None,
    milestones: Milestones = None,
    calibration: CalibrationFile = None,
    keys: Keys = None,
    damaged: Damaged = False,
) -> None:
    """EPCIS 2.0.1 events in JSON-LD: each mark and each end of a leg, with statistics, alarms and excursions."""
    from celltrail.exchange.epcis import Names, epcis_document

    objects = tuple(checked_uri("--epc", one) for one in epc or ())
    names = Names(objects, uri_or_none("--device-uri", device_uri), uri_or_none("--raw-uri", raw_uri))
    known = places_of(places)
    check_target(out, file)
    made = evaluate_file(file, KeyStore(keys), profile, milestones, calibration, damaged=damaged)
    write_json(out, epcis_document(made, known, names, now_ms()), file)
    _tell_places(made, known)
    _tell(made.checked, [out])


@app.command("onerecord")
def export_onerecord(
    file: File,
    out: Out,
    piece: Annotated[
        str,
        typer.Option(metavar="URI", help="The piece that it rode on. [default: a name of ours]", show_default=False),
    ] = "",
    series: Annotated[bool, typer.Option("--series", help="Write every reading as a measurement.")] = False,
    places: PlacesFile = None,
    raw_uri: RawUri = "",
    profile: Profile = None,
    milestones: Milestones = None,
    calibration: CalibrationFile = None,
    keys: Keys = None,
    damaged: Damaged = False,
) -> None:
    """ONE Record 3.2 objects in JSON-LD: logger, sensors, statistics by leg, excursions, custody events."""
    from celltrail.exchange.onerecord import onerecord_document

    known, where = places_of(places), uri_or_none("--piece", piece)
    raw = uri_or_none("--raw-uri", raw_uri)
    check_target(out, file)
    made = evaluate_file(file, KeyStore(keys), profile, milestones, calibration, damaged=damaged)
    write_json(out, onerecord_document(made, known, where, raw, series=series), file)
    _tell_places(made, known)
    _tell(made.checked, [out])


def _tell_places(made: Evaluation, places: Places) -> None:
    """Places that have no URI are left out of the events; whoever exports may want to know."""
    events = [leg.end for leg in made.legs] + [leg.start for leg in made.legs[:1]]
    unknown = {one.place for one in events if one.place and not places.of(one).uri}
    if unknown:
        say(f"no URI is known for {', '.join(sorted(unknown))}; name it in --places")


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
