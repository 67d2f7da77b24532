"""A second air beside ours: the logger's radio on Bumble's Bluetooth stack and controllers, which nobody here wrote.

It takes and gives what `boards/virtual_bluetooth` says to a radio. What Bumble's link leaves out (a scan response, the
address that an advertiser uses) is mended here.
"""

import asyncio
import dataclasses
import itertools

from bumble.att import Attribute
from bumble.controller import Controller
from bumble.core import UUID
from bumble.device import AdvertisingType, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

from celltrail_protocol import cbor

_WRITE_AND_NOTIFY = Characteristic.Properties.WRITE_WITHOUT_RESPONSE | Characteristic.Properties.NOTIFY
_PACKET, _PACKETS = 251, 12


class _Link(LocalLink):
    def send_advertising_pdu(self, sender, packet):
        advertisers = [sender.le_legacy_advertiser, *sender.advertising_sets.values()]
        mine = [one for one in advertisers if one.enabled and one.address == packet.advertiser_address]
        if mine and hasattr(packet, "data"):
            packet = dataclasses.replace(packet, data=packet.data + bytes(mine[0].scan_response_data))
        super().send_advertising_pdu(sender, packet)


def _device(link: _Link, name: str, address: str) -> Device:
    controller = Controller(name, link=link, public_address=address)
    controller.le_acl_data_packet_length = _PACKET
    controller.total_num_le_acl_data_packets = _PACKETS
    return Device(name=name, address=Address(address), host=Host(controller, AsyncPipeSink(controller)))


class BumbleAir:
    """The air around one logger and one host; `host` is the host's Bumble device."""

    def __init__(self) -> None:
        self._link = _Link()
        self.host = _device(self._link, "host", "F0:5C:81:00:00:01")
        self._jobs: asyncio.Queue = asyncio.Queue()
        self._numbers = itertools.count(1)
        self._connections: dict[int, object] = {}
        self._characteristics: dict[int, Characteristic] = {}
        self._worker = asyncio.create_task(self._work())

    def enter(self, address: str, hear) -> None:
        self._hear = hear
        self._device = _device(self._link, "logger", address)
        self._device.on("connection", self._connected)

    async def close(self) -> None:
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)

    def told(self, address: str, message: bytes) -> None:
        """The logger's radio says something; it is carried out in order."""
        self._jobs.put_nowait(cbor.loads(message))

    def _tell(self, *message) -> None:
        self._hear(cbor.dumps(list(message)))

    async def _work(self) -> None:
        while True:
            word, *values = await self._jobs.get()
            await getattr(self, f"_{word}")(*values)

    async def _power(self, on, name, mtu) -> None:
        self._device.gatt_server.max_mtu = mtu
        await (self._device.power_on() if on else self._device.power_off())

    async def _services(self, services) -> None:
        for uuid, characteristics in services:
            made = [self._characteristic(*one) for one in characteristics]
            self._device.add_service(Service(_uuid(uuid), made))

    def _characteristic(self, uuid, flags, handle) -> Characteristic:
        def written(connection, value):
            self._tell("write", self._number(connection), handle, bytes(value))

        value = CharacteristicValue(write=written)
        made = Characteristic(_uuid(uuid), _WRITE_AND_NOTIFY, Attribute.Permissions.WRITEABLE, value)
        self._characteristics[handle] = made
        return made

    async def _advertise(self, interval_ms, data, response) -> None:
        if self._device.is_advertising:
            await self._device.stop_advertising()
        if interval_ms:
            await self._device.start_advertising(
                advertising_type=AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE,
                advertising_data=bytes(data),
                scan_response_data=bytes(response),
            )

    async def _disconnect(self, number) -> None:
        if number in self._connections:
            await self._connections[number].disconnect()

    async def _notify(self, number, handle, data) -> None:
        if number in self._connections:
            await self._device.notify_subscriber(self._connections[number], self._characteristics[handle], bytes(data))
            self._tell("sent", number, len(data))

    def _number(self, connection) -> int:
        return next(number for number, one in self._connections.items() if one is connection)

    def _connected(self, connection) -> None:
        number = next(self._numbers)
        self._connections[number] = connection
        self._tell("connected", number, bytes(connection.peer_address))
        connection.on("connection_att_mtu_update", lambda: self._tell("mtu", number, connection.att_mtu))
        connection.on("disconnection", lambda reason: self._ended(number))

    def _ended(self, number) -> None:
        del self._connections[number]
        self._tell("disconnected", number)


def _uuid(raw: bytes) -> UUID:
    """From the bytes in the order of the air."""
    return UUID.from_bytes(bytes(raw))
