"""`celltrail wire`."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from celltrail.cli.common import Device, Json, Keys, Operator, checked_operator, find, print_json
from celltrail.keys.keystore import KeyStore
from celltrail.link.messages import Status
from celltrail.link.session import open_session
from celltrail.operate import wiring as wirings
from celltrail.plans.wiring import load_wiring
from celltrail_protocol import names

EPILOG = """\b
Examples:
  celltrail wire pico-dewar.toml
  celltrail wire pico-dewar.toml -d serial:///dev/ttyACM0

\b
docs/hardware.md shows wiring files for the boards. A logger without one has its board's default wiring."""


def wire(
    file: Annotated[Path, typer.Argument(help="A wiring file (TOML).")],
    device: Device = None,
    operator: Operator = "",
    keys: Keys = None,
    json: Json = False,
) -> None:
    """Tell a logger which pins and sensors it has. It restarts; not during a trip."""
    wiring, store, code = load_wiring(file), KeyStore(keys), checked_operator(operator)
    status = asyncio.run(_wire(device, store, wiring, code))
    told = [names.MODEL_NAMES.get(model, str(model)) for model in (*status.models, status.accel)]
    if json:
        print_json({"uid": status.uid, "channels": told[:-1], "accelerometer": told[-1]})
    else:
        print(f"{status.called} has {', '.join(told[:-1])} and, for shocks, {told[-1]}")
        if "deep" in wiring:
            print("an ESP32 sleeps deeply from now on: in a trip it is dark, and a touch of its button wakes it")


async def _wire(device: str | None, keys: KeyStore, wiring: dict[str, Any], operator: str) -> Status:
    address = await find(device)
    async with open_session(address) as session:
        before = session.status
        await wirings.send(session, keys, wiring, operator)
    status = await wirings.restarted(address, before)
    wirings.check(status, wiring)
    return status
