"""Frames that a scan must not see, or whose payload a reader must refuse (sections 2 to 4)."""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

from from_spec import rice
from from_spec.frames import AT, PLAN_VALUES, SEQUENCE, TMP117, TYPICAL, framed, journal_payload
from from_spec.tables import CHANNEL, FRAMES, JOURNAL_READING, NUMBERS
from from_spec.wire import DEVICE, WITH_CONSTRUCT, Vector, frame, pack, vector

CLOCK = frame(0x02, pack(FRAMES[0x02][1], TYPICAL["clock"]), SEQUENCE, AT)
JOURNAL = frame(JOURNAL_READING, journal_payload(5, [640], []), SEQUENCE, 48, journal=True)


def unseen(name: str, data: bytes, error: str, at: int = AT, damaged: bool = True, **rest: Any) -> Vector:
    """Bytes in which a scan finds no frame; `damaged` says whether it calls them damaged."""
    place = {"sequence": SEQUENCE, "offset": at} | rest
    return vector(name, DEVICE, data, stage="scan", error=error, damaged=damaged, **place)


def flipped(data: bytes, byte: int, bits: int = 1) -> bytes:
    byte %= len(data)
    return data[:byte] + bytes([data[byte] ^ bits]) + data[byte + 1 :]


def checked(data: bytes, check: int) -> bytes:
    """The frame with another check."""
    return data[:-4] + struct.pack("<I", check & 0xFFFFFFFF)


def checks() -> Iterator[Vector]:
    for name, byte in (("length", 0), ("type", 1), ("first-payload-byte", 2), ("last-payload-byte", -5)):
        yield unseen(f"check-changed-{name}", flipped(CLOCK, byte), f"the {name} was changed after the check")
    for name, byte in (("low", -4), ("high", -1)):
        yield unseen(f"check-changed-{name}-byte", flipped(CLOCK, byte, 0x80), "the check was changed")
    crc = zlib.crc32(CLOCK[:-4], SEQUENCE * 4096 + AT)
    yield unseen("check-without-seed", checked(CLOCK, zlib.crc32(CLOCK[:-4])), "the check has no seed")
    yield unseen("check-low-half", checked(CLOCK, crc & 0xFFFF), "the check has only the low half of the crc32")
    yield unseen("check-complement", checked(CLOCK, ~crc), "the check is the crc32 with all bits turned")
    yield unseen("check-big-endian", CLOCK[:-4] + CLOCK[:-5:-1], "the check is big-endian")
    in_place = zlib.crc32(CLOCK, SEQUENCE * 4096 + AT)
    yield unseen("check-over-itself", checked(CLOCK, in_place), "the check covers its own bytes")


def seeds() -> Iterator[Vector]:
    yield unseen("seed-other-sequence", CLOCK, "the frame is of the sector before", sequence=SEQUENCE + 1)
    yield unseen("seed-other-offset", CLOCK, "the frame was moved by a byte", at=AT + 1)
    yield unseen("seed-other-page", CLOCK, "the frame was copied to the next page", at=AT + 256)
    yield unseen("seed-journal-in-ring", JOURNAL, "a journal frame lies in the ring", at=48 + 256, sequence=7)
    ring = frame(JOURNAL_READING, journal_payload(5, [640], []), SEQUENCE, 48)
    yield unseen("seed-ring-in-journal", ring, "a ring frame lies in the journal", at=48, journal=True)
    yield unseen("seed-journal-as-ring", JOURNAL, "a journal frame lies in the ring", at=48)


def lengths() -> Iterator[Vector]:
    for length in (1, 2, 3, 4, 5):
        short = bytes([length, 0x02]) + b"\x00" * 8
        yield unseen(f"length-{length}", short, "a frame has at least 6 bytes")
    five = b"\x05" + struct.pack("<I", zlib.crc32(b"\x05", SEQUENCE * 4096 + AT)) + b"\x00"
    yield unseen("length-5-that-checks", five, "a frame has at least 6 bytes, whatever its check")
    at = 256 + 4
    four = struct.pack("<I", SEQUENCE * 4096 + at) + bytes(2)
    assert four[0] == 4
    yield unseen("length-4-that-checks", four, "a frame has at least 6 bytes, whatever its check", at=at)
    yield unseen("length-255-is-blank", b"\xff" + CLOCK[1:], "0xFF at a page's start is blank", at=256, damaged=False)
    yield unseen("length-0-is-closed", b"\x00" + CLOCK[1:], "0x00 closes the page", damaged=False)
    at = 512 - 28
    crossing = frame(0x02, pack(FRAMES[2][1], TYPICAL["clock"]), SEQUENCE, at)
    yield unseen("length-crosses-page", crossing, "the frame crosses the page by one byte", at=at)
    at = 0xF80 - 28
    crossing = frame(0x02, pack(FRAMES[2][1], TYPICAL["clock"]), SEQUENCE, at)
    yield unseen("length-crosses-seals", crossing, "the frame reaches into the seals", at=at)
    at = 512 - 5
    yield unseen(
        "length-no-room", b"\x06\x7e\x00\x00\x00", "fewer than 6 bytes before the page's end", at=at, damaged=False
    )


