"""`celltrail scan`."""

import asyncio
import json as json_text
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Column, Table

from celltrail.cli.common import Json, Radio, print_json, say
from celltrail.link.nearby import Near, Survey, listed

EPILOG = """\b
Examples:
  celltrail scan
  celltrail scan --watch
  celltrail scan --json --for 10
  celltrail scan --radio tcp://127.0.0.1:7799      the loggers of `celltrail virtual --ble`"""
# A logger advertises once a second.
_LISTEN_S = 3.0
_DRAW_EVERY_S = 0.25


def scan(
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Ask there, too: a virtual logger's address. Repeatable."),
    ] = None,
    every: Annotated[bool, typer.Option("--any", help="Ask every serial port, whatever is on it.")] = False,
    air: Annotated[bool, typer.Option("--ble/--no-ble", help="Listen on Bluetooth, or don't.")] = True,
    for_s: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", help="Go on asking and listening so long.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Until Ctrl-C; --json: JSON Lines.")] = False,
    radio: Radio = None,
    json: Json = False,
) -> None:
    """List the loggers in reach, on cables and on the air: state, alarm, battery, unread data.

    Those on cables are asked; those on the air say it by themselves, and nobody connects to them.
    """
    survey = Survey(also or [], every, air)
    if watch and json:
        asyncio.run(survey.run(None, True, lambda one: print(json_text.dumps(one.to_json()), flush=True)))
    seconds = _LISTEN_S if for_s is None else for_s
    asyncio.run(_look(survey, None if watch else seconds, watch or for_s is not None, not json))
    found = listed(survey)
    if json:
        print_json([one.to_json() for one in found])
        return
    for where, fault in survey.faults.items():
        say(f"{where}: {fault}")
    if found:
        Console().print(_table(found))
    else:
        print("no logger in reach")


async def _look(survey: Survey, seconds: float | None, again: bool, show: bool) -> None:
    """Look around; on a terminal the table grows meanwhile."""
    console = Console()
    if not (show and (console.is_terminal or seconds is None)):
        await survey.run(seconds, again)
        return
    with Live(_table([]), console=console, auto_refresh=False, transient=True) as live:
        looking = asyncio.create_task(survey.run(seconds, again))
        while not (await asyncio.wait([looking], timeout=_DRAW_EVERY_S))[0]:
            live.update(_table(listed(survey)), refresh=True)
        await looking


def _table(loggers: list[Near]) -> Table:
    columns = ("name", "state", "alarm", "unread", "battery", "signal", "seen")
    table = Table(*columns, Column("address", overflow="fold"), box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for one in loggers:
        table.add_row(
            one.called,
            one.state or "?",
            _word(one.alarm, "[red]ALARM[/red]", "no"),
            _word(one.unread, "yes", "no"),
            one.battery or "?",
            "cable" if one.rssi_dBm is None else f"{one.rssi_dBm} dBm",
            f"{one.age_s:.0f} s",
            str(one.address),
        )
    return table


def _word(value: bool | None, yes: str, no: str) -> str:
    return "?" if value is None else yes if value else no
