"""Whole `.trail` files (section 11) and pending files (section 9.2)."""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

from from_spec import cbor, ed25519
from from_spec.frames import journal_payload
from from_spec.proofs import HN, K0, live_mac, sha256
from from_spec.records import bare
from from_spec.sectors import TRIP, add_checkpoint, busy, opened, payload, readings, sealed
from from_spec.smp import STATUS
from from_spec.wire import DEVICE, Sector, Vector, pieces, tagged, vector

META: dict[str, Any] = {
    "uid": STATUS["uid"],
    "name": "CT-3F2A91",
    "trip": TRIP,
    "host": "celltrail 0.1.0",
    "operator": "LAB-7",
    "status": STATUS,
    "pairs": [[12, 93_511, 1_794_000_000_123, 48, 1], [12, 172_900_000, 1_794_172_806_612, 30, 1]],
}
HEADER = bare("trail_header", {})
Sections = list[tuple[bytes, bytes]]


def section(tag: bytes, content: bytes) -> bytes:
    start = tag + struct.pack("<I", len(content))
    return start + struct.pack("<I", zlib.crc32(start + content)) + content


def whole(sections: Sections, header: bytes = HEADER) -> bytes:
    """A file with its DONE section."""
    data = header + b"".join(section(tag, content) for tag, content in sections)
    return data + section(b"DONE", sha256(data))


def two_sectors() -> tuple[bytes, bytes]:
    """Sectors 0 and 1 of a closed trip, chained."""
    first = busy(7)
    tag = sealed(first, 2, 0)
    second = last_sector(tag)
    sealed(second, 4, 1)
    return bytes(first.data), bytes(second.data)


def last_sector(prev_tag: bytes) -> Sector:
    second = opened(8, index=1, epoch=3, prev_tag=prev_tag[:8])
    second.add(0x10, readings(240, [644, 644, 645, 646, 646, 645]))
    add_checkpoint(second, 3, 28_800_000)
    second.add(0x04, payload("state", state=3))
    return second


def sect(index: int, *sectors: bytes) -> tuple[bytes, bytes]:
    return b"SECT", struct.pack("<I", index) + b"".join(sectors)


FIRST, SECOND = two_sectors()
RECORD = (b"META", cbor.encode(META))
PENDING = b"".join(
    bytes([len(entry)]) + entry
    for entry in (
        journal_payload(246, [645], []),
        journal_payload(247, [None], [4]),
        journal_payload(248, [646], []),
    )
)


def running() -> Sections:
    """A trip that goes on: a whole sector, the open one, pending readings, the live proof."""
    sector = last_sector(bytes(sealed(busy(7), 2, 0)))
    data = bytes(sector.data)
    mac = live_mac(K0, HN, (TRIP, 4, 1, sector.end), data, PENDING)
    answer = {"trip": TRIP, "epoch": 4, "index": 1, "used": sector.end, "pending": len(PENDING)}
    live = {"nonce": HN} | answer | {"tick": 29_000_000, "mac": mac}
    open_part = struct.pack("<I", 1) + data[: sector.end]
    return [RECORD, sect(0, FIRST), (b"OPEN", open_part), (b"PEND", PENDING), (b"LIVE", cbor.encode(live))]


SECRET = bytes(range(160, 192))
SAID: dict[str, Any] = {
    "v": 1,
    "key": ed25519.public_key(SECRET),
    "op": "LAB-7",
    "host": "celltrail 0.1.0",
    "utc": 1_794_172_806_700,
    "verdict": "recording",
}


def before_sign(sections: Sections) -> bytes:
    """All bytes of the file before the section SIGN."""
    return HEADER + b"".join(section(tag, content) for tag, content in sections)


def sign(sections: Sections, body: bytes, covered: bytes | None = None) -> tuple[bytes, bytes]:
    """The section SIGN behind these sections, over other bytes when they are given."""
    digest = sha256(before_sign(sections) if covered is None else covered)
    signature = ed25519.sign(SECRET, b"celltrail read-out 1\0" + digest + body)
    return b"SIGN", cbor.encode({"a": body, "s": signature})


def signed(name: str, sections: Sections, section_sign: tuple[bytes, bytes], good_one: bool, **said: Any) -> Vector:
    """A sound file with a signature, right or wrong."""
    return good(name, [*sections, section_sign], signature={"good": good_one, "said": tagged(SAID | said)})


def signatures() -> Iterator[Vector]:
    body = cbor.encode(SAID)
    yield signed("signed-running", running(), sign(running(), body), True)
    closed = [RECORD, sect(0, FIRST, SECOND)]
    yield signed("signed-more-keys", closed, sign(closed, cbor.encode(SAID | {"x": 1})), True)
    yield signed("signed-no-sectors", [RECORD], sign([RECORD], body), True)
    note = [RECORD, (b"note", b"ours")]
    yield signed("signed-with-note", note, sign(note, body), True)
    yield signed("signed-other-bytes", closed, sign(closed, body, before_sign(closed)[:-1]), False)
    other = (RECORD[0], cbor.encode(META | {"operator": "LAB-8"}))
    yield signed("signed-other-meta", closed, sign([other, closed[1]], body), False)
    tag, payload = sign(closed, body)
    moved = (tag, cbor.encode({"a": cbor.encode(SAID | {"op": "LAB-8"}), "s": payload[-64:]}))
    yield signed("signed-other-operator", closed, moved, False, op="LAB-8")


def trail(name: str, data: bytes, **rest: Any) -> Vector:
    return vector(name, [*DEVICE, "host"], size=len(data), sha256=sha256(data), **rest, pieces=pieces(data))


