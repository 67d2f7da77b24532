"""The virtual radio's door for hosts: a TCP port on 127.0.0.1 that speaks JSON Lines; bytes are written as hex.

from the host  {"do": "scan", "on": true}   {"do": "connect", "address": A}   {"do": "disconnect"}
               {"do": "write", "handle": H, "data": X}
to the host    {"heard": A, "rssi": R, "data": X, "response": X}   {"connected": MTU, "services": [...]}
               {"failed": A}   {"notified": H, "data": X}   {"ended": true}
               services as [[uuid, [[uuid, flags, handle], ...]], ...]
"""

import asyncio
import json
from typing import Any, Protocol

from celltrail.virtual.air import Air, Connection

# A connection needs some connection events until the first value can go.
_SETUP_EVENTS = 6


class Writer(Protocol):
    """What a host is told through; an asyncio.StreamWriter is one."""

    def write(self, data: bytes) -> None: ...

    def is_closing(self) -> bool: ...

    def close(self) -> None: ...


class HostAtTheDoor:
    """One host's socket: at most one connection, as many as it likes one after the other."""

    def __init__(self, air: Air, writer: Writer) -> None:
        self._air = air
        self._writer = writer
        self._connection: Connection | None = None

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Until the host hangs up: then its connection is over."""
        try:
            while line := await reader.readline():
                await self.obey(json.loads(line))
        except (ConnectionError, ValueError):
            # Whatever this was, it is no host any more.
            pass
        finally:
            self.leave()

    def leave(self) -> None:
        """The host has hung up."""
        self._air.listeners.discard(self)
        self._disconnect()
        self._writer.close()

    async def obey(self, wish: dict[str, Any]) -> None:
        """Do what the host wants."""
        match wish.get("do"):
            case "scan":
                (self._air.listeners.add if wish["on"] else self._air.listeners.discard)(self)
            case "connect":
                await self._connect(str(wish["address"]))
            case "disconnect":
                self._disconnect()
            case "write" if self._connection is not None:
                self._connection.link.write(int(wish["handle"]), bytes.fromhex(wish["data"]))

    async def _connect(self, address: str) -> None:
        self._disconnect()
        connection = self._air.connect(address, self)
        if connection is None:
            self._tell(failed=address)
            return
        self._connection = connection
        await asyncio.sleep(_SETUP_EVENTS * self._air.conditions.interval_ms / 1000)
        if self._connection is connection:
            self._air.exchange_mtu(connection)
            self._tell(connected=connection.mtu, services=_readable(connection.logger.services))

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._air.drop(self._connection)

    def _tell(self, **values: Any) -> None:
        if not self._writer.is_closing():
            self._writer.write(json.dumps(values).encode() + b"\n")

    # As Listener

    def heard(self, address: str, rssi: int, data: bytes, response: bytes) -> None:
        self._tell(heard=address, rssi=rssi, data=data.hex(), response=response.hex())

    def notified(self, handle: int, data: bytes) -> None:
        self._tell(notified=handle, data=data.hex())

    def ended(self) -> None:
        self._connection = None
        self._tell(ended=True)


def _readable(services: list[Any]) -> list[Any]:
    """Service and characteristic UUIDs as hex, in the order in which people write them."""
    return [
        [service[::-1].hex(), [[uuid[::-1].hex(), flags, handle] for uuid, flags, handle in characteristics]]
        for service, characteristics in services
    ]


async def serve(air: Air, port: int) -> asyncio.Server:
    """Open the door; OSError when the port is taken."""

    async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await HostAtTheDoor(air, writer).serve(reader)

    return await asyncio.start_server(enter, "127.0.0.1", port)
