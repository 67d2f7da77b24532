"""What a logger says on the air (SPEC.md section 9.5): BTHome v2, its own status, its name. Read by `advert_reader`."""

import struct

from celltrail_protocol import smp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from celltrail_protocol.layout import Buffer

LONGEST = 31
# No company of ours: the number that is free for all, so two letters of our own stand behind it.
COMPANY = 0xFFFF
MAGIC = b"CT"
VERSION = 1

_FLAGS = b"\x02\x01\x06"
_SERVICE_DATA = 0x16
_MANUFACTURER = 0xFF
_NAME = 0x09
_SERVICES_128 = 0x07
# UUID 0xFCD2; version 2, not encrypted, sent when something changes.
_BTHOME = b"\xd2\xfc\x44"
PACKET = 0x00
BATTERY = 0x01
TEMPERATURE = 0x02
BUTTON = 0x3A
_PRESS = 0x01
STATUS = "<2sBBBB"
_EMPTY_mV = 3000
_FULL_mV = 4200


def name(uid: "Buffer") -> str:
    """CT- and the last three bytes of the board's unique id."""
    return "CT-%02X%02X%02X" % (uid[-3], uid[-2], uid[-1])


def battery_percent(battery_mV: int) -> int:
    """A straight line from 3.0 to 4.2 V: coarse, and the same for every reader."""
    return max(0, min(100, (battery_mV - _EMPTY_mV) * 100 // (_FULL_mV - _EMPTY_mV)))


def _field(kind: int, content: bytes) -> bytes:
    return bytes((len(content) + 1, kind)) + content


def data(
    packet: int, battery_mV: int, temp_cC: "int | None", event: bool, state: int, flags: int, alarms: int
) -> bytes:
    """The advertisement: BTHome readings, and our status record. `event`: an alarm is new; 0 mV: not measured."""
    home = _BTHOME + bytes((PACKET, packet & 0xFF))
    if battery_mV:
        home += bytes((BATTERY, battery_percent(battery_mV)))
    if temp_cC is not None:
        home += struct.pack("<Bh", TEMPERATURE, max(-32768, min(32767, temp_cC)))
    if event:
        home += bytes((BUTTON, _PRESS))
    status = struct.pack(STATUS, MAGIC, VERSION, state & 0xFF, flags & 0xFF, alarms & 0xFF)
    return _FLAGS + _field(_SERVICE_DATA, home) + _field(_MANUFACTURER, struct.pack("<H", COMPANY) + status)


def response(uid: "Buffer") -> bytes:
    """The scan response: the name, and SMP's service."""
    hexed = smp.GATT_SERVICE.replace("-", "")
    service = bytes([int(hexed[i : i + 2], 16) for i in range(30, -2, -2)])
    return _field(_NAME, name(uid).encode()) + _field(_SERVICES_128, service)