def good(name: str, sections: Sections, **rest: Any) -> Vector:
    """A sound file with the list of its sections: tag, offset of the payload, its length."""
    data, places, at = whole(sections), [], len(HEADER)
    for tag, content in [*sections, (b"DONE", bytes(32))]:
        places.append([tag.decode(), at + 12, len(content)])
        at += 12 + len(content)
    return trail(name, data, sections=places, meta=tagged(META), **rest)


def valid() -> Iterator[Vector]:
    yield good("closed-two-sectors", [RECORD, sect(0, FIRST, SECOND)])
    yield good("closed-in-two-runs", [RECORD, sect(0, FIRST), sect(1, SECOND)])
    yield good("first-overwritten", [RECORD, sect(1, SECOND)])
    yield good("no-sectors", [RECORD])
    yield good("running", running())
    yield good("unknown-small-section", [RECORD, (b"note", b"ours"), sect(0, FIRST, SECOND), (b"zzzz", b"")])


def broken(name: str, data: bytes, error: str) -> Vector:
    return trail(name, data, error=error) | {"readers": ["host"]}


def invalid() -> Iterator[Vector]:
    closed = [RECORD, sect(1, SECOND)]
    data = whole(closed)
    sections_end = len(data) - 44
    yield broken("empty", b"", "an empty file")
    yield broken("magic", b"\x89CTRAIL\r" + data[8:], "the magic was changed by a text-mode copy")
    yield broken("header-crc", data[:12] + b"\x00" + data[13:], "the header's crc32 is wrong")
    yield broken("section-crc", data[:24] + b"\x00" + data[25:], "the first section's crc32 is wrong")
    record = section(*RECORD)
    wrong = HEADER + record[:8] + b"\x00" + record[9:] + section(*closed[1])
    yield broken("section-crc-alone", wrong + section(b"DONE", sha256(wrong)), "a crc32 is wrong, the digest is right")
    middle = sections_end - 1000
    yield broken("sector-changed", data[:middle] + b"\x01" + data[middle + 1 :], "a byte of a sector was changed")
    yield broken("cut-in-section", data[: sections_end - 100], "the file is cut off in a section")
    yield broken("cut-in-head", data[: sections_end + 5], "the file is cut off in a section's head")
    yield broken("done-missing", data[:sections_end], "DONE is missing")
    done = section(b"DONE", bytes(32))
    yield broken("done-wrong", data[:sections_end] + done, "the digest does not fit")
    other = section(b"DONE", sha256(data[: sections_end - 1]))
    yield broken("done-of-less", data[:sections_end] + other, "the digest leaves out a byte")
    yield broken("done-short", data[:sections_end] + section(b"DONE", sha256(data[:sections_end])[:31]), "31 bytes")
    yield broken("behind-done", data + section(b"note", b""), "a section behind DONE")
    yield broken("unknown-capital-section", whole([*closed, (b"NOTE", b"")]), "an unknown section in capitals")
    yield broken("meta-missing", whole(closed[1:]), "META is missing")
    yield broken("meta-second", whole([closed[1], RECORD]), "META is not first")
    yield broken("meta-twice", whole([RECORD, *closed]), "META twice")
    yield broken("sector-cut", whole([RECORD, (b"SECT", closed[1][1][:-1])]), "a sector of 4095 bytes")
    yield broken("sectors-descending", whole([RECORD, sect(1, SECOND), sect(0, FIRST)]), "SECT in the wrong order")
    yield broken("sector-twice", whole([*closed, closed[1]]), "a sector twice")
    yield broken("sectors-overlap", whole([RECORD, sect(0, FIRST, SECOND), sect(1, SECOND)]), "a sector in two runs")
    open_part = (b"OPEN", struct.pack("<I", 1) + SECOND[:512])
    yield broken("open-sector-twice", whole([*closed, open_part]), "a sector that is whole and open")
    yield broken("open-twice", whole([RECORD, open_part, open_part]), "OPEN twice")
    yield broken("pending-twice", whole([*closed, (b"PEND", b""), (b"PEND", b"")]), "PEND twice")
    body = cbor.encode(SAID)
    yield broken("sign-twice", whole([*closed, sign(closed, body), sign(closed, body)]), "SIGN twice")
    yield broken("sign-before-sectors", whole([RECORD, sign([RECORD], body), closed[1]]), "SIGN before SECT")
    behind = [*closed, sign(closed, body), (b"note", b"")]
    yield broken("note-behind-sign", whole(behind), "a section between SIGN and DONE")
    open_first = [RECORD, open_part, sect(0, FIRST)]
    yield broken("open-before-sectors", whole(open_first), "OPEN before SECT")
    version_2 = bare("trail_header", {"version": 2})
    yield broken("version-2", whole(closed, version_2), "version 2")


def pending(name: str, channels: int, data: bytes, readings: list[list[Any]] | None, **rest: Any) -> Vector:
    if readings is not None:
        rest["readings"] = readings
    return vector(name, DEVICE, data, channels=channels, **rest)


def pendings() -> Iterator[Vector]:
    yield pending("pending-none", 1, b"", [])
    yield pending("pending-three", 1, PENDING, [[246, [645], []], [247, [None], [4]], [248, [646], []]])
    four = journal_payload(7, [None, 1, None, -32767], [1, 255])
    yield pending("pending-four-channels", 4, bytes([len(four)]) + four, [[7, [None, 1, None, -32767], [1, 255]]])


def broken_pendings() -> Iterator[Vector]:
    yield pending("pending-cut", 1, PENDING[:-1], None, error="the last entry is cut off")
    yield pending("pending-length-only", 1, PENDING[:1], None, error="an entry without content")
    short = b"\x05" + journal_payload(1, [2], [])[:5]
    yield pending("pending-short-entry", 1, short, None, error="an entry with half of a value")
