"""A backend for bleak that reaches virtual loggers: `BleakClient(..., backend=VirtualClient, radio=open_door)`.

What goes through the door is described in `virtual/air_server.py`.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, Self

from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError
from bleak.uuids import normalize_uuid_16, normalize_uuid_str

Message = dict[str, Any]
_ATT_HEAD = 3
_DEFAULT_MTU = 23
_NAMES = (0x09, 0x08)
_UUIDS_16 = (0x02, 0x03)
_UUIDS_128 = (0x06, 0x07)
_SERVICE_DATA_16 = 0x16
_MANUFACTURER = 0xFF


class Door(Protocol):
    """The way into a virtual radio."""

    def tell(self, **wish: Any) -> None:
        """Say something to the radio."""

    def close(self) -> None:
        """Leave; a connection ends with it."""


OpenDoor = Callable[[Callable[[Message], None]], Awaitable[Door]]


class TcpDoor:
    """A door that another process has opened."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._pump: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, host: str, port: int, hear: Callable[[Message], None]) -> Self:
        """BleakError when nobody has opened one there."""
        try:
            door = cls(*await asyncio.open_connection(host, port))
        except OSError as fault:
            raise BleakError(
                f"there is no virtual radio at {host}:{port}; start one: celltrail virtual --ble"
            ) from fault
        door._pump = asyncio.create_task(door._read(hear))
        return door

    async def _read(self, hear: Callable[[Message], None]) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await self._reader.readline():
                hear(json.loads(line))
        hear({"ended": True})

    def tell(self, **wish: Any) -> None:
        self._writer.write(json.dumps(wish).encode() + b"\n")

    def close(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
        self._writer.close()


class VirtualScanner(BaseBleakScanner):
    """Scans actively: advertisement and scan response come together."""

    def __init__(
        self,
        detection_callback: Any,
        service_uuids: list[str] | None,
        scanning_mode: str,
        *,
        radio: OpenDoor,
        **_: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._radio = radio
        self._door: Door | None = None

    async def start(self) -> None:
        self.seen_devices = {}
        self._door = await self._radio(self._hear)
        self._door.tell(do="scan", on=True)

    async def stop(self) -> None:
        if self._door is not None:
            self._door.close()
            self._door = None

    def _hear(self, message: Message) -> None:
        if "heard" not in message:
            return
        said = advertisement(bytes.fromhex(message["data"] + message["response"]), message["rssi"])
        if self.is_allowed_uuid(said.service_uuids):
            address = message["heard"]
            device = self.create_or_update_device(address, address, said.local_name, None, said)
            self.call_detection_callbacks(device, said)


def advertisement(data: bytes, rssi: int) -> AdvertisementData:
    """The fields of an advertisement as bleak gives them; what is cut short is left out."""
    name: str | None = None
    uuids: list[str] = []
    makers: dict[int, bytes] = {}
    services: dict[str, bytes] = {}
    for kind, content in _fields(data):
        if kind in _NAMES:
            name = content.decode(errors="replace")
        elif kind in _UUIDS_16:
            uuids += [normalize_uuid_16(_number(content[at : at + 2])) for at in range(0, len(content), 2)]
        elif kind in _UUIDS_128:
            uuids += [_uuid(content[at : at + 16][::-1].hex()) for at in range(0, len(content), 16)]
        elif kind == _SERVICE_DATA_16:
            services[normalize_uuid_16(_number(content[:2]))] = content[2:]
        elif kind == _MANUFACTURER:
            makers[_number(content[:2])] = content[2:]
    return AdvertisementData(name, makers, services, uuids, None, rssi, ())


def _fields(data: bytes) -> list[tuple[int, bytes]]:
    fields, at = [], 0
    while at + 1 < len(data) and data[at]:
        fields.append((data[at + 1], data[at + 2 : at + 1 + data[at]]))
        at += 1 + data[at]
    return fields


def _number(content: bytes) -> int:
    return content[0] | content[1] << 8


def _uuid(digits: str) -> str:
    if len(digits) == 4:
        return normalize_uuid_16(int(digits, 16))
    return normalize_uuid_str("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))


class VirtualClient(BaseBleakClient):
    """A connection; it refuses what a radio would refuse."""

    def __init__(self, address_or_ble_device: BLEDevice | str, *, radio: OpenDoor, **arguments: Any) -> None:
        super().__init__(address_or_ble_device, **arguments)
        self._radio = radio
        self._door: Door | None = None
        self._mtu = _DEFAULT_MTU
        self._connected = False
        self._answer: asyncio.Future[Message] | None = None
        self._callbacks: dict[int, Callable[[bytearray], None]] = {}
        self._name = address_or_ble_device.name if isinstance(address_or_ble_device, BLEDevice) else None

    @property
    def name(self) -> str:
        return self._name or self.address

    @property
    def mtu_size(self) -> int:
        return self._mtu

    @property
    def is_connected(self) -> bool:
        return self._connected

    async def connect(self, pair: bool, **_: Any) -> None:
        self._door = await self._radio(self._hear)
        self._answer = asyncio.get_running_loop().create_future()
        self._door.tell(do="connect", address=self.address)
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._answer
        except BaseException:
            self._leave()
            raise
        if "connected" not in answer:
            self._leave()
            raise BleakDeviceNotFoundError(self.address, f"{self.address} does not advertise")
        self._mtu = answer["connected"]
        self._connected = True
        self.services = self._collect(answer["services"])

    def _collect(self, services: list[Any]) -> BleakGATTServiceCollection:
        found = BleakGATTServiceCollection()
        for number, (uuid, characteristics) in enumerate(services):
            service = BleakGATTService(None, number, _uuid(uuid))
            found.add_service(service)
            for one, flags, handle in characteristics:
                properties = list(gatt_char_props_to_strs(flags))
                found.add_characteristic(
                    BleakGATTCharacteristic(
                        None, handle, _uuid(one), properties, lambda: self._mtu - _ATT_HEAD, service
                    )
                )
        return found

    def _hear(self, message: Message) -> None:
        if self._answer is not None and not self._answer.done() and not {"heard", "notified"} & message.keys():
            self._answer.set_result(message)
        elif "notified" in message:
            callback = self._callbacks.get(message["notified"])
            if callback is not None:
                callback(bytearray.fromhex(message["data"]))
        elif "ended" in message and self._connected:
            self._leave()
            if self._disconnected_callback is not None:
                self._disconnected_callback()

    def _leave(self) -> None:
        self._connected = False
        self._callbacks.clear()
        if self._door is not None:
            self._door.close()
            self._door = None

    async def disconnect(self) -> None:
        if self._door is not None:
            self._door.tell(do="disconnect")
        self._leave()

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        raise BleakError("virtual loggers don't pair")

    async def unpair(self) -> None:
        raise BleakError("virtual loggers don't pair")

    def _require(self) -> Door:
        if self._door is None or not self._connected:
            raise BleakError("not connected")
        return self._door

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **_: Any
    ) -> bytearray:
        raise BleakError("a logger has nothing to be read so")

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **_: Any
    ) -> bytearray:
        raise BleakError("a logger has nothing to be read so")

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: Any, response: bool) -> None:
        if response:
            raise BleakError("this characteristic is written without response")
        if len(data) > self._mtu - _ATT_HEAD:
            raise BleakError(f"a write of {len(data)} bytes does not fit the MTU of {self._mtu}")
        self._require().tell(do="write", handle=characteristic.handle, data=bytes(data).hex())

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: Any) -> None:
        raise BleakError("a logger has no descriptors to be written so")

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: Callable[[bytearray], None], **_: Any
    ) -> None:
        self._require()
        self._callbacks[characteristic.handle] = callback

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        self._callbacks.pop(characteristic.handle, None)
