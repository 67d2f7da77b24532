"""`.trail` files from few bytes, with every check right: what a forger who can compute CRCs would send.

An input is [flags][patches...]: each [op][length][bytes]; ops lay frames of a kind, a seal, a new sector, or replace
META, LIVE, OPEN and PEND.
"""

import zlib
from hashlib import sha256

import cbor2
from forge import UID, Forge, five_days

from celltrail_protocol import frames, records
from celltrail_protocol.layout import pack

KINDS = (*frames.TABLES, 0x08, 0x90)
_META, _LIVE, _PEND, _NEXT, _SEAL, _GAP, _RAW, _SECTION = range(40, 48)


def section(tag: bytes, payload: bytes) -> bytes:
    """One section with its check."""
    head = tag + len(payload).to_bytes(4, "little")
    return head + zlib.crc32(payload, zlib.crc32(head)).to_bytes(4, "little") + payload


def file_of(sections: list[bytes]) -> bytes:
    """The header, the sections and DONE."""
    head = records.pack_checked(records.TRAIL_HEADER, (records.MAGIC_TRAIL, 1, 0))
    whole = head + b"".join(sections)
    return whole + section(b"DONE", sha256(whole).digest())


def build_trail(data: bytes) -> bytes:
    """The file that the bytes describe."""
    flags = data[0] if data else 0
    forge = Forge()
    forge.arm()
    forge.begin()
    meta, live, pending = cbor2.dumps(forge.meta()), b"", b""
    more: list[bytes] = []
    at = 1
    while at + 3 <= len(data):
        op, size = data[at] % 48, data[at + 1] | data[at + 2] << 8
        payload = data[at + 3 : at + 3 + size]
        at += 3 + size
        if op < 2 * len(KINDS):
            forge.put(KINDS[op % len(KINDS)], payload[: frames.LONGEST_PAYLOAD])
        elif op == _META:
            meta = payload
        elif op == _LIVE:
            live = payload
        elif op == _PEND:
            pending = payload
        elif op == _NEXT and forge.index < 8:
            forge.roll()
        elif op == _SEAL:
            forge.close()
            forge.open_sector()
        elif op == _GAP:
            forge.index += payload[0] if payload else 1
        elif op == _SECTION and payload:
            more.append(section(payload[:4].ljust(4, b"x"), payload[4:]))
    if flags & 1:
        forge.checkpoint()
    made = [section(b"META", meta), *more]
    if forge.sealed:
        made.append(section(b"SECT", pack(records.TRAIL_INDEX, (0,)) + b"".join(forge.sealed)))
    if flags & 2:
        made.append(section(b"OPEN", pack(records.TRAIL_INDEX, (forge.index,)) + bytes(forge.sector[: forge.last_end])))
    made += [section(b"PEND", pending)] if pending else []
    made += [section(b"LIVE", live)] if live else []
    return file_of(made)


def _patch(op: int, payload: bytes) -> bytes:
    return bytes((op,)) + len(payload).to_bytes(2, "little") + payload


def _frame(kind: int, *values: object) -> bytes:
    return _patch(KINDS.index(kind), pack(frames.TABLES[kind], values))


def _seeds() -> list[bytes]:
    forge = five_days(close=False)
    mark = _frame(frames.MARK, 20_000, 1, 0, 1, b"OP7", b"LEJ", b"note \x1b[2J")
    shock = _frame(frames.SHOCK, 0, 20_000, 5, 1_600_000, (0, 0, 10), (90, 0, 10), (5, 5, 5), 3, 2, 8, 4, 1)
    wave = b"".join(_frame(frames.WAVE, 0, axis, 0, 4, bytes((0, 0, 0x3C))) for axis in range(3))
    flat = _frame(frames.READINGS, 0, 0, 200, bytes((0x80, 2, 0x3C, 0xF0)))
    rest = [
        _frame(frames.MISSING, 0, 200, 5, 1),
        _frame(frames.GAP, 205, 3, 1),
        _frame(frames.CLOCK, 1, 9000, 1_740_816_000_000, 50, 1),
        _frame(frames.BOOT, 2, 1, 100, 208, 100, 3700),
        _frame(frames.STATE, 30_000, 3, 1, 0, 10_000, 3700),
        _frame(frames.ALARM, 20_000, 0, 0, 1140, 7),
        _frame(frames.FAULT, 20_000, 16, 3, 0),
        _frame(frames.COMMAND, 20_000, 5, b"OP", 0, 0),
        _frame(frames.EARLIER, 1, 1, 20_000, 5, b"OP", 0, 0, 1_740_816_000_000, 2),
        _frame(frames.CHECKPOINT, 0, 20_000, 3700, bytes(16)),
        _frame(frames.SETTINGS, 0, 1, b"\xa1\x67profile\xfb" + bytes(8)),
    ]
    meta = cbor2.dumps(forge.meta(pairs=[[1, 5, 1_740_816_000_000, 3, 1]]))
    odd_meta = cbor2.dumps({"uid": UID, "trip": -1, "name": "\x1b]0;x\x07", "status": {"trip": 3, "sectors": 1 << 40}})
    live = cbor2.dumps(
        {"nonce": bytes(16), "trip": 3, "epoch": 0, "index": 0, "used": 99, "tick": 1 << 60, "mac": bytes(32)}
    )
    return [
        bytes((2,)) + flat + mark + shock + wave,
        bytes((3,)) + flat + b"".join(rest),
        bytes((2,)) + flat + _patch(_META, meta) + _patch(_LIVE, live) + _patch(_PEND, b"\x06\xc8\0\0\0\x80\x02"),
        bytes((2,)) + flat + _patch(_META, odd_meta) + _patch(_NEXT, b"") + rest[1] + _patch(_SEAL, b""),
        bytes((2,)) + flat + _patch(_GAP, b"\x05") + _patch(_NEXT, b"") + flat + _patch(_SECTION, b"xtraabc"),
        bytes((2,)) + _frame(frames.GAP, 5, 0xFFFFFFF0, 1) + _frame(frames.MISSING, 0, 0xFFFFFFFE, 65535, 1),
        bytes((3,))
        + _patch(_META, cbor2.dumps({"name": cbor2.CBORTag(35, "a"), "pairs": [[1, float("nan"), 3, 4, 5]]})),
    ]


BUILDER_SEEDS = _seeds()
