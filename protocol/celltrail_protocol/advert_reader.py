"""Reads what a logger says on the air (SPEC.md section 9.5); the device, which only says it, does not load this."""

import struct

from celltrail_protocol.advert import BATTERY, BUTTON, MAGIC, PACKET, STATUS, TEMPERATURE, VERSION
from celltrail_protocol.layout import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from celltrail_protocol.layout import Buffer


def parse_status(content: "Buffer") -> "tuple[int, int, int]":
    """(state, flags, alarms) of our manufacturer data (behind the company's number); raises ProtocolError."""
    if len(content) < struct.calcsize(STATUS) or bytes(content[:2]) != MAGIC:
        raise ProtocolError("advert: no status record of ours")
    _, version, state, flags, alarms = struct.unpack_from(STATUS, content, 0)
    if version < VERSION:
        raise ProtocolError("advert: version 0")
    return state, flags, alarms


def parse_bthome(content: "Buffer") -> "tuple[int | None, int | None]":
    """(battery in percent, temperature in 0.01 degC) of our BTHome service data (behind the UUID); None: not there."""
    battery = temp_cC = None
    at = 1
    while at < len(content):
        kind = content[at]
        size = 2 if kind == TEMPERATURE else 1
        if kind not in (PACKET, BATTERY, TEMPERATURE, BUTTON) or at + 1 + size > len(content):
            break
        if kind == BATTERY:
            battery = content[at + 1]
        elif kind == TEMPERATURE:
            (temp_cC,) = struct.unpack_from("<h", content, at + 1)
        at += 1 + size
    return battery, temp_cC
