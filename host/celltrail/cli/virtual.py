"""`celltrail virtual`: a logger without hardware."""

import contextlib
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from celltrail.errors import UsageFault
from celltrail.utc import iso, span
from celltrail.virtual import VirtualLogger, list_scenarios
from celltrail.virtual.air_link import Conditions
from celltrail.virtual.child import RUNTIMES, Runtime
from celltrail.virtual.logger import DEFAULT_SECTORS
from celltrail.virtual.narrator import Narrator
from celltrail.virtual.prepare import DEFAULT_SCENARIO, Request, prepare
from celltrail.virtual.radio_room import STACKS, RadioRoom
from celltrail.virtual.replay import parse_span_ms
from celltrail.virtual.stimulus import ACCELEROMETERS, BAROMETER, THERMOMETERS

EPILOG = """\b
Examples:
  celltrail virtual
  celltrail virtual --scenario dewar --seed 7 --speed max --pause-at 6h
  celltrail virtual --replay readings.csv --replay-shock window.csv.gz@2h --tcp 7788
  celltrail virtual --flash logger.flash
  celltrail virtual --ble --count 20 --radio-port 7799"""

_FASTEST = 1_000_000.0
_UID_BYTES = 8
_MOST_LOGGERS = 50
_LOOK_EVERY_S = 0.2


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
    knock: Annotated[
        list[str] | None,
        typer.Option(metavar="AT", help="Knock five times on the parcel at this world time; repeatable."),
    ] = None,
    sensors: Annotated[
        str | None,
        typer.Option(help=f"Channels, up to four of {', '.join(THERMOMETERS)}, and {BAROMETER} as the last."),
    ] = None,
    accel: Annotated[str, typer.Option(help=f"One of {', '.join(ACCELEROMETERS)}.")] = "adxl372",
    clock: Annotated[str, typer.Option(help="Clock chip with a battery: ds3231 or none.")] = "none",
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
    ble: Annotated[bool, typer.Option("--ble", help="Give it a radio, on a virtual radio of its own.")] = False,
    count: Annotated[int, typer.Option(help="So many loggers at once, with --ble; seed, seed + 1, ...")] = 1,
    radio_port: Annotated[
        int, typer.Option(metavar="PORT", help="TCP port of the virtual radio, for --radio tcp://127.0.0.1:PORT.")
    ] = 0,
    ble_stack: Annotated[str, typer.Option(help="nimble (as an ESP32 has) or btstack (as a Pico W).")] = "nimble",
    ble_interval: Annotated[float, typer.Option(metavar="MS", help="Connection interval, 7.5 to 4000.")] = 15.0,
    ble_mtu: Annotated[int, typer.Option(metavar="BYTES", help="MTU that hosts offer, 23 to 517.")] = 247,
    ble_loss: Annotated[float, typer.Option(metavar="PERCENT", help="Packets that are lost on the air.")] = 0.0,
    list_them: Annotated[
        bool, typer.Option("--list-scenarios", help="Say which scenarios there are, and stop.")
    ] = False,
) -> None:
    """Start a virtual logger and print its address; it runs until Ctrl-C, which cuts its power.

    The first line on standard output is the address for other commands; standard error tells what happens. With --ble
    a second line says how other commands reach it over the air. Its radio goes off as that of a real one does, an hour
    after the last word without a trip, by its plan in one: a command over its cable wakes it, and --knock and --press.
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
        clock=clock,
        presses=tuple(press or ()),
        knocks=tuple(knock or ()),
        flash=flash,
    )
    _check_count(count, ble, flash, uid, tcp)
    room = RadioRoom(_conditions(ble_interval, ble_mtu, ble_loss), _tcp_port(radio_port)) if ble else None

    def make(number: int) -> tuple[VirtualLogger, Narrator]:
        stimulus = prepare(replace(request, seed=seed + number))
        narrator = Narrator(stimulus.start_utc_ms)
        logger = VirtualLogger(
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
            radio=room,
            stack=_stack(ble_stack),
            on_event=narrator if count == 1 else None,
        )
        return logger, narrator

    with contextlib.ExitStack() as stack:
        if room is not None:
            stack.enter_context(room)
        _serve([make(number) for number in range(count)], room, stack)


def _serve(loggers: list[tuple[VirtualLogger, Narrator]], room: RadioRoom | None, stack: contextlib.ExitStack) -> None:
    """Run until interrupted; DeviceFault when a firmware ends by itself."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)
    for logger, narrator in loggers:
        stack.enter_context(logger)
        _tell_world(logger, narrator)
        # Last, because whoever waits for it may go on at once.
        print(logger.address, flush=True)
        if room is not None:
            print(f"ble://{logger.ble_address} --radio {room.address}", flush=True)
    while True:
        for logger, _ in loggers:
            logger.wait(None if len(loggers) == 1 else _LOOK_EVERY_S)


def _tell_world(logger: VirtualLogger, narrator: Narrator) -> None:
    world_ms = logger.world_ms
    goes_on = f", goes on after {span(world_ms)}" if world_ms else ""
    narrator.say(f"world: starts {iso(logger.stimulus.start_utc_ms)}{goes_on}")
    if world_ms > logger.stimulus.duration_ms:
        narrator.say("world: its story is over; --start now begins it again")


def _check_count(count: int, ble: bool, flash: Path | None, uid: str | None, tcp: int | None) -> None:
    if not 1 <= count <= _MOST_LOGGERS:
        raise UsageFault(f"--count takes 1 to {_MOST_LOGGERS} loggers, not {count}")
    if count > 1 and not ble:
        raise UsageFault("--count goes with --ble")
    if count > 1 and (flash or uid or tcp):
        raise UsageFault("--count goes without --flash, --uid and a port of --tcp: each logger has its own")


def _conditions(interval_ms: float, mtu: int, loss_percent: float) -> Conditions:
    if not 7.5 <= interval_ms <= 4000:
        raise UsageFault(f"--ble-interval takes 7.5 to 4000 ms, not {interval_ms:g}")
    if not 23 <= mtu <= 517:
        raise UsageFault(f"--ble-mtu takes 23 to 517 bytes, not {mtu}")
    if not 0 <= loss_percent <= 90:
        raise UsageFault(f"--ble-loss takes 0 to 90 percent, not {loss_percent:g}")
    return Conditions(interval_ms=interval_ms, mtu=mtu, loss=loss_percent / 100)


def _stack(text: str) -> str:
    if text not in STACKS:
        raise UsageFault(f"unknown Bluetooth stack {text!r}; choose {' or '.join(STACKS)}")
    return text


def _tcp_port(number: int) -> int:
    if not 0 <= number <= 65535:
        raise UsageFault(f"{number} is no TCP port; choose 1 to 65535, or 0 for any")
    return number


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
    # True and 1 are the same number, but only True means any port.
    return True if _tcp_port(number) == 0 else number


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