def torn() -> Iterator[Vector]:
    yield unseen("torn-one-byte", CLOCK[:1], "only the length was programmed")
    yield unseen("torn-half", CLOCK[: len(CLOCK) // 2], "the power went in the middle of the program")
    yield unseen("torn-last-byte", CLOCK[:-1], "the last byte is blank")
    yield unseen("torn-zeroed-tail", CLOCK[:9] + b"\x00" * (len(CLOCK) - 9), "the rest was filled with zeros")


def refused(name: str, kind: int, payload: bytes, error: str, stage: str = "payload", **rest: Any) -> Vector:
    """A frame whose check is right and whose payload (or series) must be refused."""
    readers = WITH_CONSTRUCT if kind in FRAMES and stage == "payload" and kind != 1 else DEVICE
    return framed(name, kind, payload, readers, stage=stage, error=error, **rest)


def short_payloads() -> Iterator[Vector]:
    for type_name, values in TYPICAL.items():
        kind = NUMBERS[type_name]
        text = FRAMES[kind][1]
        if type_name == "settings":
            yield refused("settings-short", kind, b"\x01", "parts is missing")
            continue
        payload = pack(text, values)[:-1]
        yield refused(type_name + "-short", kind, payload, "the payload ends one byte early")
        yield refused(type_name + "-empty", kind, b"", "the payload is empty")
    yield refused("readings-short", 0x10, b"\x00\x05\x00\x00\x00", "count is missing")
    yield refused("wave-short", 0x21, b"\x00\x00\x01\x00\x00", "count is missing")
    mark = pack("Q tick_ms, B kind, B outcome, B flags, p operator", {**_mark_start(), "operator": "A"})
    yield refused("mark-place-beyond-end", 0x30, mark + b"\x05Tor", "place counts more bytes than there are")
    yield refused("mark-note-missing", 0x30, mark + b"\x03Tor", "note is missing")
    yield refused("command-operator-beyond-end", 0x06, b"\x00" * 9 + b"\xffA", "operator counts more than there is")


def _mark_start() -> dict[str, int]:
    return {"tick_ms": 1, "kind": 1, "outcome": 0, "flags": 0}


def plans() -> Iterator[Vector]:
    text = FRAMES[1][1]
    entry = pack(CHANNEL, TMP117)
    whole = pack(text, PLAN_VALUES) + entry
    yield refused("plan-short", 1, whole[:48], "channels is missing")
    yield refused("plan-channel-short", 1, whole[:-1], "the channel's entry ends one byte early", stage="channels")
    two = pack(text, PLAN_VALUES | {"channels": 2}) + entry
    yield refused("plan-channel-missing", 1, two, "two channels and one entry", stage="channels")


def series() -> Iterator[Vector]:
    """Counts that do not belong to the series behind them."""
    numbers = [640, 641, 641, 640, 655]
    packed = rice.readings(numbers)
    start = struct.pack("<BI", 0, 120)
    for name, count in (("more", 20), ("fewer", 3), ("none", 0)):
        payload = start + bytes([count]) + packed
        yield refused(f"readings-count-{name}", 0x10, payload, f"count is {count}, not 5", stage="series")
    wave = struct.pack("<HBHB", 1, 0, 0, 5) + rice.encode(numbers, 645, 16)
    yield refused("wave-extra-byte", 0x21, wave + b"\x00", "a byte after the series", stage="series")
    yield refused("wave-byte-missing", 0x21, wave[:-1], "the series ends one byte early", stage="series")


def journals() -> Iterator[Vector]:
    def one(name: str, payload: bytes, error: str, channels: int) -> Vector:
        at = {"at": 48, "channels": channels, "journal": True}
        return refused(name, JOURNAL_READING, payload, error, stage="journal", **at)

    two = journal_payload(9, [640, None], [4])
    yield one("journal-code-missing", two[:-1], "a missing reading has no code", 2)
    yield one("journal-value-missing", two, "three channels and two values", 3)
    yield one("journal-value-half", journal_payload(9, [640], [])[:-1], "half of a value", 1)
    yield one("journal-empty", b"", "no slot", 1)


def invalid() -> Iterator[Vector]:
    for part in (checks(), seeds(), lengths(), torn(), short_payloads(), plans(), series(), journals()):
        yield from part
