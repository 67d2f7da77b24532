"""Record layouts as tables, and the one packer and unpacker that read them.

A table is ("name", since, ((field, code, unit), ...)). Codes are those of `struct` for one integer ("B" "H" "I" "Q" "b"
"h" "i"), "3h" and the like for a tuple of three, "8s" for eight bytes, "p" for bytes behind a length byte, and, as the
last field only, "*" for the rest. All integers are little-endian. MicroPython's `struct.pack` checks nothing, so `pack`
checks counts and ranges itself.
"""

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Field = tuple[str, str, str]
    Table = tuple[str, int, tuple[Field, ...]]
    Buffer = bytes | bytearray | memoryview

_WIDTH = {"B": 1, "H": 2, "I": 4, "Q": 8, "b": 1, "h": 2, "i": 4, "s": 1, "p": 1, "*": 0}
_INTEGERS = "BHIQbhi"
_SIGNED = "bhi"


class ProtocolError(Exception):
    """Bytes or values that the format does not allow; the text is one sentence."""


def split(code: str) -> "tuple[int, str]":
    """The repeat count and the letter of a code: ("3h") -> (3, "h"), ("B") -> (1, "B")."""
    return (int(code[:-1]), code[-1]) if len(code) > 1 else (1, code)


def width(code: str) -> int:
    """The bytes that a code takes at least: its size, 1 for "p", 0 for "*"."""
    if code in _WIDTH:
        return _WIDTH[code]
    count, letter = split(code)
    return count * _WIDTH[letter]


def size(table: "Table") -> int:
    """The bytes that a record takes at least."""
    return sum([width(code) for _, code, _ in table[2]])


def names(table: "Table") -> "tuple[str, ...]":
    """The field names in order."""
    return tuple([name for name, _, _ in table[2]])


def _refuse(table: "Table", field: str, why: str) -> "ProtocolError":
    return ProtocolError(table[0] + "." + field + ": " + why)


def _check_integer(table: "Table", field: str, letter: str, value: "Any") -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _refuse(table, field, "not an integer")
    bits = 8 * _WIDTH[letter]
    low = -(1 << (bits - 1)) if letter in _SIGNED else 0
    if not low <= value < low + (1 << bits):
        raise _refuse(table, field, "%d does not fit %s" % (value, letter))
    return value


def _pack_field(table: "Table", field: str, code: str, value: "Any") -> "Buffer":
    count, letter = split(code)
    if letter in "sp*":
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise _refuse(table, field, "not bytes")
        if letter == "s" and len(value) != count:
            raise _refuse(table, field, "%d bytes instead of %d" % (len(value), count))
        if letter == "p":
            if len(value) > 255:
                raise _refuse(table, field, "longer than 255 bytes")
            return bytes((len(value),)) + bytes(value)
        return value
    if len(code) == 1:
        return struct.pack("<" + code, _check_integer(table, field, letter, value))
    if not isinstance(value, (tuple, list)) or len(value) != count:
        raise _refuse(table, field, "not %d values" % count)
    return struct.pack("<" + code, *[_check_integer(table, field, letter, one) for one in value])


def pack(table: "Table", values: "Sequence[Any]") -> bytes:
    """The bytes of a record, one value for each field; raises ProtocolError on wrong counts, types and ranges."""
    fields = table[2]
    if len(values) != len(fields):
        raise ProtocolError("%s: %d values instead of %d" % (table[0], len(values), len(fields)))
    return b"".join([_pack_field(table, fields[i][0], fields[i][1], values[i]) for i in range(len(fields))])


def unpack_with_end(
    table: "Table", buf: "Buffer", offset: int = 0, end: "int | None" = None
) -> "tuple[tuple[Any, ...], int]":
    """The values in field order, and the offset after them; raises ProtocolError when `buf` ends too early."""
    stop = len(buf) if end is None else end
    values: "list[Any]" = []
    for field, code, _ in table[2]:
        taken = width(code)
        if code == "*":
            taken = stop - offset
        elif code == "p" and offset < stop:
            taken = 1 + buf[offset]
        if taken < 0 or offset + taken > stop:
            raise _refuse(table, field, "the record is too short")
        if code in _INTEGERS:
            values.append(struct.unpack_from("<" + code, buf, offset)[0])
        elif code == "p":
            values.append(bytes(buf[offset + 1 : offset + taken]))
        elif code[-1] in "s*":
            values.append(bytes(buf[offset : offset + taken]))
        else:
            values.append(struct.unpack_from("<" + code, buf, offset))
        offset += taken
    return tuple(values), offset


def unpack(table: "Table", buf: "Buffer", offset: int = 0, end: "int | None" = None) -> "tuple[Any, ...]":
    """The record's values in field order; bytes after the last known field are left alone."""
    return unpack_with_end(table, buf, offset, end)[0]
