"""Frames, the smallest thing that is committed: types, check, and the scan of a sector (SPEC.md sections 2, 3)."""

import struct
from binascii import crc32

from celltrail_protocol.layout import ProtocolError
from celltrail_protocol.records import PAGE_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from celltrail_protocol.layout import Buffer, Table

PLAN = 0x01
CLOCK = 0x02
BOOT = 0x03
STATE = 0x04
SETTINGS = 0x05
COMMAND = 0x06
EARLIER = 0x07
CALIBRATION = 0x08
READINGS = 0x10
MISSING = 0x11
GAP = 0x12
SHOCK = 0x20
WAVE = 0x21
MARK = 0x30
ALARM = 0x31
FAULT = 0x32
RADIO = 0x33
CHECKPOINT = 0x40
JOURNAL_READING = 0x50

# Length, type, check.
CHECK_SIZE = 4
OVERHEAD = 2 + CHECK_SIZE
LONGEST = 254
LONGEST_PAYLOAD = LONGEST - OVERHEAD

SHOCK_CLIPPED = 1
SHOCK_LOST = 2
SHOCK_CUT = 4
SHOCK_WAVE = 8
SHOCK_SHORT = 16

MARK_PROVEN = 1
MARK_BY_BUTTON = 2

COMMAND_OPEN = 1
COMMAND_DISCARDED = 2
COMMAND_WRONG_KEY = 4

CHANNEL: "Table" = (
    "channel",
    1,
    (
        ("model", "B", ""),
        ("step_nK", "I", "nK"),
        ("low_raw", "h", "step"),
        ("high_raw", "h", "step"),
        ("uncertainty_mK", "H", "mK"),
    ),
)

TABLES: "dict[int, Table]" = {
    PLAN: (
        "plan",
        1,
        (
            ("version", "B", ""),
            ("trip", "I", ""),
            ("uid", "8s", ""),
            ("settings", "8s", ""),
            ("period_ms", "I", "ms"),
            ("boot", "H", ""),
            ("slot0", "I", ""),
            ("tick0_ms", "Q", "ms"),
            ("accel_model", "B", ""),
            ("accel_step_ng", "I", "ng"),
            ("accel_rate_mHz", "I", "mHz"),
            ("channels", "B", ""),
        ),
    ),
    CLOCK: (
        "clock",
        1,
        (
            ("boot", "H", ""),
            ("tick_ms", "Q", "ms"),
            ("utc_ms", "Q", "ms"),
            ("uncertainty_ms", "I", "ms"),
            ("source", "B", ""),
        ),
    ),
    BOOT: (
        "boot",
        1,
        (
            ("boot", "H", ""),
            ("cause", "B", ""),
            ("tick_ms", "Q", "ms"),
            ("slot0", "I", ""),
            ("tick0_ms", "Q", "ms"),
            ("battery_mV", "H", "mV"),
        ),
    ),
    STATE: (
        "state",
        1,
        (
            ("tick_ms", "Q", "ms"),
            ("state", "B", ""),
            ("reason", "B", ""),
            ("slot0", "I", ""),
            ("tick0_ms", "Q", "ms"),
            ("battery_mV", "H", "mV"),
        ),
    ),
    SETTINGS: ("settings", 1, (("part", "B", ""), ("parts", "B", ""), ("data", "*", ""))),
    CALIBRATION: ("calibration", 1, (("part", "B", ""), ("parts", "B", ""), ("data", "*", ""))),
    COMMAND: (
        "command",
        1,
        (
            ("tick_ms", "Q", "ms"),
            ("command", "B", ""),
            ("operator", "p", ""),
            ("flags", "B", ""),
            ("detail", "I", ""),
        ),
    ),
    EARLIER: (
        "earlier command",
        1,
        (
            ("dropped", "H", ""),
            ("boot", "H", ""),
            ("tick_ms", "Q", "ms"),
            ("command", "B", ""),
            ("operator", "p", ""),
            ("flags", "B", ""),
            ("detail", "I", ""),
            ("utc_ms", "Q", "ms"),
            ("trip", "I", ""),
        ),
    ),
    READINGS: (
        "readings",
        1,
        (("channel", "B", ""), ("slot", "I", ""), ("count", "B", ""), ("series", "*", "")),
    ),
    MISSING: ("missing", 1, (("channel", "B", ""), ("slot", "I", ""), ("count", "H", ""), ("code", "B", ""))),
    GAP: ("gap", 1, (("slot", "I", ""), ("count", "I", ""), ("reason", "B", ""))),
    SHOCK: (
        "shock",
        1,
        (
            ("event", "H", ""),
            ("tick_ms", "Q", "ms"),
            ("tick_us", "H", "us"),
            ("rate_mHz", "I", "mHz"),
            ("base", "3h", "step"),
            ("peak", "3h", "step"),
            ("velocity", "3i", "step*sample"),
            ("duration", "H", "sample"),
            ("longest", "H", "sample"),
            ("flags", "B", ""),
            ("window", "H", "sample"),
            ("pre", "H", "sample"),
        ),
    ),
    WAVE: (
        "wave",
        1,
        (
            ("event", "H", ""),
            ("axis", "B", ""),
            ("first", "H", "sample"),
            ("count", "B", ""),
            ("series", "*", ""),
        ),
    ),
    MARK: (
        "mark",
        1,
        (
            ("tick_ms", "Q", "ms"),
            ("kind", "B", ""),
            ("outcome", "B", ""),
            ("flags", "B", ""),
            ("operator", "p", ""),
            ("place", "p", ""),
            ("note", "p", ""),
        ),
    ),
    ALARM: (
        "alarm",
        1,
        (
            ("tick_ms", "Q", "ms"),
            ("alarm", "B", ""),
            ("channel", "B", ""),
            ("value_raw", "h", "step"),
            ("slot", "I", ""),
        ),
    ),
    FAULT: (
        "fault",
        1,
        (("tick_ms", "Q", "ms"), ("source", "B", ""), ("code", "B", ""), ("detail", "I", "")),
    ),
    RADIO: (
        "radio",
        1,
        (("tick_ms", "Q", "ms"), ("state", "B", ""), ("why", "B", ""), ("pressure_Pa", "I", "Pa")),
    ),
    CHECKPOINT: (
        "checkpoint",
        1,
        (("epoch", "I", ""), ("tick_ms", "Q", "ms"), ("battery_mV", "H", "mV"), ("tag", "16s", "")),
    ),
    JOURNAL_READING: ("journal reading", 1, (("slot", "I", ""), ("values", "*", ""))),
}
NAMES = {kind: table[0] for kind, table in TABLES.items()}
# A checkpoint's tag covers the sector up to here within its frame: length, type, epoch, tick, battery.
CHECKPOINT_TAGGED = 2 + 14


