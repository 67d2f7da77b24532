"""SMP over GATT notifications: messages in, fragments out, never more under way than the bound (SPEC.md 9.1, 9.2).

Nobody tells when a notification has been sent, and one of the two stacks queues them on the heap without limit. So all
that was handed over counts as under way until the host acknowledges it, or, from a client that does not, until even
the slowest link must have carried it.
"""

from celltrail_protocol import smp
from logger.flow import Flow, is_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.caller import Caller
    from logger.files import Files
    from logger.hardware import Radio
    from logger.server import Server

_BUSY_MS = 5
_LEAKING_MS = 50
_BITES = 4
# A message that goes on no longer is none: what follows is the beginning of another.
_UNFINISHED_MS = 2000
_SILENT_MS = 60000
_ANONYMOUS_MS = 180000
_STUCK_MS = 10000
# Two notifications an interval of 180 ms, the longest that hosts ask for, are 11 a second.
_SURE_PER_S = 10
_MOST_ASKED = 8
# 4 bytes of a packet are L2CAP's and 3 of a notification are ATT's.
_ONE_PACKET = 251 - 4 - 3
_TWO_PACKETS = 2 * 251 - 4 - 3
_SMALLEST = 480
# So long may a stack take to end a connection.
_ENDING_MS = 5000


def fragment_for(payload: int) -> int:
    """How much of what a notification carries is worth filling: up to whole packets of 251 bytes on the air."""
    for whole in (_TWO_PACKETS, _ONE_PACKET):
        if payload >= whole:
            return whole
    return payload


def chunk_for(fragment: int) -> int:
    """Content bytes of a download's answer: whole notifications, of a size of which most fits under the bound."""
    best = most = 0
    for size in range(fragment, smp.CHUNK + 1, fragment):
        filled = (smp.UNACKNOWLEDGED - smp.RESERVED) // size * size
        if size >= _SMALLEST and filled >= most:
            best, most = size, filled
    return best - smp.DOWNLOAD_OVERHEAD


