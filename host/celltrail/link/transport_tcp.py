"""A virtual logger's serial port behind a TCP socket."""

import asyncio
import socket

from celltrail.errors import DeviceFault
from celltrail.link.address import Address, parse_address
from celltrail.link.transport_console import ConsoleTransport


class _Wire(asyncio.Protocol):
    """asyncio's callbacks, handed on to the transport."""

    def __init__(self, owner: "TcpTransport") -> None:
        self._owner = owner

    def data_received(self, data: bytes) -> None:
        self._owner._received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner._lost("the other side closed the connection" if exc is None else str(exc))


class TcpTransport(ConsoleTransport):
    """`connect` takes the whole address, `tcp://HOST:PORT`."""

    _wire: asyncio.Transport | None = None

    async def connect(self, address: str, timeout_s: float) -> None:
        """Raises DeviceFault when nobody listens there."""
        where = parse_address(address)
        host, port = where.host_and_port
        try:
            async with asyncio.timeout(timeout_s):
                loop = asyncio.get_running_loop()
                self._wire, _ = await loop.create_connection(lambda: _Wire(self), host, port)
        except OSError as fault:
            raise _explain(where, fault) from fault
        self._wire.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def disconnect(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _write(self, data: bytes) -> None:
        if self._wire is not None:
            self._wire.write(data)


def _explain(where: Address, fault: OSError) -> DeviceFault:
    if isinstance(fault, ConnectionRefusedError):
        return DeviceFault(f"nothing listens at {where}; is the virtual logger running?")
    if isinstance(fault, socket.gaierror):
        return DeviceFault(f"unknown host in {where}")
    if isinstance(fault, TimeoutError):
        return DeviceFault(f"{where} does not answer in time; is the host reachable?")
    return DeviceFault(f"cannot connect to {where}: {fault.strerror or fault}")
