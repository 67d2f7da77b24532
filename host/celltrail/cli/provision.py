"""`celltrail provision`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from celltrail.cli.common import Device, Json, Keys, Operator, checked_operator, print_json, with_session
from celltrail.cli.selftest import as_json, print_parts
from celltrail.errors import RefusedFault
from celltrail.evaluate.uncertainty import load_calibrations
from celltrail.keys.keystore import KeyStore
from celltrail.link.address import BLE, parse_address
from celltrail.link.session import Session
from celltrail.operate import bench, provisioning

EPILOG = """\b
Examples:
  celltrail provision
  celltrail provision --name CT-FRIDGE-2 --calibration cal.toml -d serial:///dev/ttyACM0"""
_BAD = 1


@dataclass(frozen=True)
class _Made:
    uid: bytes
    name: str
    tested: bench.Tested | None


def provision(
    device: Device = None,
    name: Annotated[str, typer.Option(help="Its name. [default: CT- and six digits of its id]")] = "",
    calibration: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep these calibrations on it; see `celltrail calibrate`.")
    ] = None,
    self_test: Annotated[bool, typer.Option("--test/--no-test", help="Let it test itself, or don't.")] = True,
    operator: Operator = "",
    keys: Keys = None,
    json: Json = False,
) -> None:
    """Give a new logger its name and a random device key, and keep the key; keep its calibrations; test it.

    Once a logger. Exit code 1 when a part of the logger failed its test: it is provisioned all the same.
    """
    store, code = KeyStore(keys), checked_operator(operator)
    if device and parse_address(device).kind == BLE:
        raise RefusedFault("a device key goes over a cable only: on the air anybody could listen; plug the logger in")
    wanted = load_calibrations(calibration) if calibration is not None else None

    async def work(session: Session) -> _Made:
        if wanted is not None:
            bench.fitting(session.status, wanted, str(calibration))
        given = await provisioning.provision(session, store, name, code)
        if wanted is not None:
            await bench.calibrate(session, store, wanted, str(calibration), code)
        return _Made(session.uid, given, await bench.self_test(session, store, code) if self_test else None)

    made = with_session(device, work)
    if json:
        tested = None if made.tested is None else as_json(made.tested)
        print_json({"uid": made.uid, "name": made.name, "keys": str(store.folder), "test": tested})
    else:
        print(f"{made.name} (uid {made.uid.hex()}) is provisioned; its device key is in {store.folder}")
        print("Keep a copy of that folder: without the key nobody can command this logger.")
        if made.tested is not None:
            print_parts(made.tested)
    if made.tested is not None and not made.tested.is_good:
        raise typer.Exit(_BAD)