def seed(sequence: int, offset: int) -> int:
    """What the check of a ring frame starts with: it binds the frame to its place."""
    return (sequence * 4096 + offset) & 0xFFFFFFFF


def journal_seed(sequence: int, offset: int) -> int:
    """The same for a journal frame, which must not pass for a ring frame."""
    return seed(sequence, offset) ^ 0x4A524E4C


def build(kind: int, payload: "Buffer", start: int) -> bytes:
    """The whole frame; `start` is its seed. Raises ProtocolError when it would be longer than 254 bytes."""
    if len(payload) > LONGEST_PAYLOAD:
        raise ProtocolError("frame: a payload of %d bytes is longer than %d" % (len(payload), LONGEST_PAYLOAD))
    if not 0 <= kind <= 255:
        raise ProtocolError("frame: type %d does not fit a byte" % kind)
    body = bytes((len(payload) + OVERHEAD, kind)) + bytes(payload)
    return body + struct.pack("<I", crc32(body, start))


def checks(buf: "Buffer", offset: int, start: int) -> bool:
    """Whether the frame at `offset`, whose length byte is in bounds, carries the right check."""
    last = offset + buf[offset] - CHECK_SIZE
    check: int = struct.unpack_from("<I", buf, last)[0]
    return crc32(buf[offset:last], start) == check


def scan_all(
    sector: "Buffer", start: int, end: int, sequence: int, journal: bool = False
) -> "tuple[list[tuple[int, int, int, int]], list[tuple[int, int]], int]":
    """Walk the frames of a sector.

    Returns the valid ones as (offset, type, payload start, payload end), the damaged places as (offset, where
    the scan went on), and the offset after the last valid or damaged one. A damaged frame costs the rest of its
    page.
    """
    make_seed = journal_seed if journal else seed
    found: "list[tuple[int, int, int, int]]" = []
    damaged: "list[tuple[int, int]]" = []
    at = used = start
    while at + OVERHEAD <= end:
        page_end = min(end, at - at % PAGE_SIZE + PAGE_SIZE)
        length = sector[at]
        if length == 0xFF and (at % PAGE_SIZE == 0 or at == start):
            break
        if length in (0x00, 0xFF) or at + OVERHEAD > page_end:
            at = page_end
        elif length < OVERHEAD or at + length > page_end or not checks(sector, at, make_seed(sequence, at)):
            damaged.append((at, page_end))
            at = used = page_end
        else:
            found.append((at, sector[at + 1], at + 2, at + length - CHECK_SIZE))
            at = used = at + length
    return found, damaged, used
