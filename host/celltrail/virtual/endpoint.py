"""What a client connects to: a pseudo-terminal or a TCP port. One client at a time."""

import os
import select
import socket
import sys
from typing import Protocol

from celltrail.errors import UsageFault

if sys.platform != "win32":
    import pty
    import termios
    import tty

_CHUNK = 4096
_RDHUP: int = getattr(select, "POLLRDHUP", 0)


class Endpoint(Protocol):
    """What the pump needs of either kind. Nothing blocks."""

    address: str
    doorbell: int | None
    """File number that becomes readable when a client comes; None: look again every few milliseconds."""
    client: int | None
    """File number of the connected client."""

    def look(self) -> None:
        """Notice clients that come and go; sets `client`."""

    def turn_away(self) -> None:
        """Refuse whoever waits, because the board is off."""

    def read(self, limit: int) -> bytes:
        """Bytes from the client, perhaps none; notices when it has gone."""

    def write(self, data: bytearray) -> int:
        """Hand bytes to the client; the count taken."""

    def lost(self) -> None:
        """The client has gone while nobody wants its last bytes."""

    def hang_up(self) -> None:
        """Drop the client where the medium allows it, because the board has lost power."""

    def close(self) -> None:
        """Free everything."""


class TcpEndpoint:
    """A TCP port on 127.0.0.1; a second client is closed at once."""

    def __init__(self, port: int) -> None:
        self._listener = socket.socket()
        if sys.platform != "win32":
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            self._listener.close()
            raise UsageFault(f"TCP port {port} can't be used ({error}); choose another") from error
        self._listener.listen(8)
        self._listener.setblocking(False)
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.doorbell: int | None = self._listener.fileno()
        self.client: int | None = None
        self._client: socket.socket | None = None
        # Has called while the last bytes of a client that has left were still to be read.
        self._next: socket.socket | None = None

    def look(self) -> None:
        """Take the next client, or close it when there is one already."""
        newcomer = self._accept()
        if newcomer is not None:
            # The order matters: whoever has left before the newcomer called shows as hung up now.
            if self._next is None and (self._client is None or _has_hung_up(self._client)):
                self._next = newcomer
            else:
                newcomer.close()
        if self._client is None and self._next is not None:
            self._client, self._next = self._next, None
            self._client.setblocking(False)
            self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.client = self._client.fileno()

    def turn_away(self) -> None:
        """Close whoever waits."""
        for newcomer in (self._accept(), self._next):
            if newcomer is not None:
                newcomer.close()
        self._next = None

    def _accept(self) -> socket.socket | None:
        try:
            return self._listener.accept()[0]
        except OSError:
            return None

    def read(self, limit: int) -> bytes:
        """Bytes from the client; its end of file is its leaving."""
        if self._client is None:
            return b""
        try:
            data = self._client.recv(min(limit, _CHUNK))
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self.hang_up()
        return data

    def write(self, data: bytearray) -> int:
        """Hand bytes to the client."""
        if self._client is None:
            return len(data)
        try:
            return self._client.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self.hang_up()
            return len(data)

    def lost(self) -> None:
        """Forget the client."""
        self.hang_up()

    def hang_up(self) -> None:
        """Close the client's connection."""
        if self._client is not None:
            self._client.close()
        self._client = self.client = None

    def close(self) -> None:
        """Close the client and the port."""
        self.hang_up()
        self.turn_away()
        self._listener.close()


def _has_hung_up(client: socket.socket) -> bool:
    """Whether a client has closed its side, perhaps with bytes still unread (which only Linux can tell)."""
    if _RDHUP:
        poll = select.poll()
        poll.register(client, _RDHUP)
        return bool(poll.poll(0))
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


class PtyEndpoint:
    """A pseudo-terminal: clients open its slave as a serial port.

    The master sees that the slave is open by the absence of POLLHUP, which is only there once the slave has
    been open and closed; so nobody here may keep the slave open.
    """

    def __init__(self) -> None:
        if sys.platform == "win32":
            raise UsageFault("Windows has no pseudo-terminals; use --tcp PORT")
        self._master, slave = pty.openpty()
        self._path = os.ttyname(slave)
        tty.setraw(slave)
        os.close(slave)
        os.set_blocking(self._master, False)
        self._poll = select.poll()
        self._poll.register(self._master, select.POLLIN)
        self.address = f"serial://{self._path}"
        self.doorbell: int | None = None
        self.client: int | None = None

    def _state(self) -> int:
        return sum(events for _, events in self._poll.poll(0))

    def look(self) -> None:
        """See whether the slave has been opened or closed."""
        state = self._state()
        if self.client is None and (not state & select.POLLHUP or state & select.POLLIN):
            self.client = self._master
        elif self.client is not None and state & select.POLLHUP and not state & select.POLLIN:
            self.lost()

    def turn_away(self) -> None:
        """A dead serial device takes bytes and says nothing."""
        self._drain()

    def lost(self) -> None:
        """Forget the client and all that was written for it."""
        self.client = None
        self._drain()
        # What the last client did not read would greet the next one.
        slave = os.open(self._path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(slave)
        termios.tcflush(slave, termios.TCIOFLUSH)
        os.close(slave)

    def _drain(self) -> None:
        while self._read(_CHUNK):
            pass

    def _read(self, limit: int) -> bytes:
        try:
            return os.read(self._master, limit)
        except OSError:
            # EAGAIN: nothing there; EIO: nothing there and the slave is closed.
            return b""

    def read(self, limit: int) -> bytes:
        """Bytes from the client."""
        data = self._read(min(limit, _CHUNK))
        if not data:
            self.look()
        return data

    def write(self, data: bytearray) -> int:
        """Hand bytes to the client."""
        try:
            return os.write(self._master, data)
        except OSError:
            self.look()
            return 0 if self.client is not None else len(data)

    def hang_up(self) -> None:
        """A serial device that loses power leaves its port open: nothing to do."""

    def close(self) -> None:
        """Close the master: the slave vanishes."""
        os.close(self._master)
