"""SMP over a byte stream: lines in, lines out, and never more unacknowledged than the bound (SPEC.md sections 9.1, 9.2)."""

from celltrail_protocol import cbor, console, smp
from celltrail_protocol.layout import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from logger.hardware import Link
    from logger.server import Server

_READ_AT_ONCE = 256
_MOST_HELD = 32


class ConsoleLink:
    """`held` are download requests that wait until the host has acknowledged more."""

    def __init__(self, link: "Link", server: "Server | None" = None) -> None:
        self._link = link
        self._server = server
        self.reader = console.Reader()
        self.held: "list[tuple[bytes, int]]" = []
        self.messages = 0
        self._out: "list[bytes]" = []
        self._sent = 0
        self._acknowledged = 0

    def serve(self, server: "Server") -> None:
        """Let this server answer."""
        self._server = server

    def poll(self) -> bool:
        """Take what has come and give what can go; whether output still waits."""
        self._flush()
        # One bite of input at a time: answers go out before more requests are taken in.
        while not self._out:
            data = self._link.read(_READ_AT_ONCE)
            if not data:
                break
            for message in self.reader.feed(data):
                self._take(message)
            self._flush()
        return bool(self._out)

    def connection_lost(self) -> None:
        """Nothing of the old connection counts any more."""
        self.held = []
        self._out = []
        self._sent = self._acknowledged = 0
        self.reader = console.Reader()

    def _flush(self) -> None:
        while self._out:
            taken = self._link.write(self._out[0])
            if taken < len(self._out[0]):
                self._out[0] = self._out[0][taken:]
                return
            self._out.pop(0)

    def _take(self, message: bytes) -> None:
        self.messages += 1
        kind = _kind(message)
        if kind == (smp.GROUP_CELLTRAIL, smp.CMD_STATUS):
            self._sent = self._acknowledged = 0
        acknowledged = _acknowledgement(message) if kind == (smp.GROUP_FS, smp.FS_DOWNLOAD) else None
        if acknowledged is None:
            self._answer(message)
            return
        self._acknowledged = min(acknowledged, self._sent)
        if len(self.held) < _MOST_HELD:
            self.held.append((message, smp.CHUNK))
        self._release()

    def _release(self) -> None:
        while self.held and self._sent + smp.CHUNK - self._acknowledged <= smp.UNACKNOWLEDGED:
            message, _ = self.held.pop(0)
            self._sent += self._answer(message)

    def _answer(self, message: bytes) -> int:
        """Answer a message; the bytes of file content that the answer holds at most."""
        assert self._server is not None
        answer = self._server.answer(message)
        if answer is None:
            return 0
        self._out.extend(console.encode(answer))
        return min(smp.CHUNK, len(answer))


def _kind(message: bytes) -> "tuple[int, int] | None":
    try:
        _, _, _, _, group, _, command = smp.parse_header(message)
    except ProtocolError:
        return None
    return group, command


def _acknowledgement(message: bytes) -> "int | None":
    """The key "ack" of a download request; None for a client that does not count."""
    try:
        request: "Any" = cbor.loads(memoryview(message)[smp.HEADER_SIZE :])
    except ProtocolError:
        return None
    acknowledged = request.get("ack") if isinstance(request, dict) else None
    if isinstance(acknowledged, bool) or not isinstance(acknowledged, int) or acknowledged < 0:
        return None
    return acknowledged
