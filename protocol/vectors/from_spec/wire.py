"""Records and frames from field lists in the words of SPEC.md ("H boot, Q tick_ms")."""

import re
import struct
import zlib
from typing import Any

DEVICE = ["cpython", "micropython"]
WITH_CONSTRUCT = [*DEVICE, "construct"]
WITH_NUMPY = [*DEVICE, "numpy"]

SECTOR_SIZE = 4096
PAGE_SIZE = 256
FRAMES_AT = 64
FRAMES_END = 0xF80
JOURNAL_FRAMES_AT = 48

RANGES = {
    "B": (0, 0xFF),
    "H": (0, 0xFFFF),
    "I": (0, 0xFFFFFFFF),
    "Q": (0, 0xFFFFFFFFFFFFFFFF),
    "h": (-0x8000, 0x7FFF),
    "i": (-0x80000000, 0x7FFFFFFF),
}

Values = dict[str, Any]
Vector = dict[str, Any]


def fields(text: str) -> list[tuple[int, str, str]]:
    """Count, letter and name of each field of a list such as "H boot, 3h peak, 8s uid, p note"."""
    found = [re.fullmatch(r"(\d*)([BHIQhisp*]) (\w+)", part) for part in text.split(", ")]
    return [(int(match[1] or 1), match[2], match[3]) for match in found if match]


def pack(text: str, values: Values) -> bytes:
    """The record's bytes. `p` takes text, `s` and `*` bytes, a count before a number a tuple."""
    assert list(values) == [name for _, _, name in fields(text)], (text, values)
    return b"".join(_field(count, letter, values[name]) for count, letter, name in fields(text))


def _field(count: int, letter: str, value: Any) -> bytes:
    if letter == "p":
        return bytes([len(value.encode())]) + value.encode()
    if letter in "s*":
        assert letter == "*" or len(value) == count, value
        return bytes(value)
    return struct.pack(f"<{count}{letter}", *(value if count > 1 else [value]))


def extreme(text: str, side: int, **limits: Any) -> Values:
    """The smallest (side 0) or largest (side 1) value of every field, unless `limits` names another."""
    return {name: limits.get(name, _extreme(count, letter, side)) for count, letter, name in fields(text)}


def _extreme(count: int, letter: str, side: int) -> Any:
    if letter == "p":
        return ""
    if letter in "s*":
        return bytes([255 * side]) * count
    limit = RANGES[letter][side]
    return (limit,) * count if count > 1 else limit


def with_crc(record: bytes) -> bytes:
    """The record with the crc32 of all its bytes behind it."""
    return record + struct.pack("<I", zlib.crc32(record))


def frame(kind: int, payload: bytes, sequence: int, offset: int, journal: bool = False) -> bytes:
    """One frame for one place (section 2)."""
    seed = (sequence * 4096 + offset) % 2**32 ^ (0x4A524E4C if journal else 0)
    start = bytes([len(payload) + 6, kind]) + payload
    return start + struct.pack("<I", zlib.crc32(start, seed))


def plain(value: Any) -> Any:
    """A value as JSON holds it: bytes as hex digits, tuples as lists."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def tagged(value: Any) -> Any:
    """A value as JSON holds it where text and bytes must be told apart: bytes are {"$hex": digits}."""
    if isinstance(value, bytes):
        return {"$hex": value.hex()}
    if isinstance(value, dict):
        return {key: tagged(item) for key, item in value.items()}
    return [tagged(item) for item in value] if isinstance(value, (list, tuple)) else value


def vector(name: str, readers: list[str], data: bytes | None = None, **rest: Any) -> Vector:
    """One vector; what is not JSON yet is made so by `plain`."""
    start: Vector = {"name": name, "since": 1, "readers": readers}
    if data is not None:
        start["hex"] = data.hex()
    return start | {key: plain(item) for key, item in rest.items()}


def pieces(data: bytes, gap: int = 16) -> list[list[Any]]:
    """[offset, hex digits] of all that is not 0xFF; runs of fewer than `gap` bytes of 0xFF stay in."""
    pattern = re.compile(b"[^\xff](?:\xff{0,%d}[^\xff])*" % (gap - 1), re.DOTALL)
    return [[found.start(), found[0].hex()] for found in pattern.finditer(data)]


class Sector:
    """A sector of 4096 bytes in the making."""

    def __init__(self, sequence: int, journal: bool = False) -> None:
        self.data = bytearray(b"\xff" * SECTOR_SIZE)
        self.sequence = sequence
        self.journal = journal
        self.end = JOURNAL_FRAMES_AT if journal else FRAMES_AT
        self.frames: list[list[int]] = []

    def put(self, offset: int, data: bytes) -> None:
        self.data[offset : offset + len(data)] = data

    def add(self, kind: int, payload: bytes, offset: int | None = None) -> int:
        """Append a frame, at the next page when it does not fit this one; its offset."""
        at = self.end if offset is None else offset
        limit = SECTOR_SIZE if self.journal else FRAMES_END
        room = min(at // PAGE_SIZE * PAGE_SIZE + PAGE_SIZE, limit) - at
        if room < len(payload) + 6:
            at = at // PAGE_SIZE * PAGE_SIZE + PAGE_SIZE
        data = frame(kind, payload, self.sequence, at, self.journal)
        assert at + len(data) <= limit
        self.put(at, data)
        self.frames.append([at, kind, len(payload)])
        self.end = at + len(data)
        return at
