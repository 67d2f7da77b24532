"""`celltrail virtual`: a logger without hardware."""

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from celltrail.errors import UsageFault
from celltrail.utc import iso, span
from celltrail.virtual import VirtualLogger, list_scenarios
from celltrail.virtual.child import RUNTIMES, Runtime
from celltrail.virtual.logger import DEFAULT_SECTORS
from celltrail.virtual.narrator import Narrator
from celltrail.virtual.prepare import DEFAULT_SCENARIO, Request, prepare
from celltrail.virtual.replay import parse_span_ms

EPILOG = """\b
Examples:
  celltrail virtual
  celltrail virtual --scenario dewar --seed 7 --speed max --pause-at 6h
  celltrail virtual --replay readings.csv --replay-shock window.csv.gz@2h --tcp 7788
  celltrail virtual --flash logger.flash"""

_FASTEST = 1_000_000.0
_UID_BYTES = 8


def virtual(
    scenario: Annotated[
        str | None,
        typer.Option(help=f"Trip to live through, {DEFAULT_SCENARIO} by default; see --list-scenarios."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws the scenario; the same seed gives the same trip.")] = 1,
    days: Annotated[float | None, typer.Option(help="Length of the scenario, 5 by default.")] = None,
    replay: Annotated[
        Path | None, typer.Option(help="CSV file with utc and temperature_c to live through instead.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="Column of --replay for the next thermometer; repeatable."),
    ] = None,
    replay_shock: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE[@OFFSET]",
            help="CSV file (.gz too) with t_s,x_g,y_g,z_g that happens at OFFSET (90s, 2h; 60s); repeatable.",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="UTC of the world's start: now, or for instance 2025-03-01T12:00:00Z."),
    ] = None,
    speed: Annotated[str, typer.Option(help="max, or how many times as fast as real while nobody looks.")] = "1",
    pause_at: Annotated[
        list[str] | None,
        typer.Option(metavar="OFFSET", help="World time at which to wait for a client; repeatable."),
    ] = None,
    press: Annotated[
        list[str] | None,
        typer.Option(metavar="AT[:HOLD]", help="Press the button at this world time; repeatable."),
    ] = None,
    sensors: Annotated[
        str | None,
        typer.Option(help="Thermometers, up to four: tmp117,tmp117."),
    ] = None,
    accel: Annotated[str, typer.Option(help="adxl372, adxl345 or none.")] = "adxl372",
    flash: Annotated[
        Path | None,
        typer.Option(help="File for the logger's flash; the same file is the same logger."),
    ] = None,
    sectors: Annotated[int, typer.Option(help="Size of a new flash in sectors of 4 kB.")] = DEFAULT_SECTORS,
    off: Annotated[str, typer.Option(help="Time without power before a --flash file goes on.")] = "5s",
    uid: Annotated[str | None, typer.Option(help="Identity, 16 hex digits; random by default.")] = None,
    runtime: Annotated[str, typer.Option(help="micropython or cpython.")] = "micropython",
    tcp: Annotated[
        int | None,
        typer.Option(metavar="PORT", help="Offer a TCP port (0: any) instead of a pseudo-terminal."),
    ] = None,
    list_them: Annotated[
        bool, typer.Option("--list-scenarios", help="Say which scenarios there are, and stop.")
    ] = False,
) -> None:
    """Start a virtual logger and print its address; it runs until Ctrl-C, which cuts its power.

    The first line on standard output is the address for other commands; standard error tells what happens.
    """
    if list_them:
        for name, line in list_scenarios().items():
            print(f"{name:8}  {line}")
        return
    request = Request(
        scenario=scenario,
        seed=seed,
        days=days,
        readings=replay,
        columns=tuple(column or ()),
        shocks=tuple(replay_shock or ()),
        start=start,
        sensors=sensors,
        accel=accel,
        presses=tuple(press or ()),
        flash=flash,
    )
    stimulus = prepare(request)
    narrator = Narrator(stimulus.start_utc_ms)
    _serve(
        VirtualLogger(
            stimulus,
            flash=flash,
            runtime=_runtime(runtime),
            tcp=_port(tcp),
            speed=_speed(speed),
            pauses_ms=tuple(parse_span_ms(text) for text in pause_at or ()),
            off_ms=parse_span_ms(off),
            uid=_uid(uid),
            continue_world=start is None,
            sectors=sectors,
            on_event=narrator,
        ),
        narrator,
    )


def _serve(logger: VirtualLogger, narrator: Narrator) -> None:
    """Run until interrupted; DeviceFault when the firmware ends by itself."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)
    with logger:
        world_ms = logger.world_ms
        goes_on = f", goes on after {span(world_ms)}" if world_ms else ""
        narrator.say(f"world: starts {iso(logger.stimulus.start_utc_ms)}{goes_on}")
        if world_ms > logger.stimulus.duration_ms:
            narrator.say("world: its story is over; --start now begins it again")
        # Last, because whoever waits for it may go on at once.
        print(logger.address, flush=True)
        logger.wait()


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _runtime(text: str) -> Runtime:
    for runtime in RUNTIMES:
        if text == runtime:
            return runtime
    raise UsageFault(f"unknown runtime {text!r}; choose {' or '.join(RUNTIMES)}")


def _port(number: int | None) -> bool | int:
    if number is None:
        return sys.platform == "win32"
    if not 0 <= number <= 65535:
        raise UsageFault(f"{number} is no TCP port; choose 1 to 65535, or 0 for any")
    # True and 1 are the same number, but only True means any port.
    return True if number == 0 else number


def _speed(text: str) -> float | str:
    if text == "max":
        return text
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 1 <= speed <= _FASTEST:
        raise UsageFault(f"--speed takes max or a number from 1 to {_FASTEST:.0f}, not {text!r}")
    return speed


def _uid(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        uid = bytes.fromhex(text)
    except ValueError:
        uid = b""
    if len(uid) != _UID_BYTES:
        raise UsageFault(f"--uid takes 16 hex digits, not {text!r}")
    return uid
