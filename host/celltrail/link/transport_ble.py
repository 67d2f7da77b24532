"""A logger over Bluetooth LE: SMP on its GATT characteristic, several messages on their way at once.

smpclient's own BLE transport takes one message at a time and finds no pipelined answers; this one hands each whole
message over as it comes.
"""

import asyncio
import contextlib

from bleak import BleakClient
from bleak.exc import BleakError
from smpclient.transport import SMPTransport

from celltrail.errors import DeviceFault, LinkLost
from celltrail.link import bluetooth
from celltrail.link.address import parse_address
from celltrail_protocol import smp

_FIND_S = 8.0
# Windows may say 20 at first; what is written is short, so it may be written so.
_SMALLEST = 20


class BleTransport(SMPTransport):
    """`connect` takes the whole address, `ble://NAME` or `ble://ADDRESS`."""

    patience = 3.0

    def __init__(self) -> None:
        self._client: BleakClient | None = None
        self._inbox: asyncio.Queue[bytes | LinkLost] = asyncio.Queue()
        self._data = bytearray()
        self._fragment = _SMALLEST
        self._name = ""

    async def connect(self, address: str, timeout_s: float) -> None:
        """Raises DeviceFault when the logger is not heard, or takes no connection."""
        heard = await bluetooth.find(parse_address(address).target, max(timeout_s, _FIND_S))
        self._name = heard.name
        client = bluetooth.make_client(heard, max(timeout_s, _FIND_S), self._ended)
        try:
            await client.connect()
            self._client = client
            self._fragment = await self._prepare(client)
        except (BleakError, OSError, TimeoutError, EOFError) as fault:
            await self.disconnect()
            raise bluetooth.explain(fault, self._name) from fault

    async def _prepare(self, client: BleakClient) -> int:
        """Listen to its answers; how much a write may carry."""
        characteristic = client.services.get_characteristic(smp.GATT_CHARACTERISTIC)
        if characteristic is None:
            raise DeviceFault(f"{self._name} offers no SMP; is it a Celltrail logger?")
        await client.start_notify(characteristic, self._notified)
        return max(_SMALLEST, characteristic.max_write_without_response_size)

    async def disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            # Where that fails it has ended in another way, which is as good.
            with contextlib.suppress(BleakError, OSError, EOFError):
                await client.disconnect()

    def _notified(self, _: object, data: bytearray) -> None:
        self._data += data
        while len(self._data) >= smp.HEADER_SIZE:
            size = smp.HEADER_SIZE + (self._data[2] << 8 | self._data[3])
            if len(self._data) < size:
                return
            self._inbox.put_nowait(bytes(self._data[:size]))
            del self._data[:size]

    def _ended(self, _: BleakClient) -> None:
        self._inbox.put_nowait(LinkLost(f"link lost: {self._name} is out of reach, or has ended the connection"))

    async def send(self, data: bytes) -> None:
        """Raises LinkLost when the link does not take the bytes."""
        if self._client is None:
            raise LinkLost(f"link lost: {self._name} is not connected")
        try:
            for at in range(0, len(data), self._fragment):
                piece = data[at : at + self._fragment]
                await self._client.write_gatt_char(smp.GATT_CHARACTERISTIC, piece, response=False)
        except (BleakError, OSError, EOFError) as fault:
            raise LinkLost(f"link lost: {self._name} is out of reach") from fault

    async def receive(self) -> bytes:
        """The next whole message; raises LinkLost once the link has ended, again and again."""
        item = await self._inbox.get()
        if isinstance(item, LinkLost):
            self._inbox.put_nowait(item)
            raise item
        return item

    async def send_and_receive(self, data: bytes) -> bytes:
        await self.send(data)
        return await self.receive()

    @property
    def mtu(self) -> int:
        return self._fragment
