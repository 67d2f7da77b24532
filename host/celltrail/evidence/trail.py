"""The `.trail` file: one read-out, written once and never changed (SPEC.md section 11).

`read_trail` takes sound files only; `open_trail` goes as far as it can and lists the damage, for `verify`.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import cbor2

from celltrail.errors import UsageFault
from celltrail.evidence.trail_parser import Damage, Section, parse_sections
from celltrail.files import read_bytes, write_atomic
from celltrail_protocol import cbor
from celltrail_protocol.layout import ProtocolError, pack, size, unpack
from celltrail_protocol.records import (
    LAST_TRIP,
    MAGIC_TRAIL,
    SECTOR_SIZE,
    TRAIL_HEADER,
    TRAIL_INDEX,
    TRAIL_SECTION,
    UID_SIZE,
    pack_checked,
)

TRAIL_VERSION = 1
# What a read-out that was interrupted begins with.
PART_MAGIC = b"CTPART1\n"
PART_SUFFIX = ".part"
# Far above any logger's flash, so that a foreign file can't fill the memory.
MOST_BYTES = 64_000_000
# META and LIVE (SPEC.md section 11).
MOST_MAP_BYTES = 1_048_576
MOST_MAP_ITEMS = 262_144
Sign = Callable[[bytes], bytes]


@dataclass(frozen=True)
class TrailParts:
    """What a read-out brought: runs of whole sectors by the index of their first, and the open end."""

    meta: dict[str, Any]
    runs: Sequence[tuple[int, bytes]] = ()
    open_part: tuple[int, bytes] | None = None
    pending: bytes | None = None
    live: dict[str, Any] | None = None


@dataclass(frozen=True)
class SectorBytes:
    """One sector as it lies, whole or the open one up to `used`; `place` is its offset in the file."""

    index: int
    data: memoryview
    whole: bool
    place: int


@dataclass(frozen=True)
class Signed:
    """The section SIGN: its payload, its bytes [start, end) in the file, and all the file's bytes before it."""

    payload: bytes
    covered: memoryview
    start: int
    end: int


@dataclass(frozen=True)
class Trail:
    """A `.trail` file. `sectors` are ascending; `digest` is SHA-256 over the whole file.

    `meta_place` are the bytes [first, end) of the read-out record, (None, None) when there is none.
    """

    path: Path
    meta: dict[str, Any]
    sectors: tuple[SectorBytes, ...]
    pending: bytes | None
    live: dict[str, Any] | None
    finished: bool
    digest: bytes
    damage: tuple[Damage, ...] = field(default=())
    signed: Signed | None = None
    meta_place: tuple[int, int] | tuple[None, None] = (None, None)

    @property
    def uid(self) -> bytes:
        """The logger's unique id, as the read-out says; empty when it doesn't."""
        uid = self.meta.get("uid")
        return uid if isinstance(uid, bytes) and len(uid) == UID_SIZE else b""

    @property
    def trip(self) -> int:
        """The trip's number, as the read-out says; -1 when it doesn't."""
        trip = self.meta.get("trip")
        return trip if type(trip) is int and 0 <= trip <= LAST_TRIP else -1

    @property
    def open_sector(self) -> SectorBytes | None:
        """The sector that was still being filled."""
        return next((sector for sector in self.sectors if not sector.whole), None)

    def parts(self) -> TrailParts:
        """The same content for another read-out that goes on from here."""
        opened = self.open_sector
        return TrailParts(
            meta=self.meta,
            runs=[(sector.index, bytes(sector.data)) for sector in self.sectors if sector.whole],
            open_part=(opened.index, bytes(opened.data)) if opened else None,
            pending=self.pending,
            live=self.live,
        )


def _section(tag: bytes, payload: bytes) -> bytes:
    head = pack(TRAIL_SECTION, (tag, len(payload), 0))[:-4]
    check = zlib.crc32(payload, zlib.crc32(head))
    return pack(TRAIL_SECTION, (tag, len(payload), check)) + payload


def trail_bytes(parts: TrailParts, sign: Sign | None = None) -> bytes:
    """The whole file; runs that touch are joined, and must not overlap.

    `sign` makes the payload of the section SIGN from the SHA-256 of all bytes before it.
    """
    out = bytearray(pack_checked(TRAIL_HEADER, (MAGIC_TRAIL, TRAIL_VERSION, 0)))
    out += _section(b"META", _map_bytes(parts.meta))
    for first, data in _joined(parts.runs):
        out += _section(b"SECT", pack(TRAIL_INDEX, (first,)) + data)
    if parts.open_part is not None:
        out += _section(b"OPEN", pack(TRAIL_INDEX, (parts.open_part[0],)) + parts.open_part[1])
    if parts.pending is not None:
        out += _section(b"PEND", parts.pending)
    if parts.live is not None:
        out += _section(b"LIVE", _map_bytes(parts.live))
    if sign is not None:
        out += _section(b"SIGN", sign(sha256(out).digest()))
    return bytes(out) + _section(b"DONE", sha256(out).digest())


def _map_bytes(values: dict[str, Any]) -> bytes:
    """Its CBOR; UsageFault when a reader would not take it."""
    data = cbor2.dumps(values)
    if len(data) > MOST_MAP_ITEMS and _map_in(data) is None:
        raise UsageFault("the read-out record gets longer than a file may have it; merge fewer files at a time")
    return data


