"""Sectors as they lie, taken apart: header, frames, damaged places, seal. `decode` tells what they mean."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from celltrail.evidence.frame_walk import walk
from celltrail.evidence.headers import read_fixed
from celltrail.evidence.trail import SectorBytes
from celltrail_protocol.frames import TABLES, scan_all
from celltrail_protocol.layout import ProtocolError, size, unpack
from celltrail_protocol.records import (
    FRAMES_AT,
    FRAMES_END,
    HEADER,
    HEADER_AT,
    MAGIC_HEADER,
    MAGIC_SEAL,
    SEAL,
    SEAL_A_AT,
    SEAL_B_AT,
)

if TYPE_CHECKING:
    from celltrail_protocol.layout import Table


def _is_fixed(table: "Table") -> bool:
    codes = [code for _, code, _ in table[2]]
    return all(len(code) == 1 or code[-1] == "s" for code in codes) and not {"p", "*"} & set(codes)


# Sizes of the types with single numbers and bytes only: checkpoints above all, for they are many.
_FIXED = {kind: size(table) for kind, table in TABLES.items() if _is_fixed(table)}
_VERSION = 1
_HEADER_SIZE = size(HEADER)
_CHECK = 4
Buffer = bytes | memoryview


@dataclass(frozen=True)
class Header:
    """A sector's header, without magic and check."""

    sequence: int
    trip: int
    index: int
    epoch: int
    tick_ms: int
    boot: int
    prev_tag: bytes


@dataclass(frozen=True)
class Seal:
    """A sector's seal, and its offset in the sector."""

    offset: int
    sequence: int
    epoch: int
    kind: int
    used: int
    frames: int
    tick_ms: int
    tag: bytes


@dataclass(frozen=True)
class Sector:
    """One sector; `header` and `seal` are None when missing or damaged, `damaged` lists (from, to)."""

    source: SectorBytes
    data: bytes
    header: Header | None
    seal: Seal | None
    frames: Sequence[tuple[int, int, int, int]]
    damaged: Sequence[tuple[int, int]]
    used: int

    @property
    def index(self) -> int:
        """Its number in the trip, as the file says."""
        return self.source.index

    @property
    def last_end(self) -> int:
        """The offset after the last valid frame, as seals tell it; `used` is that after the last damaged one, too."""
        return self.frames[-1][3] + _CHECK if self.frames else FRAMES_AT

    def place(self, offset: int) -> int:
        """Where a byte of the sector lies in the file."""
        return self.source.place + offset


def scan_sectors(sources: Sequence[SectorBytes]) -> list[Sector]:
    """All sectors of a read-out; where a header is damaged its neighbours tell the sequence."""
    headers = [_header(source.data) for source in sources]
    shift = next(
        (
            header.sequence - header.index
            for header, source in zip(headers, sources, strict=True)
            if header is not None and header.index == source.index
        ),
        0,
    )
    return [
        _scan(source, header, header.sequence if header else shift + source.index)
        for header, source in zip(headers, sources, strict=True)
    ]


def _scan(source: SectorBytes, header: Header | None, sequence: int) -> Sector:
    data = bytes(source.data)
    end = min(len(data), FRAMES_END)
    sound = walk(data, FRAMES_AT, end, sequence)
    frames, damaged, used = scan_all(data, FRAMES_AT, end, sequence) if sound is None else (sound[0], [], sound[1])
    return Sector(source, data, header, _seal(data), frames, damaged, used)


def _checked(table: "Table", data: Buffer, offset: int, magic: bytes) -> tuple[Any, ...] | None:
    """As the protocol's `unpack_checked`, faster."""
    values = read_fixed(table, data, offset)
    if values is None or values[0] != magic:
        return None
    covered = data[offset : offset + size(table) - _CHECK]
    return values if zlib.crc32(covered) == values[-1] else None


def _header(data: memoryview) -> Header | None:
    values = _checked(HEADER, data, HEADER_AT, MAGIC_HEADER)
    if values is None or values[1] != _VERSION or values[2] != _HEADER_SIZE:
        return None
    _, _, _, _, sequence, trip, index, epoch, tick_ms, boot, _, prev_tag, _ = values
    return Header(sequence, trip, index, epoch, tick_ms, boot, prev_tag)


def _seal(data: bytes) -> Seal | None:
    for offset in (SEAL_A_AT, SEAL_B_AT):
        values = _checked(SEAL, data, offset, MAGIC_SEAL)
        if values is not None:
            _, sequence, epoch, kind, _, used, frames, _, tick_ms, tag, _ = values
            return Seal(offset, sequence, epoch, kind, used, frames, tick_ms, tag)
    return None


def fields(sector: Sector, kind: int, start: int, end: int) -> tuple[Any, ...]:
    """The values of a frame in its table's order; raises ProtocolError when its payload is too short."""
    table = TABLES.get(kind)
    if table is None:
        raise ProtocolError(f"frame: type {kind:#04x} is not known")
    if start + _FIXED.get(kind, end) <= end:
        return read_fixed(table, sector.data, start) or ()
    return unpack(table, sector.data, start, end)
