"""`celltrail mark`."""

from typing import Annotated

import typer

from celltrail.cli.common import Device, Json, Keys, Operator, Radio, print_json, with_session
from celltrail.keys.keystore import KeyStore
from celltrail.link.messages import Status
from celltrail.link.session import Session
from celltrail.operate import commands

EPILOG = f"""\b
Kinds: {", ".join(list(commands.MARK_KINDS)[:6])},
       {", ".join(list(commands.MARK_KINDS)[6:])}

\b
Examples:
  celltrail mark received --place BEANR --operator KB
  celltrail mark inspected --outcome pass --note "seal 4711 intact" """


def mark(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="What happened; see below.")],
    device: Device = None,
    radio: Radio = None,
    outcome: Annotated[str, typer.Option(help="Of an inspection: pass or fail.")] = "none",
    place: Annotated[str, typer.Option(help="Where: the UN/LOCODE, such as BEANR.")] = "",
    operator: Operator = "",
    note: Annotated[str, typer.Option(help=f"At most {commands.LONGEST_NOTE} bytes.")] = "",
    keys: Keys = None,
    json: Json = False,
) -> None:
    """Leave a custody mark in a running trip: proven when the device key is at hand, else flagged as not."""
    event = commands.mark_event(kind, outcome, place, operator, note)

    async def work(session: Session) -> tuple[Status, int, bool]:
        return session.status, *await commands.mark(session, KeyStore(keys), event)

    now, tick, proven = with_session(device, work)
    if json:
        print_json({"name": now.name, "trip": now.trip, "kind": kind, "tick": tick, "proven": proven})
    else:
        print(f"{now.called} has taken the mark {kind}" + ("" if proven else ", without proof (no key at hand)"))