def _map_in(data: bytes) -> dict[str, Any] | None:
    """Not by cbor2: its tags make dates, expressions and shared structures of what a stranger wrote."""
    try:
        value = cbor.loads(data, MOST_MAP_ITEMS) if len(data) <= MOST_MAP_BYTES else None
    except ProtocolError:
        return None
    return value if isinstance(value, dict) else None


def _joined(runs: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    joined: list[tuple[int, list[bytes]]] = []
    following = -1
    for first, data in sorted(runs, key=lambda run: run[0]):
        if not data or len(data) % SECTOR_SIZE or first < following:
            raise ValueError(f"sectors from {first} on: not whole, or there twice")
        if first == following:
            joined[-1][1].append(data)
        else:
            joined.append((first, [data]))
        following = first + len(data) // SECTOR_SIZE
    return [(first, b"".join(pieces)) for first, pieces in joined]


def write_trail(path: Path, parts: TrailParts, *, replace: bool = False, sign: Sign | None = None) -> None:
    """Write a read-out whole or not at all; refuses an existing file unless told. Raises UsageFault."""
    write_atomic(path, trail_bytes(parts, sign), replace=replace)


def open_trail(path: Path) -> Trail:
    """Read as much as the file holds; UsageFault only when it is no `.trail` file at all."""
    return parse_trail(read_bytes(path, MOST_BYTES), path)


def parse_trail(data: bytes, path: Path) -> Trail:
    """The same for a file's content; `path` is for messages."""
    if not data:
        raise UsageFault(f"{path}: the file is empty; download the trip again")
    if data.startswith(PART_MAGIC):
        raise UsageFault(f"{path}: an unfinished read-out; run the same download again, it goes on there")
    found = parse_sections(data)
    if found is None:
        raise UsageFault(f"{path}: not a .trail file; name a file that 'celltrail download' wrote")
    sections, damage = found
    return _assemble(path, data, sections, damage)


def read_trail(path: Path) -> Trail:
    """Read a sound file; UsageFault when it is foreign, cut off or damaged."""
    trail = open_trail(path)
    if trail.damage:
        raise UsageFault(f"{path}: {trail.damage[0].line}; download the trip again; see 'celltrail verify'")
    return trail


def _assemble(path: Path, data: bytes, sections: Sequence[Section], damage: list[Damage]) -> Trail:
    sectors: list[SectorBytes] = []
    for section in sections:
        if section.tag in (b"SECT", b"OPEN"):
            sectors += _sectors_of(memoryview(data), section, damage)
    ordered = _ascending(sectors, damage)
    payloads = {section.tag: section for section in sections}
    pending, meta = payloads.get(b"PEND"), payloads.get(b"META")
    return Trail(
        path=path,
        meta=_map_of(data, meta, damage) or {},
        sectors=tuple(ordered),
        pending=data[pending.start : pending.end] if pending else None,
        live=_map_of(data, payloads.get(b"LIVE"), damage),
        finished=b"DONE" in payloads,
        digest=sha256(data).digest(),
        damage=tuple(damage),
        signed=_signed(data, payloads.get(b"SIGN")),
        meta_place=(meta.head, meta.end) if meta else (None, None),
    )


def _signed(data: bytes, section: Section | None) -> Signed | None:
    if section is None:
        return None
    return Signed(data[section.start : section.end], memoryview(data)[: section.head], section.head, section.end)


def _sectors_of(data: memoryview, section: Section, damage: list[Damage]) -> list[SectorBytes]:
    start = section.start + size(TRAIL_INDEX)
    whole = section.tag == b"SECT"
    if not section.cut and (start > section.end or (whole and (section.end - start) % SECTOR_SIZE)):
        damage.append(section.damage("does not hold whole sectors"))
    if start > section.end:
        return []
    first = unpack(TRAIL_INDEX, data, section.start)[0]
    if not whole:
        if section.end - start > SECTOR_SIZE:
            damage.append(section.damage("is longer than a sector"))
        return [SectorBytes(first, data[start : min(section.end, start + SECTOR_SIZE)], False, start)]
    places = range(start, section.end - SECTOR_SIZE + 1, SECTOR_SIZE)
    return [SectorBytes(first + i, data[at : at + SECTOR_SIZE], True, at) for i, at in enumerate(places)]


def _ascending(sectors: Sequence[SectorBytes], damage: list[Damage]) -> list[SectorBytes]:
    """The sectors in order, each once; SPEC.md wants them so in the file."""
    kept: list[SectorBytes] = []
    for sector in sectors:
        if kept and sector.index <= kept[-1].index:
            text = f"sector {sector.index} stands at byte {sector.place}, out of order or twice"
            damage.append(Damage(text, "SECT", sector.place, sector.place + len(sector.data)))
        else:
            kept.append(sector)
    return kept


def _map_of(data: bytes, section: Section | None, damage: list[Damage]) -> dict[str, Any] | None:
    if section is None:
        return None
    value = _map_in(data[section.start : min(section.end, section.start + MOST_MAP_BYTES + 1)])
    if value is None:
        damage.extend([] if section.cut else [section.damage("does not hold a CBOR map")])
        return None
    return value
