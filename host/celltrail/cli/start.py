"""`celltrail start`."""

from celltrail.cli.common import Device, Json, Keys, Operator, Radio, checked_operator, print_json, with_session
from celltrail.errors import CelltrailError
from celltrail.keys.keystore import KeyStore
from celltrail.link.messages import Status
from celltrail.link.session import Session
from celltrail.operate import commands
from celltrail.operate.first_reading import fault_of_first_reading

EPILOG = """\b
Examples:
  celltrail start
  celltrail start -d serial:///dev/ttyACM0 --operator KB"""


def start(
    device: Device = None, radio: Radio = None, operator: Operator = "", keys: Keys = None, json: Json = False
) -> None:
    """Start an armed trip now, and await its first reading.

    Exit code 1 when the trip runs, but a sensor gives none.
    """
    code = checked_operator(operator)

    async def work(session: Session) -> tuple[Status, CelltrailError | None]:
        await commands.start(session, KeyStore(keys), code)
        fault = await fault_of_first_reading(session)
        return session.status, fault

    now, blind = with_session(device, work)
    if json:
        print_json({"uid": now.uid, "name": now.name, "trip": now.trip, "state": "logging"})
    else:
        print(f"{now.called} is logging trip {now.trip}")
    if blind:
        raise blind
