"""Make a bare board a logger: refuse where something would be lost, write, wait, see that it runs what was written."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from celltrail.errors import BadAnswer, CelltrailError, DeviceFault, UsageFault
from celltrail.image import drive, esptool
from celltrail.image.build import Image
from celltrail.link.address import SERIAL, Address, parse_address
from celltrail.link.discovery import Found, likely_ports, scan
from celltrail.link.messages import Status
from celltrail.link.session import Session, open_session, require_state
from celltrail.operate.about import about
from celltrail.operate.commands import AT_REST, refuse_unread

WAIT_S = 60.0
_PAUSE_S = 0.5

Say = Callable[[str], None]


def refuse_loss(found: list[Found], discard: bool) -> None:
    """RefusedFault when a logger in reach is in a trip or holds unread data."""
    for one in found:
        if one.status is not None:
            require_state(one.status, AT_REST, "be flashed")
            refuse_unread(one.status, discard)


async def look_around(discard: bool, port: str | None) -> list[Address]:
    """The serial ports that may be the board, when nothing there would be lost; `port`: the one that was named."""
    if port is not None:
        named = Address(SERIAL, port)
        refuse_loss([one for one in await scan([str(named)]) if one.address == named], discard)
        return [named]
    refuse_loss(await scan(), discard)
    return likely_ports()


def only_port(ports: list[Address]) -> str:
    """The one serial port of an ESP32 board; UsageFault when there is none, or more."""
    if not ports:
        raise UsageFault(
            "no board in reach; plug one in, and if it stays so, take a cable that carries data,"
            " or name the port: -d serial:///dev/ttyUSB0"
        )
    if len(ports) > 1:
        listed = ", ".join(map(str, ports))
        raise UsageFault(f"{len(ports)} boards are in reach; leave one plugged in, or choose one with -d: {listed}")
    return ports[0].target


def write_uf2(image: Image, say: Say, limit_s: float = WAIT_S) -> None:
    """Wait for the drive of a board in boot mode, and copy; DeviceFault, UsageFault."""
    found = drive.only_drive()
    if found is None:
        say(f"no board is in boot mode: {drive.BOOT_MODE}")
    end_s = time.monotonic() + limit_s
    while found is None:
        if time.monotonic() > end_s:
            raise DeviceFault(f"no board came in boot mode within {limit_s:.0f} s; {drive.BOOT_MODE}")
        time.sleep(_PAUSE_S)
        found = drive.only_drive()
    say(f"writing {len(image.data):,} bytes to {found.path}")
    drive.copy(image.data, found)


def write_flash(image: Image, port: str, say: Say) -> None:
    """Run esptool; DeviceFault."""
    say(f"writing {len(image.data):,} bytes to {port}, a minute")
    with tempfile.TemporaryDirectory(prefix="celltrail-flash-") as folder:
        file = Path(folder) / f"image{image.suffix}"
        file.write_bytes(image.data)
        esptool.write(port, image.target, file)


async def wait_for_logger(
    candidates: Callable[[], list[Address]], expected: bytes, limit_s: float = WAIT_S
) -> tuple[Address, Status]:
    """The logger with this firmware; DeviceFault when none answers, BadAnswer when another firmware does."""
    end_s = time.monotonic() + limit_s
    seen: CelltrailError | None = None
    ports: list[Address] = []
    while time.monotonic() < end_s:
        ports = candidates()
        for address in ports:
            try:
                async with open_session(address) as session:
                    await check_firmware(session, expected)
                    return address, session.status
            except (DeviceFault, BadAnswer) as fault:
                seen = fault
        await asyncio.sleep(_PAUSE_S)
    if isinstance(seen, BadAnswer):
        raise seen
    if not ports:
        raise DeviceFault(
            f"no board showed up on USB within {limit_s:.0f} s; is it plugged in with a cable that carries data?"
        )
    raise DeviceFault(
        f"no logger answers at {', '.join(map(str, ports))} ({seen}); press the board's reset button, and if it stays"
        " silent, flash it again"
    )


async def check_firmware(session: Session, expected: bytes) -> None:
    """BadAnswer unless the logger says that it runs the firmware that was written."""
    if (await about(session)).firmware_hash != expected.hex():
        raise BadAnswer(
            f"{session.status.called} runs another firmware than was written; flash it again, and if that does not"
            " help, its flash is worn out"
        )


def named_port(device: str | None) -> str | None:
    """The port of a serial address; UsageFault for another kind."""
    if device is None:
        return None
    address = parse_address(device)
    if address.kind != SERIAL:
        raise UsageFault(f"{address}: a board is flashed over its serial port: -d serial:///dev/ttyUSB0")
    return address.target
