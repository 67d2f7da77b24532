"""`celltrail provision`."""

from typing import Annotated

import typer

from celltrail.cli.common import Device, Json, Keys, Operator, checked_operator, print_json, with_session
from celltrail.errors import RefusedFault
from celltrail.keys.keystore import KeyStore
from celltrail.link.address import BLE, parse_address
from celltrail.link.session import Session
from celltrail.operate import provisioning

EPILOG = """\b
Examples:
  celltrail provision
  celltrail provision --name CT-FRIDGE-2 -d serial:///dev/ttyACM0"""


def provision(
    device: Device = None,
    name: Annotated[str, typer.Option(help="Its name. [default: CT- and six digits of its id]")] = "",
    operator: Operator = "",
    keys: Keys = None,
    json: Json = False,
) -> None:
    """Give a new logger its name and a random device key, and keep the key. Once a logger."""
    store, code = KeyStore(keys), checked_operator(operator)
    if device and parse_address(device).kind == BLE:
        raise RefusedFault("a device key goes over a cable only: on the air anybody could listen; plug the logger in")

    async def work(session: Session) -> tuple[bytes, str]:
        return session.uid, await provisioning.provision(session, store, name, code)

    uid, given = with_session(device, work)
    if json:
        print_json({"uid": uid, "name": given, "keys": str(store.folder)})
    else:
        print(f"{given} (uid {uid.hex()}) is provisioned; its device key is in {store.folder}")
        print("Keep a copy of that folder: without the key nobody can command this logger.")
