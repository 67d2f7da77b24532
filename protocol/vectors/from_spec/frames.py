"""Frames of every type, whole and broken (sections 2 and 3)."""

import struct
from collections.abc import Iterator
from typing import Any

from from_spec import rice
from from_spec.tables import CHANNEL, FRAMES, JOURNAL_READING, NO_READING, NO_SLOT, NUMBERS
from from_spec.wire import DEVICE, WITH_CONSTRUCT, WITH_NUMPY, Values, Vector, extreme, frame, pack, vector

SEQUENCE = 7
AT = 64
# Words of SPEC.md that are narrower than the field's type.
LEAST = {"version": 1, "channels": 1, "count": 1, "duration": 1, "longest": 1}
MOST = {"version": 1, "channels": 4, "channel": 3, "axis": 2, "tick_us": 999, "flags": 31}

TMP117 = {"model": 1, "step_nK": 7812500, "low_raw": -7040, "high_raw": 19200, "uncertainty_mK": 100}
# 300 to 1250 hPa in steps of 4 Pa, within 50 Pa.
BMP390 = {"model": 32, "step_nK": 4_000_000_000, "low_raw": 7500, "high_raw": 31250, "uncertainty_mK": 50_000}
PLAN_VALUES: Values = {
    "version": 1,
    "trip": 3,
    "uid": bytes.fromhex("e661640843a1b52f"),
    "settings": bytes.fromhex("0123456789abcdef"),
    "period_ms": 60000,
    "boot": 12,
    "slot0": 0,
    "tick0_ms": 93_511,
    "accel_model": 16,
    "accel_step_ng": 100_000_000,
    "accel_rate_mHz": 800_000,
    "channels": 1,
}
TYPICAL: dict[str, Values] = {
    "clock": {"boot": 12, "tick_ms": 93_511, "utc_ms": 1_794_000_000_123, "uncertainty_ms": 48, "source": 1},
    "boot": {
        "boot": 13,
        "cause": 2,
        "tick_ms": 10_004,
        "slot0": 1201,
        "tick0_ms": 14_500,
        "battery_mV": 2987,
    },
    "state": {"tick_ms": 93_511, "state": 2, "reason": 1, "slot0": 0, "tick0_ms": 93_511, "battery_mV": 3012},
    "settings": {"part": 1, "parts": 2, "data": bytes.fromhex("6a6d61726b735f6f70656ef5")},
    "command": {"tick_ms": 93_500, "command": 2, "operator": "LAB-7", "flags": 2, "detail": 2},
    "earlier command": {
        "dropped": 3,
        "boot": 11,
        "tick_ms": 4_100_200,
        "command": 8,
        "operator": "LAB-7",
        "flags": 0,
        "detail": 12_345,
        "utc_ms": 1_793_900_000_000,
        "trip": 2,
    },
    "missing": {"channel": 1, "slot": 240, "count": 3, "code": 4},
    "gap": {"slot": 1190, "count": 11, "reason": 2},
    "shock": {
        "event": 0,
        "tick_ms": 5_000_001,
        "tick_us": 250,
        "rate_mHz": 800_000,
        "base": (0, -1, 10),
        "peak": (3, -200, 412),
        "velocity": (-15, -3900, 8123),
        "duration": 31,
        "longest": 12,
        "flags": 8,
        "window": 96,
        "pre": 32,
    },
    "mark": {
        "tick_ms": 86_400_000,
        "kind": 11,
        "outcome": 1,
        "flags": 1,
        "operator": "GH-042",
        "place": "FRA cool room 2",
        "note": "lid closed, ice full",
    },
    "alarm": {"tick_ms": 7_200_000, "alarm": 2, "channel": 0, "value_raw": 1024, "slot": 118},
    "fault": {"tick_ms": 7_260_000, "source": 1, "code": 3, "detail": 5},
    "radio": {"tick_ms": 7_320_000, "state": 2, "why": 3, "pressure_Pa": 89_410},
    "checkpoint": {"epoch": 4, "tick_ms": 14_400_000, "battery_mV": 2990, "tag": bytes(range(16))},
}
FULL_MARK = TYPICAL["mark"] | {
    "operator": "operator-012",
    "place": "Zürich, Tor 104",
    "note": "übergeben " * 6 + "0123456789abcd",
}


def framed(name: str, kind: int, payload: bytes, readers: list[str], **rest: Any) -> Vector:
    """A frame vector; `at`, `sequence` and `journal` give its place."""
    at, sequence = rest.pop("at", AT), rest.pop("sequence", SEQUENCE)
    data = frame(kind, payload, sequence, at, rest.get("journal", False))
    return vector(name, readers, data, sequence=sequence, offset=at, type=kind, **rest)


def typed(name: str, type_name: str, values: Values, readers: list[str] = WITH_CONSTRUCT, **rest: Any) -> Vector:
    """A frame of a named type with its values."""
    kind = NUMBERS[type_name]
    return framed(name, kind, pack(FRAMES[kind][1], values), readers, values=values, **rest)


def plan(name: str, values: Values, channels: list[Values], tail: bytes = b"") -> Vector:
    """A plan frame with its channel entries."""
    payload = pack(FRAMES[1][1], values) + b"".join(pack(CHANNEL, one) for one in channels) + tail
    return framed(name, 1, payload, WITH_CONSTRUCT, values=values, channels=channels)


