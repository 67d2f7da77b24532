"""SMP over a byte stream: lines in, lines out, never more unacknowledged than the bound (SPEC.md 9.1, 9.2)."""

from celltrail_protocol import console, smp
from logger.flow import Flow, is_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.files import Files
    from logger.hardware import Link
    from logger.server import Server

_READ_AT_ONCE = 256
_BITES = 4


class ConsoleLink:
    """`held` are download requests that wait until the host has acknowledged more."""

    def __init__(self, link: "Link", files: "Files") -> None:
        self._link = link
        self._files = files
        self._server: "Server | None" = None
        self._reader = console.Reader()
        self._dropped = 0
        self._flow = Flow()
        self.held = self._flow.held
        self.messages = 0
        self._out: "list[bytes]" = []

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
                for message in self._read_messages(data):
                    self._take(message)
        return True

    def _read_messages(self, data: bytes) -> "list[bytes]":
        try:
            return self._reader.feed(data)
        except MemoryError:
            # As if the line had swallowed it: the host asks again.
            self._start_reader()
            self._dropped += 1
            return []

    def _start_reader(self) -> None:
        self._dropped = self.dropped()
        self._reader = console.Reader()

    def is_fresh(self) -> bool:
        """Whether nothing of a connection is left."""
        return not self.held and not self._out and self._reader.is_empty()

    def connection_lost(self) -> None:
        """Nothing of the old connection counts any more."""
        self._flow.anew()
        self._out = []
        self._start_reader()

    def _flush(self) -> None:
        while self._out:
            taken = self._link.write(self._out[0])
            if taken < len(self._out[0]):
                self._out[0] = self._out[0][taken:]
                return
            self._out.pop(0)

    def _take(self, message: bytes) -> None:
        self.messages += 1
        if self._flow.take(message):
            return
        if is_status(message):
            # What the line has lost can never be acknowledged, and the line itself holds back what is too much.
            self._flow.sent = self._flow.acknowledged = 0
        self._answer(message)

    def _release(self) -> bool:
        """Answer the oldest held request if the bound allows it; whether it did."""
        if not self.held or self._flow.outstanding() + smp.CHUNK > smp.UNACKNOWLEDGED:
            return False
        before = self._files.given
        self._answer(self._flow.release())
        self._flow.sent += self._files.given - before
        return True

    def _answer(self, message: bytes) -> None:
        answer = self._server.answer(message) if self._server else None
        if answer is None:
            return
        try:
            self._out.extend(console.encode(answer))
        except MemoryError:
            # An answer that is lost: the host asks again.
            self._dropped += 1
