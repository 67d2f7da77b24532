"""A logger on a serial port: USB, UART, or the pseudo-terminal of a virtual logger."""

import asyncio
import errno
import sys
import threading
from typing import Any

from serial import Serial, SerialException, SerialTimeoutException

from celltrail.errors import DeviceFault, LinkLost
from celltrail.link.address import parse_address
from celltrail.link.transport_console import ConsoleTransport

_BAUD = 115200
_READ_TIMEOUT_S = 0.2
_WRITE_TIMEOUT_S = 2.0
_IN_USE = (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK)


class SerialTransport(ConsoleTransport):
    """`connect` takes the whole address, `serial://PORT`; a thread waits for bytes, on every platform."""

    def __init__(self) -> None:
        super().__init__()
        self._port: Any = None
        self._pump: threading.Thread | None = None

    async def connect(self, address: str, timeout_s: float) -> None:
        """Raises DeviceFault when the port is missing, busy, forbidden or no serial port."""
        name = parse_address(address).target
        try:
            # Exclusive, because two programs that read one port each get half of the answers.
            self._port = Serial(name, _BAUD, timeout=_READ_TIMEOUT_S, write_timeout=_WRITE_TIMEOUT_S, exclusive=True)
            self._port.reset_input_buffer()
        except (OSError, ValueError) as fault:
            raise explain_open(name, fault) from fault
        loop = asyncio.get_running_loop()
        self._pump = threading.Thread(target=self._run, args=(self._port, loop), name=name, daemon=True)
        self._pump.start()

    async def disconnect(self) -> None:
        port, self._port = self._port, None
        if port is None or self._pump is None:
            return
        port.cancel_read()
        await asyncio.to_thread(self._pump.join)
        port.close()

    def _write(self, data: bytes) -> None:
        if self._port is None:
            return
        try:
            self._port.write(data)
        except SerialTimeoutException as fault:
            raise LinkLost(f"link lost: {self._port.port} takes no more bytes") from fault
        except (SerialException, OSError) as fault:
            raise LinkLost(f"link lost: {self._port.port} is gone") from fault

    def _run(self, port: Any, loop: asyncio.AbstractEventLoop) -> None:
        """The thread: hands bytes to the loop until the port is let go or fails."""
        try:
            while self._port is port:
                data = port.read(port.in_waiting or 1)
                if data:
                    loop.call_soon_threadsafe(self._received, data)
        except (SerialException, OSError):
            if self._port is port:
                loop.call_soon_threadsafe(self._lost, f"{port.port} is gone")


def explain_open(name: str, fault: Exception) -> DeviceFault:
    """Why a port does not open, and what to do."""
    number = getattr(fault, "errno", None)
    # pyserial's Windows part gives no errno, only the text of the error beneath.
    text = str(fault)
    if number == errno.ENOENT or "FileNotFoundError" in text:
        return DeviceFault(f"no port {name}; is the logger plugged in? `celltrail scan` lists what is in reach")
    if number in _IN_USE or "exclusively lock" in text or (sys.platform == "win32" and "PermissionError" in text):
        return DeviceFault(f"the port {name} is in use by another program; close it and try again")
    if number in (errno.EACCES, errno.EPERM):
        return DeviceFault(
            f"no permission for {name}; on Linux add yourself to the group dialout"
            " (sudo usermod -aG dialout $USER) and log in again"
        )
    return DeviceFault(f"{name} does not open as a serial port: {_plain(text)}")


def _plain(text: str) -> str:
    """pyserial's message without its prefix and tuple: "(25, 'Inappropriate ioctl for device')"."""
    return text.rpartition(": ")[2].strip("()").partition(", ")[2].strip("'\"") or text