def plans() -> Iterator[Vector]:
    yield plan("plan", PLAN_VALUES, [TMP117])
    two = extreme(CHANNEL, 0), extreme(CHANNEL, 1)
    text = FRAMES[1][1]
    yield plan("plan-min", extreme(text, 0, **LEAST), [two[0]])
    yield plan("plan-max", extreme(text, 1, **MOST), [two[1], two[0], TMP117, two[1]])
    yield plan("plan-barometer", PLAN_VALUES | {"channels": 2}, [TMP117, BMP390])
    yield plan("plan-not-started", PLAN_VALUES | {"slot0": NO_SLOT, "tick0_ms": 0}, [TMP117])
    yield plan("plan-longer-than-known", PLAN_VALUES, [TMP117], tail=b"\x01\x02\x03")


def fixed() -> Iterator[Vector]:
    for kind, (type_name, text) in FRAMES.items():
        if type_name not in TYPICAL:
            continue
        values = TYPICAL[type_name]
        yield typed(type_name, type_name, values)
        yield typed(type_name + "-min", type_name, extreme(text, 0, **LEAST))
        yield typed(type_name + "-max", type_name, extreme(text, 1, **MOST))
        if "*" not in text:
            longer = pack(text, values) + b"later fields"
            yield framed(type_name + "-longer-than-known", kind, longer, WITH_CONSTRUCT, values=values)


def texts() -> Iterator[Vector]:
    yield typed("settings-longest", "settings", {"part": 0, "parts": 2, "data": bytes(range(246))}, at=256)
    yield typed("calibration", "calibration", {"part": 1, "parts": 2, "data": b"\xa2\x61\x76\x01"})
    yield typed("command-longest-operator", "command", TYPICAL["command"] | {"operator": "Žofie-12345"})
    read = TYPICAL["command"] | {"command": 8, "flags": 0, "detail": 0xFFFF_FFFF}
    yield typed("command-acknowledge", "command", read)
    nobody = {"dropped": 0, "command": 9, "operator": "", "flags": 1, "detail": 0, "utc_ms": 0, "trip": 0}
    yield typed("earlier-command-open", "earlier command", TYPICAL["earlier command"] | nobody)
    yield typed("mark-empty-texts", "mark", TYPICAL["mark"] | {"operator": "", "place": "", "note": ""})
    yield typed("mark-full-texts", "mark", FULL_MARK)
    yield typed("mark-one-byte-texts", "mark", TYPICAL["mark"] | {"operator": "A", "place": "B", "note": "C"})


def series(name: str, type_name: str, values: Values, numbers: list[int]) -> Vector:
    """A readings or wave frame."""
    data = rice.readings(numbers) if type_name == "readings" else rice.wave(numbers)
    return typed(name, type_name, values | {"count": len(numbers), "series": data}, WITH_NUMPY, series=numbers)


def packed() -> Iterator[Vector]:
    box = [640 + (i * i // 7) % 5 - i // 9 for i in range(120)]
    yield series("readings", "readings", {"channel": 0, "slot": 120}, box)
    yield series("readings-one", "readings", {"channel": 3, "slot": 0}, [-32768])
    yield series("readings-last-slot", "readings", {"channel": 0, "slot": 0xFFFFFFFE}, [32767])
    yield series("readings-constant-255", "readings", {"channel": 1, "slot": 9}, [517] * 255)
    yield series("wave", "wave", {"event": 2, "axis": 1, "first": 0}, [0, 1, -1, 3, 250, -180, 40, -9, 2, 0])
    yield series("wave-one", "wave", {"event": 0xFFFF, "axis": 2, "first": 0xFFFF}, [-2048])
    ringing = [round(900 * (-0.8) ** i) for i in range(60)]
    yield series("wave-mean-below-zero", "wave", {"event": 3, "axis": 0, "first": 60}, [v - 100 for v in ringing])


def journal_payload(slot: int, numbers: list[int | None], codes: list[int]) -> bytes:
    raw = [NO_READING if number is None else number for number in numbers]
    return struct.pack(f"<I{len(raw)}h", slot, *raw) + bytes(codes)


def journal(name: str, slot: int, numbers: list[int | None], codes: list[int], **rest: Any) -> Vector:
    values = {"slot": slot, "readings": numbers, "codes": codes}
    payload = journal_payload(slot, numbers, codes)
    rest = {"at": 48, "values": values, "channels": len(numbers)} | rest
    return framed(name, JOURNAL_READING, payload, DEVICE, journal=True, **rest)


def journals() -> Iterator[Vector]:
    yield journal("journal-reading", 0, [641], [])
    yield journal("journal-reading-four", 0xFFFFFFFE, [-32767, 32767, 0, -1], [])
    yield journal("journal-reading-one-missing", 77, [640, None, 5], [4])
    yield journal("journal-reading-all-missing", 78, [None] * 4, [1, 2, 3, 255])
    yield journal("journal-reading-page-end", 79, [1], [], at=4096 - 12)


def places() -> Iterator[Vector]:
    """Frames at the borders of what a place and a length may be."""
    clock = TYPICAL["clock"]
    for sequence in (0, 0xFFFFF, 0x100000, 0xFFFFFFFF):
        yield typed(f"clock-sequence-{sequence:08x}", "clock", clock, sequence=sequence)
    yield typed("clock-page-end", "clock", clock, at=512 - 29)
    yield typed("clock-chip", "clock", clock | {"uncertainty_ms": 1500, "source": 3})
    yield typed("clock-page-start", "clock", clock, at=512)
    yield typed("clock-frames-end", "clock", clock, at=0xF80 - 29)
    yield framed("unknown-empty", 0x7E, b"", DEVICE)
    yield framed("private-longest", 0x80, bytes(i * 7 % 256 for i in range(248)), DEVICE, at=256)
    yield framed("private-fill", 0xFF, b"\xff" * 20, DEVICE)
    yield framed("type-zero", 0x00, b"\x00" * 20, DEVICE)


def valid() -> Iterator[Vector]:
    for part in (plans(), fixed(), texts(), packed(), journals(), places()):
        yield from part
