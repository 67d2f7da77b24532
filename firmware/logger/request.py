"""What a request of group 64 holds, checked; and how such a request is refused."""

from celltrail_protocol import smp
from logger.refused import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Map = dict[str, Any]


def refused(code: int, plain: int = smp.MGMT_BAD_VALUE) -> Refused:
    """A refusal of group 64."""
    return Refused(code, plain)


def integer(request: "Map", key: str, low: int, high: int) -> int:
    """An integer of a request within bounds; raises Refused."""
    value = request.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise refused(smp.ERR_BAD_REQUEST)
    return value


def octets(request: "Map", key: str, least: int, most: int) -> bytes:
    """A byte string of a request with `least` to `most` bytes; raises Refused."""
    value = request.get(key)
    if not isinstance(value, bytes) or not least <= len(value) <= most:
        raise refused(smp.ERR_BAD_REQUEST)
    return value


def text(request: "Map", key: str, most: int) -> bytes:
    """A text of a request, as at most `most` bytes of UTF-8; missing is empty. Raises Refused."""
    value = request.get(key, "")
    if not isinstance(value, str) or len(value.encode()) > most:
        raise refused(smp.ERR_BAD_REQUEST)
    return value.encode()
