"""The launcher's end of the socket to the virtual board; messages as in `firmware/boards/virtual_wire.py`."""

import socket
from collections.abc import Callable

LINK, CONTROL, EVENT, CREDIT, RADIO = range(5)
WINDOW = 4096
_HEAD_SIZE = 3
_RECV_SIZE = 65536


def message(kind: int, payload: bytes) -> bytes:
    """One message as it goes over the socket, either way."""
    return bytes([kind]) + len(payload).to_bytes(2, "little") + payload


class Wire:
    """Carries link bytes of the current session, controls and events; never blocks.

    on_link gets link bytes of the current session only, on_event each event's line, on_radio each message for the
    virtual radio.
    """

    def __init__(
        self,
        sock: socket.socket,
        on_link: Callable[[bytes], None],
        on_event: Callable[[str], None],
        on_radio: Callable[[bytes], None] | None = None,
    ) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = sock
        self.outbox = bytearray()
        self._inbox = bytearray()
        self._on_link = on_link
        self._on_event = on_event
        self._on_radio = on_radio
        self._session = 0
        self._confirmed = 0
        self._unpassed = 0

    @property
    def room(self) -> int:
        """How many link bytes may be sent now."""
        return WINDOW - self._unpassed

    def open_session(self) -> None:
        """A client has come: what was under way for another one is void."""
        self._session += 1
        self._unpassed = 0
        self.control(f"connected 1 {self._session}")

    def close_session(self) -> None:
        """The client has gone."""
        self.control("connected 0")
        self._session += 1

    def control(self, line: str) -> None:
        """Send a control line."""
        self._send(CONTROL, line.encode())

    def link(self, data: bytes) -> None:
        """Send link bytes, at most `room` of them."""
        self._unpassed += len(data)
        self._send(LINK, data)

    def radio(self, message: bytes) -> None:
        """Hand the board a message of the virtual radio."""
        self._send(RADIO, message)

    def credit(self, count: int) -> None:
        """Tell the board that the client has taken so many of its bytes."""
        if self._confirmed == self._session:
            self._send(CREDIT, b"%d" % count)

    def _send(self, kind: int, payload: bytes) -> None:
        self.outbox += message(kind, payload)
        self.flush()

    def flush(self) -> None:
        """Send what the socket takes. A broken socket shows when it is read."""
        try:
            while self.outbox:
                del self.outbox[: self.socket.send(self.outbox)]
        except BlockingIOError:
            pass
        except OSError:
            self.outbox.clear()

    def receive(self) -> bool:
        """Handle what has come; False when the board has gone."""
        try:
            data = self.socket.recv(_RECV_SIZE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._inbox += data
        self._parse()
        return bool(data)

    def _parse(self) -> None:
        inbox, at = self._inbox, 0
        while at + _HEAD_SIZE <= len(inbox):
            kind, low, high = inbox[at : at + _HEAD_SIZE]
            end = at + _HEAD_SIZE + (high << 8 | low)
            if end > len(inbox):
                break
            self._handle(kind, bytes(inbox[at + _HEAD_SIZE : end]))
            at = end
        del inbox[:at]

    def _handle(self, kind: int, payload: bytes) -> None:
        current = self._confirmed == self._session
        if kind == LINK and current:
            self._on_link(payload)
        elif kind == CREDIT and current:
            self._unpassed -= int(payload)
        elif kind == RADIO and self._on_radio is not None:
            self._on_radio(payload)
        elif kind == EVENT:
            line = payload.decode(errors="replace")
            if line.startswith("session "):
                self._confirmed = int(line.split()[1])
            else:
                self._on_event(line)

    def close(self) -> None:
        """Hang up: the board loses power."""
        self.socket.close()
