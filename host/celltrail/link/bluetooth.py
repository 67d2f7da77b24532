"""Which Bluetooth radio is used, the loggers that it hears, and what its faults mean to a person."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
)

from celltrail.errors import DeviceFault
from celltrail.link.address import TCP, parse_address
from celltrail_protocol import advert, advert_reader, smp
from celltrail_protocol.layout import ProtocolError

_TWINS_S = 1.2
_BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"
_WHY = {
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: "this computer has no Bluetooth; use a cable, or a Bluetooth dongle",
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: "this computer's Bluetooth is too old for Bluetooth LE;"
    " use a cable, or another dongle",
    BleakBluetoothNotAvailableReason.POWERED_OFF: "Bluetooth is off; switch it on in this computer's settings",
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: "no permission for Bluetooth;"
    " allow it for this terminal in the privacy settings",
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: "this computer's administrator does not allow Bluetooth;"
    " use a cable",
    BleakBluetoothNotAvailableReason.DENIED_BY_UNKNOWN: "no permission for Bluetooth; allow it in the privacy settings",
}
_DBUS = {
    "org.bluez.Error.NotReady": "Bluetooth is off; switch it on: bluetoothctl power on",
    "org.freedesktop.DBus.Error.AccessDenied": "no permission for Bluetooth;"
    " add yourself to the group bluetooth and log in again",
    "org.freedesktop.DBus.Error.ServiceUnknown": "Bluetooth does not run here; start it: systemctl start bluetooth",
}


class _Radio:
    """The radio that was chosen: this computer's own, or a virtual one."""

    scanner: dict[str, Any] = {}
    client: dict[str, Any] = {}


def choose_radio(address: str | None) -> None:
    """Use the virtual radio at tcp://HOST:PORT from now on; None: this computer's. UsageFault."""
    _Radio.scanner, _Radio.client = {}, {}
    if address is None:
        return
    where = parse_address(address if "://" in address else f"{TCP}://{address}")
    host, port = where.host_and_port
    from celltrail.link.virtual_radio import TcpDoor

    use_door(functools.partial(TcpDoor.open, host, port))


def use_door(door: Any) -> None:
    """Use the virtual radio behind this door (see `virtual_radio.OpenDoor`)."""
    from celltrail.link.virtual_radio import VirtualClient, VirtualScanner

    _Radio.scanner = {"backend": VirtualScanner, "radio": door}
    _Radio.client = {"backend": VirtualClient, "radio": door}


@dataclass(frozen=True)
class Heard:
    """A logger's latest advertisement; `status` is (state, flags, alarms), None when it is not ours to read."""

    device: BLEDevice
    name: str
    rssi_dBm: int
    battery_percent: int | None
    temp_cC: int | None
    status: tuple[int, int, int] | None

    @property
    def address(self) -> str:
        """As bleak names it: six bytes, on macOS a UUID."""
        return self.device.address

    def flag(self, mask: int) -> bool | None:
        """One of codes.ADVERT_*; None when the logger does not tell."""
        return bool(self.status[1] & mask) if self.status else None


def heard_logger(device: BLEDevice, said: AdvertisementData) -> Heard | None:
    """What an advertisement says, if it is a logger's: our status record, or our name with SMP's service."""
    name = said.local_name or device.name or ""
    status = None
    with contextlib.suppress(ProtocolError):
        status = advert_reader.parse_status(said.manufacturer_data.get(advert.COMPANY, b""))
    if status is None and not (name.startswith("CT-") and smp.GATT_SERVICE in said.service_uuids):
        return None
    battery, temp_cC = advert_reader.parse_bthome(said.service_data.get(_BTHOME, b""))
    return Heard(device, name, said.rssi, battery, temp_cC, status)


@contextlib.asynccontextmanager
async def listening(tell: Callable[[Heard], None]) -> AsyncIterator[None]:
    """While it lasts, `tell` gets each advertisement of a logger. Raises DeviceFault."""

    def take(device: BLEDevice, said: AdvertisementData) -> None:
        heard = heard_logger(device, said)
        if heard is not None:
            tell(heard)

    try:
        async with BleakScanner(take, **_Radio.scanner):
            yield
    except (BleakError, OSError) as fault:
        raise explain(fault) from fault


async def loggers_on_air(seconds: float) -> list[Heard]:
    """Those that advertise within this time; none where there is no Bluetooth."""
    found: dict[str, Heard] = {}
    with contextlib.suppress(DeviceFault):
        async with listening(lambda heard: found.update({heard.address: heard})):
            await asyncio.sleep(seconds)
    return list(found.values())


async def find(target: str, timeout_s: float) -> Heard:
    """The logger with this name or address; DeviceFault when it is not heard, or when two have the name."""
    found: dict[str, Heard] = {}
    wanted = target.strip("/").lower()
    known = asyncio.Event()

    def tell(heard: Heard) -> None:
        if wanted in (heard.name.lower(), heard.address.lower()):
            found[heard.address] = heard
            known.set()

    async with listening(tell):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await known.wait()
                # A second one with that name would have been heard by then.
                await asyncio.sleep(_TWINS_S if wanted.startswith("ct-") else 0)
    if not found:
        raise DeviceFault(
            f"{target} is not heard; go nearer, wake its radio (button, knock or cable), and see `celltrail scan`;"
            " while another host is connected, or in flight, a logger is not heard either"
        )
    if len(found) > 1:
        addresses = ", ".join(sorted(f"ble://{address}" for address in found))
        raise DeviceFault(f"two loggers are called {target}; name one by its address: {addresses}")
    return next(iter(found.values()))


def make_client(heard: Heard, timeout_s: float, ended: Callable[[BleakClient], None]) -> BleakClient:
    """Not connected yet."""
    return BleakClient(heard.device, ended, timeout=timeout_s, **_Radio.client)


def explain(fault: Exception, name: str = "") -> DeviceFault:
    """Why Bluetooth does not do what was asked, and what to do."""
    if isinstance(fault, BleakBluetoothNotAvailableError):
        return DeviceFault(_WHY.get(fault.reason, "Bluetooth is not available; use a cable"))
    if isinstance(fault, BleakDBusError) and fault.dbus_error in _DBUS:
        return DeviceFault(_DBUS[fault.dbus_error])
    if isinstance(fault, FileNotFoundError | ConnectionRefusedError):
        return DeviceFault(
            "Bluetooth does not run here; start it (on Linux: systemctl start bluetooth), or use a cable"
        )
    if isinstance(fault, PermissionError):
        return DeviceFault(_DBUS["org.freedesktop.DBus.Error.AccessDenied"])
    if isinstance(fault, BleakDeviceNotFoundError):
        return DeviceFault(f"{name or fault.identifier} is out of reach, or another host has connected; try again")
    if isinstance(fault, TimeoutError):
        return DeviceFault(f"{name} does not take a connection; go nearer, or another host is connected; try again")
    text = " ".join(str(fault).split()) or type(fault).__name__
    return DeviceFault(f"{name}: {text}" if name else text)
