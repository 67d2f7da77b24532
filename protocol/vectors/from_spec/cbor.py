"""CBOR (RFC 8949) with the shortest heads, and vectors of what a logger reads and refuses."""

import struct
from collections.abc import Iterator
from typing import Any

from from_spec.wire import DEVICE, Vector, tagged, vector


def head(major: int, value: int) -> bytes:
    """Major type and argument in the fewest bytes."""
    if value < 24:
        return bytes([major << 5 | value])
    size = next(n for n in range(4) if value < 1 << (8 << n))
    return bytes([major << 5 | 24 + size]) + struct.pack(">" + "BHIQ"[size], value)


def encode(value: Any) -> bytes:
    """Integers, bytes, text, lists, maps in the order given, true, false, null."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(encode, value))
    return head(5, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())


SHORTEST: dict[str, Any] = {
    "zero": 0,
    "23": 23,
    "24": 24,
    "255": 255,
    "256": 256,
    "65535": 65535,
    "65536": 65536,
    "u32-max": 2**32 - 1,
    "u32-max-plus-1": 2**32,
    "u64-max": 2**64 - 1,
    "minus-1": -1,
    "minus-24": -24,
    "minus-25": -25,
    "minus-256": -256,
    "minus-257": -257,
    "minus-32768": -32768,
    "i64-min": -(2**63),
    "true": True,
    "false": False,
    "null": None,
    "bytes-empty": b"",
    "bytes-23": bytes(23),
    "bytes-24": bytes(range(24)),
    "bytes-256": bytes(range(256)),
    "text-empty": "",
    "text-ascii": "IETF",
    "text-umlaut": "Zürich \u6c34",
    "text-24": "a" * 24,
    "list-empty": [],
    "list-mixed": [1, -1, "a", b"a", None, True, [2, [3]]],
    "list-30": list(range(30)),
    "map-empty": {},
    "map-nested": {"err": {"group": 64, "rc": 4}},
    "map-24-keys": {chr(97 + i): i for i in range(24)},
    "map-order-kept": {"z": 1, "a": 2, "m": {"q": [], "b": b""}},
    "eight-levels": [[[[[[[[7]]]]]]]],
    "eight-levels-of-both": {"a": [{"b": [{"c": [{"d": [None]}]}]}]},
}

# Legal, but not what an encoder of ours writes: name, digits, value.
OTHER_FORMS: list[tuple[str, str, Any]] = [
    ("long-zero", "1800", 0),
    ("long-23-in-8-bytes", "1b0000000000000017", 23),
    ("long-minus-1", "3900 00", -1),
    ("long-text-head", "7900 0161", "a"),
    ("indefinite-list", "9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
    ("indefinite-list-empty", "9fff", []),
    ("indefinite-map", "bf6346756ef563416d7421ff", {"Fun": True, "Amt": -2}),
    ("indefinite-map-empty", "bfff", {}),
    ("indefinite-bytes", "5f42010243030405ff", bytes([1, 2, 3, 4, 5])),
    ("indefinite-text", "7f657374726561646d696e67ff", "streaming"),
    ("indefinite-text-empty", "7fff", ""),
]

BROKEN: list[tuple[str, str, str]] = [
    ("nothing", "", "no item"),
    ("head-cut-u8", "18", "the argument is missing"),
    ("head-cut-u16", "1901", "half of the argument is missing"),
    ("head-cut-u32", "1a010203", "one byte of the argument is missing"),
    ("head-cut-u64", "1b01020304050607", "one byte of the argument is missing"),
    ("bytes-cut", "430102", "three bytes are announced, two are there"),
    ("text-cut", "6361", "three bytes are announced, one is there"),
    ("list-cut", "830102", "three items are announced, two are there"),
    ("map-cut-value", "a16161", "a key without a value"),
    ("map-cut-pair", "a2616101", "two pairs are announced, one is there"),
    ("bytes-huge", "5affffffff00", "4 GB are announced"),
    ("bytes-huger", "5bffffffffffffffff00", "2^64-1 bytes are announced"),
    ("list-huge", "9affffffff00", "2^32-1 items are announced"),
    ("map-huge", "bbffffffffffffffff616100", "2^64-1 pairs are announced"),
    ("indefinite-list-open", "9f0102", "the break is missing"),
    ("indefinite-map-open", "bf616101", "the break is missing"),
    ("indefinite-bytes-open", "5f4101", "the break is missing"),
    ("indefinite-map-odd", "bf6161ff", "a break in the place of a value"),
    ("indefinite-bytes-of-text", "5f6161ff", "a text chunk in a byte string"),
    ("indefinite-text-of-bytes", "7f4161ff", "a byte chunk in a text"),
    ("indefinite-in-indefinite", "5f5f4101ffff", "an indefinite chunk"),
    ("indefinite-integer", "1f", "an integer has no indefinite length"),
    ("break-alone", "ff", "a break outside of anything"),
    ("break-in-list", "8101ff", "a byte after the item"),
    ("break-in-definite-list", "82ff01", "a break in a list of known length"),
    ("reserved-28", "1c", "additional information 28 is reserved"),
    ("reserved-30", "7e", "additional information 30 is reserved"),
    ("half-float", "f93c00", "floats are not read"),
    ("single-float", "fa47c35000", "floats are not read"),
    ("double-float", "fb3ff199999999999a", "floats are not read"),
    ("undefined", "f7", "undefined is not read"),
    ("simple-16", "f0", "other simple values are not read"),
    ("simple-255", "f8ff", "other simple values are not read"),
    ("tag-date", "c11a514b67b0", "tags are not read"),
    ("tag-bignum", "c249010000000000000000", "tags are not read"),
    ("key-integer", "a10102", "a key is text"),
    ("key-bytes", "a1416101", "a key is text"),
    ("key-list", "a18001", "a key is text"),
    ("key-twice", "a2616101616102", "the key a stands there twice"),
    ("key-twice-indefinite", "bf616101616102ff", "the key a stands there twice"),
    ("text-not-utf8", "62c328", "not UTF-8"),
    ("text-utf8-cut", "61c3", "not UTF-8"),
    ("two-items", "0101", "a byte after the item"),
    ("nine-levels", "81" * 9 + "00", "nine lists, one within the other"),
    ("nine-levels-empty", "81" * 8 + "80", "nine lists, the innermost empty"),
    ("nine-levels-map-empty", "81" * 8 + "a0", "a map within eight lists"),
    ("deep-lists-40", "81" * 40 + "00", "nested 40 deep"),
    ("deep-maps-40", "a16161" * 40 + "00", "nested 40 deep"),
    ("deep-lists-1000", "81" * 1000 + "00", "nested 1000 deep"),
    ("deep-indefinite-500", "9f" * 500, "nested 500 deep and open"),
]


def valid() -> Iterator[Vector]:
    for name, value in SHORTEST.items():
        yield vector(name, DEVICE, encode(value), value=tagged(value), canonical=True)
    for name, digits, value in OTHER_FORMS:
        yield vector(name, DEVICE, bytes.fromhex(digits), value=tagged(value), canonical=False)


def invalid() -> Iterator[Vector]:
    for name, digits, error in BROKEN:
        yield vector(name, DEVICE, bytes.fromhex(digits), error=error)
