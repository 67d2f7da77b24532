"""Messages of each group, whole and broken (sections 9.1 and 9.3)."""

import struct
from collections.abc import Iterator
from typing import Any

from from_spec import cbor
from from_spec.plans import PLAIN
from from_spec.proofs import DEVICE_KEY, DN, HN, K0, NEW_KEY, command_mac, mac, sha256
from from_spec.wire import DEVICE, Vector, tagged, vector

READ, READ_ANSWER, WRITE, WRITE_ANSWER = range(4)
OS, STATISTICS, FILES, CELLTRAIL = 0, 2, 8, 64
Body = dict[str, Any]


def message(op: int, group: int, command: int, body: Body, version: int = 1, sequence: int = 5) -> bytes:
    payload = cbor.encode(body)
    return struct.pack(">BBHHBB", op | version << 3, 0, len(payload), group, sequence, command) + payload


def one(
    name: str, op: int, group: int, command: int, body: Body, version: int = 1, sequence: int = 5, **rest: Any
) -> Vector:
    head = {
        "op": op,
        "version": version,
        "flags": 0,
        "group": group,
        "sequence": sequence,
        "command": command,
    }
    data = message(op, group, command, body, version, sequence)
    return vector(name, DEVICE, data, **head, length=len(data) - 8, body=tagged(body), **rest)


def os_group() -> Iterator[Vector]:
    yield one("echo-v0", WRITE, OS, 0, {"d": "hello"}, version=0, sequence=0)
    yield one("echo-answer-v0", WRITE_ANSWER, OS, 0, {"r": "hello"}, version=0, sequence=0)
    yield one("echo-v1-last-sequence", WRITE, OS, 0, {"d": ""}, sequence=255)
    yield one("date-time", READ, OS, 4, {})
    yield one("date-time-answer", READ_ANSWER, OS, 4, {"datetime": "2026-11-06T12:00:00.123+00:00"})
    yield one("date-time-write-refused", WRITE_ANSWER, OS, 4, {"err": {"group": 0, "rc": 8}})
    yield one("reset-refused-v0", WRITE_ANSWER, OS, 5, {"rc": 11}, version=0)
    yield one("parameters", READ, OS, 6, {})
    yield one("parameters-answer", READ_ANSWER, OS, 6, {"buf_size": 1200, "buf_count": 4})
    yield one("info", READ, OS, 7, {"format": "sv"})
    yield one("info-answer", READ_ANSWER, OS, 7, {"output": "Celltrail 0.1.0"})


def statistics() -> Iterator[Vector]:
    yield one("statistics-list", READ, STATISTICS, 1, {})
    yield one("statistics-list-answer", READ_ANSWER, STATISTICS, 1, {"stat_list": ["logger", "flash", "link"]})
    yield one("statistics-group", READ, STATISTICS, 0, {"name": "flash"})
    counts = {"programs": 4_294_967_296, "erases": 12, "bytes": 0}
    yield one("statistics-answer", READ_ANSWER, STATISTICS, 0, {"name": "flash", "fields": counts})


def files() -> Iterator[Vector]:
    yield one("download", READ, FILES, 0, {"off": 0, "name": "/trip/3"})
    yield one("download-ack", READ, FILES, 0, {"off": 8192, "name": "/trip/4294967295", "ack": 4096})
    chunk = bytes(i % 256 for i in range(420))
    yield one("download-first-answer", READ_ANSWER, FILES, 0, {"off": 0, "data": chunk, "len": 12_288})
    yield one("download-last-answer", READ_ANSWER, FILES, 0, {"off": 12_285, "data": b"\xff\xff\xff"})
    yield one("download-longest-answer", READ_ANSWER, FILES, 0, {"off": 4096, "data": bytes(1170)})
    yield one("download-overwritten", READ_ANSWER, FILES, 0, {"err": {"group": 64, "rc": 10}})
    yield one("file-status", READ, FILES, 1, {"name": "/trip/3/pending"})
    yield one("file-status-answer", READ_ANSWER, FILES, 1, {"len": 840})
    yield one("file-hash", READ, FILES, 2, {"name": "/trip/3", "type": "sha256", "off": 0, "len": 4096})
    blank = sha256(b"\xff" * 4096)
    yield one("file-hash-answer", READ_ANSWER, FILES, 2, {"type": "sha256", "off": 0, "len": 4096, "output": blank})
    yield one("hash-types", READ, FILES, 3, {})
    yield one("hash-types-answer", READ_ANSWER, FILES, 3, {"types": {"sha256": {"format": 1, "size": 32}}})
    yield one("file-close", WRITE, FILES, 4, {})
    yield one("upload-refused-v0", WRITE_ANSWER, FILES, 0, {"rc": 8}, version=0)


