"""The one place with `construct`: structs and numpy types derived from the protocol's layout tables.

Right for headers and far too slow for readings, which `series_numpy` decodes.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import construct
import numpy as np

from celltrail_protocol.layout import ProtocolError, names, size, split

if TYPE_CHECKING:
    from celltrail_protocol.layout import Table

_INTEGERS = {
    "B": construct.Int8ul,
    "H": construct.Int16ul,
    "I": construct.Int32ul,
    "Q": construct.Int64ul,
    "b": construct.Int8sl,
    "h": construct.Int16sl,
    "i": construct.Int32sl,
}


def _construct_of_code(code: str) -> construct.Construct:
    count, letter = split(code)
    if letter == "s":
        return construct.Bytes(count)
    if letter == "p":
        return construct.Prefixed(construct.Int8ul, construct.GreedyBytes)
    if letter == "*":
        return construct.GreedyBytes
    integer = _INTEGERS[letter]
    return integer if len(code) == 1 else construct.Array(count, integer)


@cache
def construct_of(table: "Table") -> construct.Struct:
    """The struct of a layout table; tuples become arrays, "p" and "*" become bytes."""
    return construct.Struct(*(name / _construct_of_code(code) for name, code, _ in table[2]))


def parse(table: "Table", data: bytes) -> dict[str, Any]:
    """The fields of a record by name, arrays as tuples; raises ProtocolError. Bytes after it are ignored."""
    try:
        parsed = construct_of(table).parse(data)
    except construct.ConstructError as error:
        raise ProtocolError(f"{table[0]}: the record is too short") from error
    return {name: _plain(parsed[name]) for name in names(table)}


def build(table: "Table", values: Mapping[str, Any]) -> bytes:
    """The bytes of a record from its fields by name; raises ProtocolError."""
    try:
        return bytes(construct_of(table).build(dict(values)))
    except construct.ConstructError as error:
        raise ProtocolError(f"{table[0]}: {str(error).splitlines()[-1]}") from error


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@cache
def dtype_of(table: "Table") -> np.dtype[np.void]:
    """The numpy record type of a table's fixed part: "*" is left out; raises ProtocolError for "p"."""
    fields = []
    for name, code, _ in table[2]:
        count, letter = split(code)
        if letter == "p":
            raise ProtocolError(f"{table[0]}.{name}: has no fixed size")
        if letter == "*":
            continue
        # Not "S": numpy would cut zeros off their end.
        fields.append((name, f"V{count}") if letter == "s" else _numpy_field(name, code))
    made = np.dtype(fields)
    assert made.itemsize == size(table)
    return made


def _numpy_field(name: str, code: str) -> tuple[str, str] | tuple[str, str, tuple[int]]:
    count, letter = split(code)
    kind = np.dtype("<" + letter).str
    return (name, kind) if len(code) == 1 else (name, kind, (count,))


def read_fixed(table: "Table", data: bytes | memoryview, offset: int) -> tuple[Any, ...] | None:
    """The values of a table of fixed size in field order, or None when `data` ends before it.

    Ten times as fast as reading the table field by field.
    """
    record = dtype_of(table)
    if offset + record.itemsize > len(data):
        return None
    return tuple(np.frombuffer(data, record, 1, offset).item())
