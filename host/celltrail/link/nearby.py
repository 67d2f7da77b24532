"""Every logger in reach, over cables and over the air, as one list that grows and changes."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from celltrail.errors import DeviceFault
from celltrail.link.address import BLE, Address
from celltrail.link.bluetooth import Heard, listening
from celltrail.link.discovery import Found, scan
from celltrail.utc import iso
from celltrail_protocol import codes, names

ASK_EVERY_S = 1.0
_TOLD_EVERY_S = 1.0
_FOR_EVER_S = 1e8


@dataclass(frozen=True)
class Near:
    """A logger as it showed itself last; None where it does not tell."""

    address: Address
    called: str
    state: str
    alarm: bool | None
    unread: bool | None
    battery: str
    rssi_dBm: int | None
    seen_ns: int
    details: dict[str, Any]
    has_trip: bool

    @property
    def age_s(self) -> float:
        """How long ago that was."""
        return (time.time_ns() - self.seen_ns) / 1e9

    def to_json(self) -> dict[str, Any]:
        return self.details | {"seen_utc": iso(self.seen_ns // 1_000_000)}


def from_cable(found: Found) -> Near:
    """A logger that answered a status request."""
    now = found.status
    assert now is not None
    details = found.to_json()
    battery = f"{now.battery / 1000:.2f} V"
    alarm, unread = bool(now.alarms), bool(now.unread)
    return Near(
        found.address,
        now.called,
        details["state"],
        alarm,
        unread,
        battery,
        None,
        time.time_ns(),
        details,
        bool(now.sectors),
    )


def from_air(heard: Heard) -> Near:
    """A logger that advertises; nobody has connected to it."""
    address = Address(BLE, heard.address)
    state = names.STATE_NAMES.get(heard.status[0], "") if heard.status else ""
    alarm, unread = heard.flag(codes.ADVERT_ALARM), heard.flag(codes.ADVERT_UNREAD)
    is_low = heard.flag(codes.ADVERT_BATTERY_LOW)
    battery = "" if heard.battery_percent is None else f"{heard.battery_percent} %{' LOW' if is_low else ''}"
    details = {
        "address": str(address),
        "name": heard.name,
        "state": state or None,
        "alarm": alarm,
        "unread": unread,
        "battery_percent": heard.battery_percent,
        "battery_low": is_low,
        "temperature_C": None if heard.temp_cC is None else heard.temp_cC / 100,
        "rssi_dBm": heard.rssi_dBm,
        "provisioned": heard.flag(codes.ADVERT_PROVISIONED),
    }
    has_trip = state != names.STATE_NAMES[codes.STATE_IDLE]
    return Near(address, heard.name, state, alarm, unread, battery, heard.rssi_dBm, time.time_ns(), details, has_trip)


class Survey:
    """Asks and listens; `near` are the loggers by their addresses, `faults` why others did not answer."""

    def __init__(self, also: Sequence[str] = (), every: bool = False, air: bool = True) -> None:
        self.near: dict[Address, Near] = {}
        self.faults: dict[str, str] = {}
        self._also = also
        self._every = every
        self._air = air

    async def run(
        self, seconds: float | None, again: bool = False, tell: Callable[[Near], None] = lambda near: None
    ) -> None:
        """Listen for so long (None: until cancelled), and ask once or again and again.

        `tell` hears of each answer, and of each logger that advertises once a second.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ask(seconds if again else 0.0, tell))
            if self._air:
                tasks.create_task(self._listen(seconds, tell))

    async def _ask(self, seconds: float | None, tell: Callable[[Near], None]) -> None:
        end_s = None if seconds is None else time.monotonic() + seconds
        await self._ask_once(tell)
        while end_s is None or time.monotonic() + ASK_EVERY_S < end_s:
            await asyncio.sleep(ASK_EVERY_S)
            await self._ask_once(tell)

    async def _ask_once(self, tell: Callable[[Near], None]) -> None:
        for found in await scan(self._also, self._every):
            if found.status is None:
                self.faults[str(found.address)] = found.fault
            else:
                self._take(from_cable(found), tell)

    async def _listen(self, seconds: float | None, tell: Callable[[Near], None]) -> None:
        def take(heard: Heard) -> None:
            near = from_air(heard)
            before = self.near.get(near.address)
            if before is None or before.age_s >= _TOLD_EVERY_S:
                self._take(near, tell)
            else:
                self.near[near.address] = near

        try:
            async with listening(take):
                await asyncio.sleep(_FOR_EVER_S if seconds is None else seconds)
        except DeviceFault as fault:
            self.faults["Bluetooth"] = str(fault)

    def _take(self, near: Near, tell: Callable[[Near], None]) -> None:
        self.near[near.address] = near
        self.faults.pop(str(near.address), None)
        tell(near)


def listed(survey: Survey) -> list[Near]:
    """Those in alarm first, then the nearest."""
    return sorted(survey.near.values(), key=lambda one: (not one.alarm, -(one.rssi_dBm or 0), str(one.address)))
