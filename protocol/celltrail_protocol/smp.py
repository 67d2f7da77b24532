"""The header of the Simple Management Protocol, the numbers of its groups and of ours (SPEC.md section 9)."""

import struct

from celltrail_protocol.layout import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from celltrail_protocol.layout import Buffer

HEADER_SIZE = 8
LONGEST_MESSAGE = 1200
CHUNK = 1024
UNACKNOWLEDGED = 8192
# Header and map around the content of a download's answer, at most, but for the one at offset 0.
DOWNLOAD_OVERHEAD = 26
# Kept free under the bound for short answers, such as a challenge between two downloads.
RESERVED = 150

# SMP over GATT: the service, and its only characteristic (write without response, notify).
GATT_SERVICE = "8d53dc1d-1db7-4cd3-868b-8a527460aa84"
GATT_CHARACTERISTIC = "da2e7828-fbce-4e01-ae9e-261174997c48"

OP_READ = 0
OP_READ_ANSWER = 1
OP_WRITE = 2
OP_WRITE_ANSWER = 3

GROUP_OS = 0
GROUP_STAT = 2
GROUP_FS = 8
GROUP_CELLTRAIL = 64

OS_ECHO = 0
OS_DATETIME = 4
OS_RESET = 5
OS_PARAMETERS = 6
OS_INFO = 7
STAT_GROUP = 0
STAT_LIST = 1
FS_DOWNLOAD = 0
FS_STATUS = 1
FS_HASH = 2
FS_HASH_TYPES = 3
FS_CLOSE = 4

CMD_STATUS = 0
CMD_CHALLENGE = 1
CMD_ARM = 2
CMD_START = 3
CMD_STOP = 4
CMD_MARK = 5
CMD_ERASE = 6
CMD_CLOCK = 7
CMD_ACKNOWLEDGE = 8
CMD_PROVISION = 9
CMD_RESET = 10
CMD_LIVE = 11
CMD_ROTATE = 12
CMD_CHECK = 13
CMD_WIRE = 20
CMD_CALIBRATE = 21
CMD_TEST = 22

ERR_UNKNOWN = 1
ERR_BAD_REQUEST = 2
ERR_STATE = 3
ERR_NOT_PROVEN = 4
ERR_TOO_SOON = 5
ERR_UNREAD = 6
ERR_PLAN = 7
ERR_NO_KEY = 8
ERR_NO_TRIP = 9
ERR_OVERWRITTEN = 10
ERR_KEY_SET = 12
ERR_STALE = 13
ERR_NO_MEMORY = 14
ERR_BATTERY = 15

# Errors of SMP version 0, and of the standard groups where they have no number of their own.
MGMT_UNKNOWN = 1
MGMT_NO_MEMORY = 2
MGMT_BAD_VALUE = 3
MGMT_NO_ENTRY = 5
MGMT_BAD_STATE = 6
MGMT_NOT_SUPPORTED = 8
MGMT_BUSY = 10
MGMT_DENIED = 11


def pack_header(op: int, version: int, group: int, sequence: int, command: int, length: int) -> bytes:
    """The 8 bytes before a CBOR map of `length` bytes; raises ProtocolError on values that do not fit."""
    if not (0 <= op <= 7 and 0 <= version <= 3 and 0 <= sequence <= 255 and 0 <= command <= 255):
        raise ProtocolError("smp: op, version, sequence or command does not fit the header")
    if not (0 <= length <= 0xFFFF and 0 <= group <= 0xFFFF):
        raise ProtocolError("smp: length or group does not fit the header")
    return struct.pack(">BBHHBB", version << 3 | op, 0, length, group, sequence, command)


def parse_header(message: "Buffer") -> "tuple[int, int, int, int, int, int, int]":
    """(op, version, flags, length, group, sequence, command); raises ProtocolError if its length is wrong."""
    if len(message) < HEADER_SIZE:
        raise ProtocolError("smp: a message shorter than its header")
    first, flags, length, group, sequence, command = struct.unpack_from(">BBHHBB", message, 0)
    if length != len(message) - HEADER_SIZE:
        raise ProtocolError("smp: the header says %d bytes, %d follow" % (length, len(message) - HEADER_SIZE))
    return first & 7, first >> 3 & 3, flags, length, group, sequence, command
