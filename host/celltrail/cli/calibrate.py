"""`celltrail calibrate`."""

from pathlib import Path
from typing import Annotated

import typer

from celltrail.cli.common import Device, Json, Keys, Operator, Radio, checked_operator, print_json, with_session
from celltrail.errors import UsageFault
from celltrail.evaluate.uncertainty import Calibration, load_calibrations
from celltrail.keys.keystore import KeyStore
from celltrail.link.session import Session
from celltrail.operate.bench import calibrate as keep
from celltrail.operate.bench import calibrations_of
from celltrail.utc import iso

EPILOG = """\b
Examples:
  celltrail calibrate cal.toml
  celltrail calibrate                  what the logger keeps
  celltrail calibrate --clear

\b
cal.toml, a table for each channel:
  [[channel]]
  number = 0
  certificate = "LAB-2026-017"
  date = "2026-01-15"
  uncertainty_c = 0.05
  drift_c_per_year = 0.02              # optional
  points = [[-0.02, 0.0], [8.03, 8.0]] # one to three of [reading, reference]"""


def calibrate(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Certificates by channel, in TOML.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Forget what the logger keeps.")] = False,
    device: Device = None,
    radio: Radio = None,
    operator: Operator = "",
    keys: Keys = None,
    json: Json = False,
) -> None:
    """Keep calibrations on a logger, from where each trip's record takes them, or show them. Not during a trip."""
    if clear and file is not None:
        raise UsageFault("--clear goes without a file")
    wanted = load_calibrations(file) if file is not None else {}
    store, code = KeyStore(keys), checked_operator(operator)

    async def work(session: Session) -> dict[int, Calibration]:
        if clear or file is not None:
            await keep(session, store, wanted, str(file), code)
        return await calibrations_of(session)

    kept = with_session(device, work)
    if json:
        print_json({"channels": [as_json(number, one) for number, one in kept.items()]})
    elif not kept:
        print("no calibrations are kept on the logger")
    for number, one in kept.items() if not json else ():
        print(line(number, one))


def line(number: int, one: Calibration) -> str:
    """One calibration, for people."""
    points = ", ".join(f"{reading:g} is {reference:g}" for reading, reference in one.points)
    drift = f", drift {one.drift_c_per_year:g} a year" if one.drift_c_per_year else ""
    day = iso(one.utc_ms)[:10]
    return f"channel {number}: {one.certificate} of {day}, within {one.uncertainty_c:g} degC{drift}; {points} degC"


def as_json(number: int, one: Calibration) -> dict[str, object]:
    """The same for programs."""
    return {
        "number": number,
        "certificate": one.certificate,
        "date": iso(one.utc_ms)[:10],
        "uncertainty_c": one.uncertainty_c,
        "drift_c_per_year": one.drift_c_per_year,
        "probe_c": one.probe_c,
        "points": [list(point) for point in one.points],
    }
