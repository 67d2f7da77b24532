"""What the commands share: options, the way to one logger, and how answers are printed."""

import asyncio
import contextlib
import json
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from celltrail.errors import RefusedFault
from celltrail.keys.keystore import FOLDER_VARIABLE
from celltrail.link.address import Address, parse_address
from celltrail.link.discovery import only_logger
from celltrail.link.session import Session, open_session
from celltrail.operate.commands import LONGEST_OPERATOR, short_text
from celltrail.plain_text import printable_lines

DEVICE_VARIABLE = "CELLTRAIL_DEVICE"
OPERATOR_VARIABLE = "CELLTRAIL_OPERATOR"
RADIO_VARIABLE = "CELLTRAIL_RADIO"


def _use_radio(address: str | None) -> str | None:
    if address is not None:
        # Bluetooth takes a while to load, and most commands do without.
        from celltrail.link.bluetooth import choose_radio

        choose_radio(address)
    return address


Device = Annotated[
    str | None,
    typer.Option(
        "--device",
        "-d",
        metavar="ADDRESS",
        envvar=DEVICE_VARIABLE,
        help="The logger: serial:///dev/ttyACM0, serial://COM5, ble://CT-3F2A91 or tcp://127.0.0.1:7788."
        " Not needed when just one is in reach.",
    ),
]
Radio = Annotated[
    str | None,
    typer.Option(
        "--radio",
        metavar="ADDRESS",
        envvar=RADIO_VARIABLE,
        callback=_use_radio,
        help="Virtual radio of `celltrail virtual --ble`: tcp://127.0.0.1:7799. [default: this computer's Bluetooth]",
    ),
]
Keys = Annotated[
    Path | None,
    typer.Option(
        "--keys",
        metavar="FOLDER",
        envvar=FOLDER_VARIABLE,
        help="The key store. [default: the platform's data folder]",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Operator = Annotated[
    str,
    typer.Option(
        metavar="CODE",
        envvar=OPERATOR_VARIABLE,
        help=f"Who does this: a code of at most {LONGEST_OPERATOR} bytes, not a name.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
Discard = Annotated[bool, typer.Option("--discard-unread", help="Lose data that nobody has read.")]
T = TypeVar("T")


def say(text: str) -> None:
    """A message for people, on standard error."""
    print(printable_lines(text), file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """One JSON document on standard output, in ASCII where that is all it takes; bytes as hex."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    print(json.dumps(value, default=_as_json, ensure_ascii=ascii_only, indent=2))


def _as_json(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def checked_operator(operator: str) -> str:
    """UsageFault when the code does not fit."""
    return short_text("--operator", operator, LONGEST_OPERATOR)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends a question at once: asyncio would note it and wait for the answer."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def confirm(question: str, yes: bool) -> None:
    """RefusedFault unless the user agrees; without a terminal nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedFault(f"{question} needs an answer, and there is no terminal; pass --yes")
    try:
        with _interruptible():
            agreed = typer.confirm(question, err=True)
    except typer.Abort as end:
        raise KeyboardInterrupt from end
    if not agreed:
        raise RefusedFault("nothing was done")


async def find(device: str | None) -> Address:
    """The logger that was named, or the only one in reach."""
    return parse_address(device) if device else await only_logger()


def with_session(device: str | None, work: Callable[[Session], Awaitable[T]]) -> T:
    """Run `work` in a session with the logger."""

    async def run() -> T:
        async with open_session(await find(device)) as session:
            return await work(session)

    return asyncio.run(run())