def proven(name: str, command: int, body: Body, answer: Body, counter: int) -> Iterator[Vector]:
    """A proven request and its answer, with what is needed to check both."""
    keys = {"device_key": DEVICE_KEY.hex(), "dn": DN.hex(), "hn": HN.hex()}
    a = cbor.encode(body)
    m = command_mac(DEVICE_KEY, "H", command, counter, DN, HN, a)
    extra = keys | {"role": "H", "counter": counter, "inner": tagged(body)}
    yield one(name, WRITE, CELLTRAIL, command, {"a": a, "n": counter, "c": DN[:4], "m": m}, proven=extra)
    a = cbor.encode(answer)
    m = command_mac(DEVICE_KEY, "D", command, counter, DN, HN, a)
    extra = keys | {"role": "D", "counter": counter, "inner": tagged(answer)}
    yield one(name + "-answer", WRITE_ANSWER, CELLTRAIL, command, {"a": a, "m": m}, proven=extra)


STATUS: Body = {
    "state": 2,
    "reason": 1,
    "trip": 3,
    "boot": 12,
    "tick": 4_300_000_000,
    "name": "CT-3F2A91",
    "uid": bytes.fromhex("e661640843a1b52f"),
    "keyed": True,
    "kid": mac(DEVICE_KEY, b"kid")[:4],
    "unread": True,
    "alarms": 5,
    "battery": 2990,
    "clock": True,
    "period": 60_000,
    "slot": 71_665,
    "sectors": 9,
    "first": 0,
    "used": 1201,
    "free": 240,
    "chunk": 1100,
    "fw": "0.1.0",
    "format": 1,
    "models": [1, 1],
    "steps": [7_812_500, 7_812_500],
    "low": [-7040, -7040],
    "high": [19_200, 19_200],
    "accel": 16,
    "last": [641, None],
}


def commands() -> Iterator[Vector]:
    yield one("status", READ, CELLTRAIL, 0, {})
    yield one("status-answer", READ_ANSWER, CELLTRAIL, 0, STATUS)
    yield one("status-answer-virtual", READ_ANSWER, CELLTRAIL, 0, STATUS | {"world": 1_794_000_000_123})
    yield one("challenge", WRITE, CELLTRAIL, 1, {"hn": HN})
    yield one("challenge-answer", WRITE_ANSWER, CELLTRAIL, 1, {"dn": DN, "tick": 93_000, "boot": 12})
    plan = cbor.encode(PLAIN)
    arm = {
        "k0": K0,
        "plan": plan,
        "op": "LAB-7",
        "tick": 93_000,
        "utc": 1_794_000_000_123,
        "unc": 40,
        "src": 1,
    }
    armed = {"trip": 3, "tick": 93_500, "settings": sha256(plan), "commit": sha256(K0)}
    more = {"fw": sha256(b"firmware"), "sequence": 6}
    yield from proven("arm", 2, arm | {"discard": False}, armed | more, 1)
    yield from proven("start", 3, {"op": "LAB-7"}, {}, 2)
    yield from proven("stop", 4, {"op": "LAB-7"}, {}, 1)
    mark = {"kind": 3, "outcome": 0, "op": "GH-042", "place": "FRA", "note": ""}
    yield one("mark-open", WRITE, CELLTRAIL, 5, mark)
    yield one("mark-open-answer", WRITE_ANSWER, CELLTRAIL, 5, {"tick": 86_400_000})
    yield from proven("mark", 5, mark, {"tick": 86_400_000}, 3)
    yield from proven("erase", 6, {"op": "LAB-7", "utc": 1_794_000_100_000, "discard": True}, {}, 1)
    clock = {"op": "GH-042", "tick": 5_000, "utc": 1_794_000_100_000, "unc": 0, "src": 2}
    yield from proven("clock", 7, clock, {}, 0xFFFFFFFF)
    read = {"op": "LAB-7", "utc": 1_794_000_100_000, "trip": 3, "index": 8, "used": 1201}
    yield from proven("acknowledge", 8, read, {}, 4)
    nameless = cbor.encode({"op": "LAB-7"})
    m = command_mac(DEVICE_KEY, "H", 3, 1, DN, HN, nameless)
    extra = {"device_key": DEVICE_KEY.hex(), "dn": DN.hex(), "hn": HN.hex(), "role": "H", "counter": 1}
    body = {"a": nameless, "n": 1, "m": m}
    yield one("start-challenge-not-named", WRITE, CELLTRAIL, 3, body, proven=extra | {"inner": {"op": "LAB-7"}})
    yield one("provision-open", WRITE, CELLTRAIL, 9, {"name": "CT-3F2A91", "key": DEVICE_KEY})
    yield one("provision-open-answer", WRITE_ANSWER, CELLTRAIL, 9, {"uid": STATUS["uid"]})
    yield from proven("provision", 9, {"name": "CT-000000", "key": K0}, {"uid": STATUS["uid"]}, 1)
    yield from proven("reset", 10, {"op": "LAB-7"}, {}, 1)
    masked = bytes(a ^ b for a, b in zip(NEW_KEY, mac(DEVICE_KEY, b"rotate", DN, HN), strict=True))
    rotation = {"op": "LAB-7", "utc": 1_794_000_100_000, "key": masked, "check": mac(NEW_KEY, b"rotate", DN, HN)[:16]}
    yield from proven("rotate", 12, rotation, {"kid": mac(NEW_KEY, b"kid")[:4]}, 1)
    yield from proven("check", 13, {}, {}, 1)
    wiring = {"v": 1, "i2c": [4, 5, 400], "led": [15, 1], "probes": [[1, 0x48]], "accel": [16, 0x53, 13]}
    wire = {"op": "LAB-7", "utc": 1_794_000_100_000, "wiring": cbor.encode(wiring)}
    yield one("wire-open", WRITE, CELLTRAIL, 20, wire)
    yield one("wire-open-answer", WRITE_ANSWER, CELLTRAIL, 20, {})
    yield from proven("wire", 20, wire, {}, 1)
    entry = [0, 1, "LAB-2026-017", 20_468, 50, 20, 0, [[-20, 0], [8030, 8000]]]
    kept = cbor.encode({"v": 1, "c": [entry]})
    yield one("calibrations", READ, CELLTRAIL, 21, {})
    yield one("calibrations-answer", READ_ANSWER, CELLTRAIL, 21, {"cal": kept})
    yield from proven("calibrate", 21, {"op": "LAB-7", "utc": 1_794_000_200_000, "cal": kept}, {}, 1)
    found = {
        "probes": [[0, 2700], [4, None]],
        "flash": 0,
        "battery": 3912,
        "accel": [0, 1, -1, 10],
        "clock": [0, 1_794_000_201, 81_500],
        "radio": True,
        "failed": 2,
    }
    yield from proven("self-test", 22, {"op": "LAB-7", "utc": 1_794_000_200_000}, found, 1)
    yield one("live", READ, CELLTRAIL, 11, {"nonce": HN})
    live = {
        "trip": 3,
        "epoch": 14,
        "index": 8,
        "used": 1201,
        "pending": 840,
        "tick": 9_000_000,
        "mac": sha256(b"live"),
    }
    yield one("live-answer", READ_ANSWER, CELLTRAIL, 11, live)


