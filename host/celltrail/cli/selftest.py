"""`celltrail selftest`."""

import typer

from celltrail.cli.common import Device, Json, Keys, Operator, Radio, checked_operator, print_json, with_session
from celltrail.keys.keystore import KeyStore
from celltrail.link.session import Session
from celltrail.operate.bench import Tested, self_test

EPILOG = """\b
Examples:
  celltrail selftest
  celltrail selftest -d ble://CT-3F2A91 --operator LAB-7 --json"""
_BAD = 1


def selftest(
    device: Device = None, radio: Radio = None, operator: Operator = "", keys: Keys = None, json: Json = False
) -> None:
    """Let a logger test itself: sensors, flash, clock, battery, radio. Not during a trip; the next record tells of it.

    Exit code 1 when a part failed.
    """
    store, code = KeyStore(keys), checked_operator(operator)

    async def work(session: Session) -> Tested:
        return await self_test(session, store, code)

    made = with_session(device, work)
    if json:
        print_json(as_json(made))
    else:
        print_parts(made)
    if not made.is_good:
        raise typer.Exit(_BAD)


def as_json(made: Tested) -> dict[str, object]:
    """The parts, and the logger's own words."""
    parts = [{"part": one.name, "good": one.is_good, "text": one.text} for one in made.parts]
    return {"good": made.is_good, "parts": parts, "told": dict(made.told)}


def print_parts(made: Tested) -> None:
    """A line for each part."""
    width = max(len(one.name) for one in made.parts)
    for one in made.parts:
        print(f"{one.name:{width}}  {'ok    ' if one.is_good else 'FAILED'}  {one.text}")
