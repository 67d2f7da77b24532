"""The fixed records of the flash and of the `.trail` file, and where they lie (SPEC.md sections 1, 5 to 7, 11)."""

import struct
from binascii import crc32

from celltrail_protocol.layout import pack, size, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from celltrail_protocol.layout import Buffer, Table

SECTOR_SIZE = 4096
# Sectors of the board's file system that hold its files; the log area is all behind them.
FRONT_SECTORS = 112
PAGE_SIZE = 256
STORE_SECTORS = (0, 1)
KEY_SECTORS = (2, 3)
JOURNAL_SECTORS = (4, 5)
RING_FIRST = 6
RING_LEAST = 4

CLEAN_AT = 0
HEADER_AT = 16
FRAMES_AT = 64
FRAMES_END = 0xF80
SEAL_B_AT = 0xF80
SEAL_A_AT = 0xFC0
RECORDS_AT = 16
JOURNAL_FRAMES_AT = 48
KEY_SLOTS_A_PAGE = 5
KEY_SLOT_SIZE = 48
KEY_SLOTS = KEY_SLOTS_A_PAGE * (SECTOR_SIZE // PAGE_SIZE)

UID_SIZE = 8
LAST_TRIP = 0xFFFFFFFF
NO_SLOT = 0xFFFFFFFF
NO_READING = -32768

MAGIC_CLEAN = b"CLN1"
MAGIC_HEADER = b"CTS1"
MAGIC_SEAL = b"CTE1"
MAGIC_KEY = b"CTK1"
MAGIC_STORE = b"CTR1"
MAGIC_JOURNAL = b"CTJ1"
MAGIC_TRAIL = b"\x89CTRAIL\n"

STORE_IDENTITY = 1
STORE_PLAN = 2
STORE_STATE = 3
STORE_EARLIER = 4
STORE_WIRING = 8
STORE_CALIBRATION = 9

SEAL_FULL = 0
SEAL_CLOSED = 1

CLEAN: "Table" = (
    "clean",
    1,
    (
        ("magic", "4s", ""),
        ("erase_count", "I", ""),
        ("sector", "H", ""),
        ("reserved", "H", ""),
        ("crc32", "I", ""),
    ),
)
HEADER: "Table" = (
    "header",
    1,
    (
        ("magic", "4s", ""),
        ("version", "B", ""),
        ("length", "B", "B"),
        ("flags", "H", ""),
        ("sequence", "I", ""),
        ("trip", "I", ""),
        ("index", "I", ""),
        ("epoch", "I", ""),
        ("tick_ms", "Q", "ms"),
        ("boot", "H", ""),
        ("events", "H", ""),
        ("prev_tag", "8s", ""),
        ("crc32", "I", ""),
    ),
)
SEAL: "Table" = (
    "seal",
    1,
    (
        ("magic", "4s", ""),
        ("sequence", "I", ""),
        ("epoch", "I", ""),
        ("kind", "B", ""),
        ("reserved", "B", ""),
        ("used", "H", "B"),
        ("frames", "H", ""),
        ("reserved2", "H", ""),
        ("tick_ms", "Q", "ms"),
        ("tag", "32s", ""),
        ("crc32", "I", ""),
    ),
)
SEAL_TAGGED = 28
KEY_SLOT: "Table" = (
    "key slot",
    1,
    (("magic", "4s", ""), ("trip", "I", ""), ("epoch", "I", ""), ("key", "32s", ""), ("crc32", "I", "")),
)
JOURNAL_HEADER: "Table" = (
    "journal header",
    1,
    (
        ("magic", "4s", ""),
        ("sequence", "I", ""),
        ("trip", "I", ""),
        ("boot", "H", ""),
        ("reserved", "H", ""),
        ("reserved2", "12s", ""),
        ("crc32", "I", ""),
    ),
)
STORE_HEADER: "Table" = (
    "store record",
    1,
    (
        ("magic", "4s", ""),
        ("kind", "B", ""),
        ("reserved", "B", ""),
        ("length", "H", "B"),
        ("number", "I", ""),
        ("crc32", "I", ""),
    ),
)
STATE: "Table" = (
    "state",
    1,
    (
        ("state", "B", ""),
        ("reason", "B", ""),
        ("boot", "H", ""),
        ("trip", "I", ""),
        ("next_trip", "I", ""),
        ("first_sequence", "I", ""),
        ("next_sequence", "I", ""),
        ("read_index", "I", ""),
        ("read_used", "I", "B"),
        ("alarms", "I", ""),
    ),
)
EARLIER_HEAD: "Table" = ("earlier commands", 1, (("told", "I", ""),))
# At most so many commands are kept for the next trip.
EARLIER_MOST = 16
TRAIL_HEADER: "Table" = (
    "trail header",
    1,
    (("magic", "8s", ""), ("version", "H", ""), ("reserved", "H", ""), ("crc32", "I", "")),
)
TRAIL_SECTION: "Table" = ("trail section", 1, (("tag", "4s", ""), ("length", "I", "B"), ("crc32", "I", "")))
TRAIL_INDEX: "Table" = ("trail index", 1, (("index", "I", ""),))


def pack_checked(table: "Table", values: "Sequence[Any]") -> bytes:
    """A record whose last field is the crc32 over the bytes before it; `values` come without it."""
    body = pack((table[0], table[1], table[2][:-1]), values)
    return body + struct.pack("<I", crc32(body))


def unpack_checked(table: "Table", buf: "Buffer", offset: int, magic: bytes) -> "tuple[Any, ...] | None":
    """The record's values, or None when its magic or crc32 is wrong or `buf` ends before it."""
    end = offset + size(table)
    if end > len(buf) or bytes(buf[offset : offset + len(magic)]) != magic:
        return None
    if crc32(bytes(buf[offset : end - 4])) != struct.unpack_from("<I", buf, end - 4)[0]:
        return None
    return unpack(table, buf, offset, end)
