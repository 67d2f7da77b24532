"""The virtual board's only wire: a socket to the launcher that carries link bytes, controls and events.

Every message is `kind u8, length u16, payload`, little-endian:

    kind         direction  payload
    LINK     0   both       bytes of the link
    CONTROL  1   to us      a line of text, such as "speed max"
    EVENT    2   from us    a line of text, such as "led 3"
    CREDIT   3   both       digits: so many link bytes were passed on; at most WINDOW may be under way
    RADIO    4   both       a message of the virtual radio (see `virtual_bluetooth`)

A client begins a session ("connected 1 NUMBER", answered by "session NUMBER"): what was under way is void.
"""

import select
import socket
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LINK = 0
CONTROL = 1
EVENT = 2
CREDIT = 3
RADIO = 4
WINDOW = 4096

_RECV_SIZE = 8192
_IPPROTO_TCP = 6
_TCP_NODELAY = 1


class Wire:
    """Link of the board (`read`, `write`, `connected`) and its controls.

    received: link bytes that wait to be read. changed: a client has come or gone; the board clears it.

    When the launcher goes, the process ends: this is how a virtual board loses power.
    """

    def __init__(self, port: int, token: str, control: "Callable[[str], None]") -> None:
        self._socket = socket.socket()
        self._socket.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        self._socket.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
        self._send = self._socket.write if hasattr(self._socket, "write") else self._socket.sendall
        self._wait_readable = _readable_waiter(self._socket)
        self._control = control
        self.on_radio: "Callable[[bytes], None] | None" = None
        self._inbox = b""
        self._unpassed = 0
        self._unread = 0
        self._connected = False
        self._dropped = False
        self._hidden = False
        self.changed = False
        self.received = b""
        self.event("hello " + token)

    def service(self, timeout_ms: int = 0) -> bool:
        """Handle what the launcher sends within `timeout_ms` (-1: no limit); whether anything came."""
        if not self._wait_readable(timeout_ms):
            return False
        data = self._socket.recv(_RECV_SIZE)
        if not data:
            sys.exit(0)
        self._inbox = self._parse(self._inbox + data if self._inbox else data)
        return True

    def _parse(self, data: bytes) -> bytes:
        at = 0
        while at + 3 <= len(data):
            kind = data[at]
            end = at + 3 + data[at + 1] + (data[at + 2] << 8)
            if end > len(data):
                break
            self._handle(kind, data[at + 3 : end])
            at = end
        return data[at:] if at else data

    def _handle(self, kind: int, payload: bytes) -> None:
        if kind == LINK:
            self.received += payload
        elif kind == CREDIT:
            self._unpassed -= int(payload)
        elif kind == RADIO and self.on_radio is not None:
            self.on_radio(payload)
        elif kind == CONTROL:
            line = payload.decode()
            if line.startswith("connected "):
                self._connect(line.split())
            self._control(line)

    def _connect(self, words: "list[str]") -> None:
        self._connected = words[1] == "1"
        self._dropped = self._dropped or not self._connected
        self.changed = True
        if self._connected:
            self.received = b""
            self._unread = 0
            self._unpassed = 0
            self.event("session " + words[2])

    def event(self, line: str) -> None:
        """Tell the launcher something."""
        self._write(EVENT, line.encode())

    def radio(self, message: bytes) -> None:
        """Hand a message to the virtual radio."""
        self._write(RADIO, message)

    def _write(self, kind: int, payload: "bytes | bytearray | memoryview") -> None:
        self._send(bytes((kind, len(payload) & 0xFF, len(payload) >> 8)) + payload)

    def connected(self) -> bool:
        """Whether a client has the link open; False once between two clients, however quickly they follow."""
        self.service()
        self._hidden, self._dropped = self._dropped, False
        return self._connected and not self._hidden

    def read(self, limit: int) -> bytes:
        """At most `limit` bytes that have arrived; a new client's only after `connected` has told of it."""
        if not self.received:
            self.service()
        if self._connected and (self._dropped or self._hidden):
            return b""
        data = self.received[:limit]
        if data:
            self.received = self.received[len(data) :]
            self._unread += len(data)
            if not self.received or self._unread >= WINDOW // 4:
                self._write(CREDIT, b"%d" % self._unread)
                self._unread = 0
        return data

    def write(self, data: "bytes | bytearray | memoryview") -> int:
        """Take some of `data`; the count taken. What no client is there for is taken and lost, as on a USB port."""
        self.service()
        if not self._connected or self._dropped or self._hidden:
            return len(data)
        room = WINDOW - self._unpassed
        if room < len(data):
            data = memoryview(data)[: max(room, 0)]
        if data:
            self._write(LINK, data)
            self._unpassed += len(data)
        return len(data)

    def close(self) -> None:
        """Hang up; the launcher sees what was sent before."""
        self._socket.close()


def _readable_waiter(sock: socket.socket) -> "Callable[[int], object]":
    """A function that waits for input for so many ms (-1: no limit) and says whether there is some."""
    if hasattr(select, "poll"):
        poller = select.poll()
        poller.register(sock, select.POLLIN)
        return poller.poll
    return lambda timeout_ms: select.select([sock], [], [], None if timeout_ms < 0 else timeout_ms / 1000)[0]
