"""`celltrail scan`."""

import asyncio
import json as json_text
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from celltrail.cli.common import Json, print_json, say
from celltrail.link.discovery import Found
from celltrail.link.discovery import scan as ask
from celltrail_protocol import names

EPILOG = """\b
Examples:
  celltrail scan
  celltrail scan --watch
  celltrail scan --json --for 5 --also tcp://127.0.0.1:7788"""
_PAUSE_S = 1.0


def scan(
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Ask there, too: a virtual logger's address. Repeatable."),
    ] = None,
    every: Annotated[bool, typer.Option("--any", help="Ask every serial port, whatever is on it.")] = False,
    for_s: Annotated[float, typer.Option("--for", metavar="SECONDS", help="Go on asking so long.")] = 0.0,
    watch: Annotated[bool, typer.Option("--watch", help="Until Ctrl-C; --json: JSON Lines.")] = False,
    json: Json = False,
) -> None:
    """List the loggers in reach: state, alarm, battery, unread data. Other devices are left alone."""
    places = also or []
    if watch:
        _watch(places, every, json)
    found = asyncio.run(_gather(places, every, for_s))
    loggers = [one for one in found if one.status is not None]
    if json:
        print_json([one.to_json() for one in loggers])
        return
    for one in found:
        if one.status is None:
            say(f"{one.address}: {one.fault}")
    if loggers:
        Console().print(_table(loggers))
    else:
        print("no logger in reach")


async def _gather(also: list[str], every: bool, for_s: float) -> list[Found]:
    """The latest answer of every address over the time."""
    deadline = time.monotonic() + for_s
    latest = {one.address: one for one in await ask(also, every)}
    while time.monotonic() + _PAUSE_S < deadline:
        await asyncio.sleep(_PAUSE_S)
        latest |= {one.address: one for one in await ask(also, every)}
    return list(latest.values())


def _watch(also: list[str], every: bool, json: bool) -> None:
    if json:
        while True:
            for one in asyncio.run(ask(also, every)):
                if one.status is not None:
                    print(json_text.dumps(one.to_json()), flush=True)
            time.sleep(_PAUSE_S)
    with Live(_table([]), console=Console(), auto_refresh=False) as live:
        while True:
            found = asyncio.run(ask(also, every))
            live.update(_table([one for one in found if one.status is not None]), refresh=True)
            time.sleep(_PAUSE_S)


def _table(loggers: list[Found]) -> Table:
    table = Table("name", "state", "trip", "alarm", "unread", "battery", "address", box=None, pad_edge=False)
    for one in loggers:
        now = one.status
        assert now is not None
        table.add_row(
            now.called,
            names.STATE_NAMES.get(now.state, str(now.state)),
            str(now.trip) if now.sectors else "-",
            "[red]ALARM[/red]" if now.alarms else "no",
            "yes" if now.unread else "no",
            f"{now.battery / 1000:.2f} V",
            str(one.address),
        )
    return table