def errors() -> Iterator[Vector]:
    for rc in range(1, 14):
        yield one(f"error-{rc}", WRITE_ANSWER, CELLTRAIL, 2, {"err": {"group": 64, "rc": rc}})
    yield one("error-v0", WRITE_ANSWER, CELLTRAIL, 2, {"rc": 4}, version=0)


def valid() -> Iterator[Vector]:
    for part in (os_group(), statistics(), files(), commands(), errors()):
        yield from part


def invalid() -> Iterator[Vector]:
    good = message(WRITE, OS, 0, {"d": "hello"})
    for size in (0, 1, 7):
        yield vector(f"header-of-{size}", DEVICE, good[:size], stage="header", error=f"{size} of 8 bytes")
    yield vector("body-missing", DEVICE, good[:8], stage="body", error="no body")
    yield vector("body-short", DEVICE, good[:-1], stage="body", error="the body is one byte short")
    list_body = struct.pack(">BBHHBB", 8, 0, 1, 0, 5, 0) + b"\x80"
    yield vector("body-list", DEVICE, list_body, stage="map", error="the body is a list")
    a = cbor.encode({"op": "LAB-7"})
    right = command_mac(DEVICE_KEY, "H", 4, 1, DN, HN, a)
    forged = {
        "mac-changed": {"a": a, "n": 1, "m": bytes([right[0] ^ 1]) + right[1:]},
        "mac-cut": {"a": a, "n": 1, "m": right[:31]},
        "body-changed": {"a": cbor.encode({"op": "LAB-8"}), "n": 1, "m": right},
        "counter-again": {"a": a, "n": 2, "m": right},
        "answer-as-request": {"a": a, "n": 1, "m": command_mac(DEVICE_KEY, "D", 4, 1, DN, HN, a)},
        "mac-of-start": {"a": a, "n": 1, "m": command_mac(DEVICE_KEY, "H", 3, 1, DN, HN, a)},
    }
    keys = {"device_key": DEVICE_KEY.hex(), "dn": DN.hex(), "hn": HN.hex(), "role": "H"}
    for name, body in forged.items():
        error = "the proof does not fit: " + name.replace("-", " ")
        yield one("stop-" + name, WRITE, CELLTRAIL, 4, body, stage="proof", error=error, proven=keys)
