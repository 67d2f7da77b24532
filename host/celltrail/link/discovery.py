"""Which loggers are in reach: serial ports that may be one, and named addresses, asked all at once."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from serial.tools.list_ports import comports

from celltrail.errors import CelltrailError, DeviceFault, UsageFault
from celltrail.link.address import BLE, SERIAL, Address, parse_address
from celltrail.link.messages import Status
from celltrail.link.session import open_session
from celltrail_protocol import names

# USB vendors: Raspberry Pi, Espressif, and the bridges on ESP32 boards (Silicon Labs CP210x, WCH CH340).
_VENDORS = (0x2E8A, 0x303A, 0x10C4, 0x1A86)
_ANSWER_S = 0.6
_LISTEN_S = 3.0


@dataclass(frozen=True)
class Found:
    """An address that was asked: its status, or why there is none."""

    address: Address
    status: Status | None
    fault: str = ""

    def to_json(self) -> dict[str, Any]:
        """For a logger that answered."""
        status = self.status
        assert status is not None
        return {
            "address": str(self.address),
            "name": status.name,
            "uid": status.uid.hex(),
            "state": names.STATE_NAMES.get(status.state, str(status.state)),
            "trip": status.trip,
            "alarm": bool(status.alarms),
            "unread": bool(status.unread),
            "battery_mV": status.battery,
            "provisioned": status.keyed,
        }


def likely_ports(every: bool = False) -> list[Address]:
    """Serial ports with a USB id of a board that loggers are made of, or every port."""
    ports = [port for port in comports() if every or port.vid in _VENDORS]
    return sorted((Address(SERIAL, port.device) for port in ports), key=str)


async def scan(also: Iterable[str] = (), every: bool = False) -> list[Found]:
    """Ask all at once with a status request, which changes nothing and which other devices ignore."""
    addresses = dict.fromkeys([*likely_ports(every), *map(parse_address, also)])
    return list(await asyncio.gather(*map(_ask, addresses)))


async def _ask(address: Address) -> Found:
    try:
        async with open_session(address, _ANSWER_S, tries=2) as session:
            return Found(address, session.status)
    except CelltrailError as fault:
        return Found(address, None, str(fault))


async def only_logger(also: Iterable[str] = ()) -> Address:
    """The address of the one logger in reach, on a cable if there is one; a fault that says what to do otherwise."""
    found = [(one.address, one.status.called) for one in await scan(also) if one.status is not None]
    if not found:
        found = await _on_air()
    if not found:
        raise DeviceFault("no logger in reach; plug one in, or name it: -d serial:///dev/ttyACM0 or -d ble://CT-3F2A91")
    if len(found) > 1:
        listed = ", ".join(f"{address} ({called})" for address, called in found)
        raise UsageFault(f"{len(found)} loggers are in reach; choose one with -d: {listed}")
    return found[0][0]


async def _on_air() -> list[tuple[Address, str]]:
    # Bluetooth takes a while to load, and a cable does without.
    from celltrail.link.bluetooth import loggers_on_air

    return [(Address(BLE, heard.address), heard.name) for heard in await loggers_on_air(_LISTEN_S)]
