"""Downloads wait until their host has got enough of what was given before (SPEC.md section 9.2)."""

from celltrail_protocol import cbor, smp
from celltrail_protocol.layout import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MOST_HELD = 32
_MOST_HELD_BYTES = 4096
_STATUS = (smp.GROUP_CELLTRAIL, smp.CMD_STATUS)
_DOWNLOAD = (smp.GROUP_FS, smp.FS_DOWNLOAD)


class Flow:
    """`held` are download requests that say how far their host has got, in their order.

    `sent` and `acknowledged` count content bytes of their answers since the last status request.
    """

    def __init__(self) -> None:
        self.held: "list[bytes]" = []
        self.sent = 0
        self.acknowledged = 0
        self._bytes = 0

    def anew(self) -> None:
        """Nothing is held, nothing was given."""
        self.held.clear()
        self.sent = self.acknowledged = self._bytes = 0

    def take(self, message: bytes) -> bool:
        """Whether this request is held or dropped here; all others are to be answered."""
        kind = _kind(message)
        if kind != _STATUS and kind != _DOWNLOAD:
            return False
        acknowledged = _acknowledgement(message)
        if acknowledged is not None and acknowledged > self.sent:
            # Whoever says so does not count.
            acknowledged = None
        if acknowledged is not None:
            self.acknowledged = max(self.acknowledged, acknowledged)
        if kind == _STATUS or acknowledged is None:
            return False
        if len(self.held) < _MOST_HELD and self._bytes + len(message) <= _MOST_HELD_BYTES:
            self.held.append(message)
            self._bytes += len(message)
        return True

    def release(self) -> bytes:
        """The oldest held request."""
        message = self.held.pop(0)
        self._bytes -= len(message)
        return message

    def outstanding(self) -> int:
        """Content bytes that were given and not acknowledged."""
        return self.sent - self.acknowledged


def is_status(message: bytes) -> bool:
    """Whether this is a status request, with which the count begins anew."""
    return _kind(message) == _STATUS


def _kind(message: bytes) -> "tuple[int, int] | None":
    try:
        _, _, _, _, group, _, command = smp.parse_header(message)
    except ProtocolError:
        return None
    return group, command


def _acknowledgement(message: bytes) -> "int | None":
    """The key "ack" of a request; None for a client that does not count."""
    if len(message) == smp.HEADER_SIZE:
        return None
    try:
        request: "Any" = cbor.loads(memoryview(message)[smp.HEADER_SIZE :])
    except (ProtocolError, MemoryError):
        return None
    acknowledged = request.get("ack") if isinstance(request, dict) else None
    if isinstance(acknowledged, bool) or not isinstance(acknowledged, int) or acknowledged < 0:
        return None
    return acknowledged
