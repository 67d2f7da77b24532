"""A small writer of PX4's ULog files, so that pyulog has something of its own kind to read."""

import struct
from pathlib import Path

_MAGIC = b"ULog\x01\x12\x35\x01"
_FIELDS = 8
_TOPIC = b"sample"
VALUES_A_MESSAGE = 1 + _FIELDS


def _message(kind: bytes, payload: bytes) -> bytes:
    return struct.pack("<H", len(payload)) + kind + payload


def write_ulog(path: Path, messages: int) -> None:
    """One topic of a time stamp and eight floats, as a flight controller's sensor topics are."""
    names = "".join(f"float v{i};" for i in range(_FIELDS))
    out = [
        _MAGIC + struct.pack("<Q", 0),
        _message(b"B", bytes(40)),
        _message(b"F", _TOPIC + b":uint64_t timestamp;" + names.encode()),
        _message(b"A", struct.pack("<BH", 0, 0) + _TOPIC),
    ]
    row = struct.Struct(f"<HQ{_FIELDS}f")
    out += [_message(b"D", row.pack(0, 1000 * i, *(0.5 * i + k for k in range(_FIELDS)))) for i in range(messages)]
    path.write_bytes(b"".join(out))
