"""The fixed records of the flash and the store's payloads (sections 1.1, 5 to 7 and 11)."""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

from from_spec.frames import TYPICAL as FRAME_VALUES
from from_spec.tables import EARLIER, MAGIC, RECORDS, STATE_RECORD, STORE_HEADER
from from_spec.wire import DEVICE, WITH_CONSTRUCT, Values, Vector, extreme, fields, pack, vector, with_crc

FIXED: dict[str, Values] = {
    "clean": {"reserved": 0xFFFF},
    "header": {"version": 1, "length": 48, "flags": 0},
    "seal": {"reserved": 0, "reserved2": 0},
    "key_slot": {},
    "journal_header": {"reserved": 0, "reserved2": bytes(12)},
    "trail_header": {"version": 1, "reserved": 0},
}
TYPICAL: dict[str, Values] = {
    "clean": {"erase_count": 41, "sector": 6},
    "header": {
        "sequence": 7,
        "trip": 3,
        "index": 1,
        "epoch": 5,
        "tick_ms": 86_400_123,
        "boot": 12,
        "events": 2,
        "prev_tag": bytes.fromhex("8899aabbccddeeff"),
    },
    "seal": {
        "sequence": 7,
        "epoch": 6,
        "kind": 0,
        "used": 3951,
        "frames": 44,
        "tick_ms": 172_800_004,
        "tag": bytes(range(32)),
    },
    "key_slot": {"trip": 3, "epoch": 6, "key": bytes(range(100, 132))},
    "journal_header": {"sequence": 19, "trip": 3, "boot": 12},
    "trail_header": {},
}
LIMITS: dict[str, Values] = {"seal": {"kind": 1, "used": 0xF80}}


def bare(record: str, values: Values) -> bytes:
    """A record of this name with its magic, its fixed fields and its crc32."""
    names = [name for _, _, name in fields(RECORDS[record])]
    whole = {"magic": MAGIC[record]} | FIXED[record] | values
    return with_crc(pack(RECORDS[record], {name: whole[name] for name in names}))


def record_vector(name: str, record: str, values: Values, **rest: Any) -> Vector:
    names = [field for _, _, field in fields(RECORDS[record])]
    whole = {"magic": MAGIC[record]} | FIXED[record] | values
    ordered = {field: whole[field] for field in names}
    return vector(name, WITH_CONSTRUCT, with_crc(pack(RECORDS[record], ordered)), record=record, values=ordered, **rest)


def records() -> Iterator[Vector]:
    for record, text in RECORDS.items():
        yield record_vector(record, record, TYPICAL[record])
        if not TYPICAL[record]:
            continue
        for side, word in enumerate(("min", "max")):
            limits = {k: v for k, v in LIMITS.get(record, {}).items() if side}
            extremes = extreme(text, side, **limits)
            kept = {field: extremes[field] for field in TYPICAL[record]}
            yield record_vector(f"{record}-{word}", record, kept)
    yield record_vector("seal-closed", "seal", TYPICAL["seal"] | {"kind": 1, "used": 64, "frames": 1})


def store_record(kind: int, number: int, payload: bytes) -> bytes:
    """A store record; its crc32 covers its first 12 bytes and the payload."""
    values = {"magic": b"CTR1", "kind": kind, "reserved": 0, "length": len(payload), "number": number}
    start = pack(STORE_HEADER, values)
    return start + struct.pack("<I", zlib.crc32(start + payload)) + payload


def store(name: str, kind: int, number: int, payload: bytes) -> Vector:
    values = {"magic": b"CTR1", "kind": kind, "reserved": 0, "length": len(payload), "number": number}
    data = store_record(kind, number, payload)
    return vector(name, WITH_CONSTRUCT, data, record="store_header", values=values, payload=payload)


STATE_VALUES: Values = {
    "state": 2,
    "reason": 1,
    "boot": 12,
    "trip": 3,
    "next_trip": 4,
    "first_sequence": 6,
    "next_sequence": 8,
    "read_index": 1,
    "read_used": 960,
    "alarms": 5,
}


def states() -> Iterator[Vector]:
    limits = {"state": 3, "reason": 7, "read_used": 0xF80}
    for name, values in (
        ("state", STATE_VALUES),
        ("state-min", extreme(STATE_RECORD, 0)),
        ("state-max", extreme(STATE_RECORD, 1, **limits)),
    ):
        payload = pack(STATE_RECORD, values)
        yield vector(name, WITH_CONSTRUCT, payload, record="state", values=values)
    longer = pack(STATE_RECORD, STATE_VALUES) + b"later"
    yield vector("state-longer-than-known", WITH_CONSTRUCT, longer, record="state", values=STATE_VALUES)


def valid() -> Iterator[Vector]:
    yield from records()
    yield store("store-identity", 1, 0, bytes.fromhex("a2646e616d65624354636b65795820") + bytes(range(32)))
    yield store("store-state", 3, 0xFFFFFFFF, pack(STATE_RECORD, STATE_VALUES))
    yield store("store-empty", 2, 17, b"")
    one = pack(EARLIER, FRAME_VALUES["earlier command"])
    yield store("store-earlier-commands", 4, 18, struct.pack("<I", 7) + 2 * (bytes([len(one)]) + one))
    yield store("store-earlier-commands-none", 4, 19, struct.pack("<I", 6))
    yield from states()


def invalid() -> Iterator[Vector]:
    """Records that a reader must treat as not there."""

    def broken(name: str, record: str, data: bytes, error: str) -> Vector:
        readers = WITH_CONSTRUCT if name.endswith("-short") else DEVICE
        return vector(name, readers, data, record=record, error=error)

    for record in RECORDS:
        good = bare(record, TYPICAL[record])
        yield broken(f"{record}-magic", record, with_crc(b"X" + good[1:-4]), "the magic is wrong, the crc32 is right")
        yield broken(f"{record}-crc", record, good[:-1] + bytes([good[-1] ^ 1]), "the crc32 is wrong by one bit")
        yield broken(f"{record}-changed", record, good[:9] + bytes([good[9] ^ 0x10]) + good[10:], "byte 9 was changed")
        yield broken(f"{record}-short", record, good[:-1], "the last byte is missing")
        yield broken(f"{record}-blank", record, b"\xff" * len(good), "nothing was written")
        yield broken(f"{record}-zeros", record, bytes(len(good)), "it was filled with zeros")
    from_start = bare("header", TYPICAL["header"])
    seeded = from_start[:-4] + struct.pack("<I", zlib.crc32(from_start[:-4], 7 * 4096 + 16))
    yield broken("header-seeded", "header", seeded, "the crc32 of a record has no seed")
    yield vector("state-short", WITH_CONSTRUCT, pack(STATE_RECORD, STATE_VALUES)[:-1], record="state", error="31 bytes")
    yield from invalid_store()


def invalid_store() -> Iterator[Vector]:
    def broken(name: str, data: bytes, error: str) -> Vector:
        return vector(name, DEVICE, data, record="store_header", error=error)

    good = store_record(3, 5, b"payload of a record")
    yield broken("store-payload-changed", good[:-1] + b"D", "the payload was changed")
    yield broken("store-payload-short", good[:-1], "the payload ends one byte early")
    yield broken("store-number-changed", good[:8] + b"\x06" + good[9:], "the number was changed")
    without = good[:12] + struct.pack("<I", zlib.crc32(good[:12])) + good[16:]
    yield broken("store-crc-of-head-only", without, "the crc32 leaves out the payload")
    yield broken("store-magic", b"CTS1" + good[4:], "the magic is wrong")
    yield broken("store-short", good[:15], "the head ends one byte early")
