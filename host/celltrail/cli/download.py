"""`celltrail download`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from celltrail.cli.common import Device, Json, Keys, Operator, Radio, checked_operator, find, print_json
from celltrail.cli.download_all import Emptied, empty_all, table_of
from celltrail.errors import Interrupted, UsageFault
from celltrail.keys.keystore import KeyStore
from celltrail.link.nearby import Near
from celltrail.operate.download import Download
from celltrail.operate.outcome import Outcome, Wish

EPILOG = """\b
Examples:
  celltrail download
  celltrail download -o trip.trail -d serial:///dev/ttyACM0
  celltrail download --all"""


class Screen:
    """Progress and messages on standard error; a bar only where somebody sees it."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> "Screen":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        self._bar.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def progress(self, have: int, total: int) -> None:
        self._bar.update(self._task, completed=have, total=total)


def download(
    device: Device = None,
    radio: Radio = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="[default: NAME-TRIP.trail]")
    ] = None,
    trip: Annotated[int | None, typer.Option(help="An older trip. [default: the latest]")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every logger in reach, one after the other.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    operator: Operator = "",
    keys: Keys = None,
    json: Json = False,
) -> None:
    """Read a trip into a .trail file and verify it. Goes on where an interrupted read-out ended, by itself.

    A running trip is read with a proof of its state now. When the record is verified and this host holds the
    logger's key, the logger no longer counts it as unread.
    """
    if every and (device or output or trip):
        raise UsageFault("--all goes without --device, --output and --trip")
    wish = Wish(path=output, trip=trip, operator=checked_operator(operator), force=force)
    store = KeyStore(keys)
    if every:
        done = asyncio.run(_every(wish, store))
        if json:
            print_json([one.outcome.to_json() for one in done if one.outcome])
        else:
            Console().print(table_of(done))
        raise typer.Exit(max(one.exit_code for one in done))
    outcome = asyncio.run(_named(device, wish, store))
    if json:
        print_json(outcome.to_json())
    else:
        print(summary(outcome))
    raise typer.Exit(outcome.verdict.exit_code)


async def _named(device: str | None, wish: Wish, keys: KeyStore) -> Outcome:
    address = await find(device)
    with Screen() as screen:
        return await _one(Download(address, wish, keys, screen))


async def _every(wish: Wish, keys: KeyStore) -> list[Emptied]:
    async def read(near: Near) -> Outcome:
        with Screen() as screen:
            return await _one(Download(near.address, wish, keys, screen))

    return await empty_all(read, Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print)


async def _one(one: Download) -> Outcome:
    try:
        return await one.run()
    except asyncio.CancelledError as stop:
        if one.kept is None:
            raise
        raise Interrupted(
            f"interrupted; what has been read is kept in {one.kept}, and the same command goes on from there"
        ) from stop


def summary(one: Outcome) -> str:
    """One line: what was read, how fast, the verdict."""
    rate = one.read_bytes / max(one.seconds, 0.001) / 1000
    again = f", {one.reused} of them from before" if one.reused else ""
    sectors = f"{one.sectors} sector{'' if one.sectors == 1 else 's'}"
    read = f"{sectors}{again}, {one.read_bytes} bytes in {one.seconds:.1f} s ({rate:.0f} kB/s)"
    return f"{one.path}: {one.verdict.word}; {read}" + ("; acknowledged" if one.acknowledged else "")
