"""SMP over a byte stream: lines in, lines out, never more unacknowledged than the bound (SPEC.md 9.1, 9.2)."""

from celltrail_protocol import cbor, console, smp
from celltrail_protocol.layout import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from logger.files import Files
    from logger.hardware import Link
    from logger.server import Server

_READ_AT_ONCE = 256
_BITES = 4
_MOST_HELD = 32
# A longer request is none of a client that counts; thirty of the longest would fill the heap.
_LONGEST_HELD = 128
_STATUS = (smp.GROUP_CELLTRAIL, smp.CMD_STATUS)
_DOWNLOAD = (smp.GROUP_FS, smp.FS_DOWNLOAD)


class ConsoleLink:
    """`held` are download requests that wait until the host has acknowledged more."""

    def __init__(self, link: "Link", files: "Files") -> None:
        self._link = link
        self._files = files
        self._server: "Server | None" = None
        self._reader = console.Reader()
        self._dropped = 0
        self.held: "list[bytes]" = []
        self.messages = 0
        self._out: "list[bytes]" = []
        self._sent = 0
        self._acknowledged = 0

    def serve(self, server: "Server") -> None:
        """Let this server answer."""
        self._server = server

    def dropped(self) -> int:
        """Messages that did not arrive whole."""
        return self._dropped + self._reader.dropped

    def poll(self) -> bool:
        """Take what has come and give what can go; whether there is more to do at once or output waits."""
        # Bounded: a host that never stops sending must not stop the sampling.
        for _ in range(_BITES):
            self._flush()
            # One at a time: answers go out before more requests are taken in.
            if self._out:
                return True
            if not self._release():
                data = self._link.read(_READ_AT_ONCE)
                if not data:
                    return False
                for message in self._reader.feed(data):
                    self._take(message)
        return True

    def is_fresh(self) -> bool:
        """Whether nothing of a connection is left."""
        return not self.held and not self._out and self._reader.is_empty()

    def connection_lost(self) -> None:
        """Nothing of the old connection counts any more."""
        self.held = []
        self._out = []
        self._sent = self._acknowledged = 0
        self._dropped = self.dropped()
        self._reader = console.Reader()

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
        if kind == _STATUS:
            self._sent = self._acknowledged = 0
        counts = kind == _DOWNLOAD and len(message) <= _LONGEST_HELD
        acknowledged = _acknowledgement(message) if counts else None
        if acknowledged is None:
            self._answer(message)
            return
        self._acknowledged = max(self._acknowledged, min(acknowledged, self._sent))
        if len(self.held) < _MOST_HELD:
            self.held.append(message)

    def _release(self) -> bool:
        """Answer the oldest held request if the bound allows it; whether it did."""
        if not self.held or self._sent + smp.CHUNK - self._acknowledged > smp.UNACKNOWLEDGED:
            return False
        before = self._files.given
        self._answer(self.held.pop(0))
        self._sent += self._files.given - before
        return True

    def _answer(self, message: bytes) -> None:
        answer = self._server.answer(message) if self._server else None
        if answer is not None:
            self._out.extend(console.encode(answer))


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
    except (ProtocolError, MemoryError):
        return None
    acknowledged = request.get("ack") if isinstance(request, dict) else None
    if isinstance(acknowledged, bool) or not isinstance(acknowledged, int) or acknowledged < 0:
        return None
    return acknowledged