class Gatherer:
    """Puts messages together from what a host writes; a message may span several writes."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._since_ms = 0
        self.dropped = 0

    def is_empty(self) -> bool:
        """Whether no message is unfinished."""
        return not self._data

    def clear(self) -> None:
        """Drop what is unfinished."""
        self.dropped += bool(self._data)
        self._data = bytearray()

    def feed(self, data: bytes, now_ms: int) -> "list[bytes]":
        """The messages that are whole now."""
        if self._data and now_ms - self._since_ms > _UNFINISHED_MS:
            self.clear()
        self._since_ms = now_ms
        self._data.extend(data)
        found: "list[bytes]" = []
        while len(self._data) >= smp.HEADER_SIZE:
            size = smp.HEADER_SIZE + (self._data[2] << 8 | self._data[3])
            if self._data[0] & 7 not in (smp.OP_READ, smp.OP_WRITE) or size > smp.LONGEST_MESSAGE:
                self.clear()
                break
            if len(self._data) < size:
                break
            found.append(bytes(self._data[:size]))
            self._data = self._data[size:]
        return found


class RadioLink:
    """The open connection of a radio: `poll` serves it and ends it when it is silent, stuck, or held too long."""

    def __init__(self, radio: "Radio", files: "Files", caller: "Caller", server: "Server") -> None:
        self._radio = radio
        self._files = files
        self._caller = caller
        self._server = server
        self._flow = Flow()
        self._gatherer = Gatherer()
        self._number = 0
        self.is_stuck = False
        self.connections = 0
        self.messages = 0
        self.losses = 0
        self._begin(0)

    def _begin(self, now_ms: int) -> None:
        self._flow.anew()
        self._gatherer.clear()
        self._caller.forget()
        self._asked: "list[bytes]" = []
        self._rushed = False
        self._answer = memoryview(b"")
        self._due = 0
        self._lent = 0
        self._leaked_ms = self._began_ms = self._heard_ms = self._moved_ms = now_ms
        self._ending_ms = -1
        self._fragment = 0
        self.is_stuck = False

    def connected(self) -> bool:
        """Whether a host is there, as `poll` has seen it."""
        return self._number != 0

    def dropped(self) -> int:
        """Messages that did not arrive whole."""
        return self._gatherer.dropped + self.losses

    def held(self) -> int:
        """Requests that wait."""
        return len(self._flow.held) + len(self._asked)

    def poll(self, now_ms: int) -> "int | None":
        """Take what has come, give what can go; when to come again, or None with nobody there."""
        number = self._radio.connection()
        if number != self._number:
            self._number = number
            self.connections += number != 0
            self._begin(now_ms)
            if not number:
                # Nobody is there any more for what is left.
                self._radio.read()
        if not number:
            return None
        fragment = fragment_for(self._radio.payload())
        if fragment != self._fragment:
            self._fragment = fragment
            self._caller.chunk = chunk_for(fragment)
        self._leak(now_ms)
        self._receive(now_ms)
        again_ms = self._serve(now_ms)
        end_ms = self._watch(now_ms)
        return end_ms if again_ms is None or end_ms < again_ms else again_ms

    # In

    def _receive(self, now_ms: int) -> None:
        data = self._radio.read()
        if data is None:
            self.losses += 1
            self._gatherer.clear()
        elif data:
            for message in self._gather(data, now_ms):
                self._take(message, now_ms)

    def _gather(self, data: bytes, now_ms: int) -> "list[bytes]":
        try:
            return self._gatherer.feed(data, now_ms)
        except MemoryError:
            # As if the air had swallowed it: the host asks again.
            self._gatherer.clear()
            return []

    def _take(self, message: bytes, now_ms: int) -> None:
        self.messages += 1
        self._heard_ms = now_ms
        if self._flow.take(message):
            return
        if is_status(message):
            # The count begins anew, but what is under way still is.
            self._lent = self._under_way()
            self._flow.sent = self._flow.acknowledged = 0
        if len(self._asked) >= _MOST_ASKED:
            self.losses += 1
            return
        # Who asks on before the answer is there gets one at a time.
        self._rushed = bool(self._asked or self._answer)
        self._asked.append(message)

    # Out

    def _leak(self, now_ms: int) -> None:
        sure = (now_ms - self._leaked_ms) * _SURE_PER_S * self._fragment // 1000
        if sure:
            self._leaked_ms = now_ms
            self._lent = max(0, self._lent - sure)

    def _under_way(self) -> int:
        """Bytes of answers that the host may not have got yet, at most."""
        content, chunk = self._flow.outstanding(), self._caller.chunk
        return content + (content + chunk - 1) // chunk * smp.DOWNLOAD_OVERHEAD + self._lent

    def _fits(self, size: int) -> bool:
        return self._under_way() + size <= smp.UNACKNOWLEDGED

    def _serve(self, now_ms: int) -> "int | None":
        """Answer one request after the other while all goes out; when to come again."""
        for _ in range(_BITES):
            if not self._send(now_ms):
                return now_ms + _BUSY_MS
            if self._asked and not (self._rushed and self._lent):
                self._make(self._asked.pop(0))
                self._due = len(self._answer)
            elif self._flow.held and self._fits(self._caller.chunk + smp.DOWNLOAD_OVERHEAD):
                self._release()
            else:
                return now_ms + _LEAKING_MS if self._asked else None
        # Bounded: a host that asks on and on must not stop the sampling.
        return now_ms

    def _release(self) -> None:
        before = self._files.given
        self._make(self._flow.release())
        given = self._files.given - before
        self._flow.sent += given
        # What is no content, such as an error, can't be acknowledged.
        self._lent += max(0, len(self._answer) - given - smp.DOWNLOAD_OVERHEAD)

    def _make(self, message: bytes) -> None:
        self._answer = memoryview(self._server.answer(message, self._caller) or b"")

    def _send(self, now_ms: int) -> bool:
        """Hand fragments over as far as the bound and the radio allow; whether all of the answer is with the radio."""
        if self._due:
            if not self._fits(self._due):
                # It is this side that waits.
                self._moved_ms = now_ms
                return False
            self._lent += self._due
            self._due = 0
        while self._answer:
            if not self._radio.notify(self._answer[: self._fragment]):
                return False
            self._answer = self._answer[self._fragment :]
            self._moved_ms = now_ms
        self._moved_ms = now_ms
        return True

    # Watchdog

    def _watch(self, now_ms: int) -> int:
        end_ms = self._heard_ms + _SILENT_MS
        if not self._caller.proven:
            end_ms = min(end_ms, self._began_ms + _ANONYMOUS_MS)
        if self._answer:
            end_ms = min(end_ms, self._moved_ms + _STUCK_MS)
        return self._end(now_ms) if now_ms >= end_ms else end_ms

    def _end(self, now_ms: int) -> int:
        if self._ending_ms < 0:
            self._ending_ms = now_ms + _ENDING_MS
            self._radio.disconnect()
        self.is_stuck = now_ms >= self._ending_ms
        return now_ms + _ENDING_MS if self.is_stuck else self._ending_ms
