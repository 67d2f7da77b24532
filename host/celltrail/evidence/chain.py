"""What can be checked of the sectors without a key: headers, their order, the chain, the epochs."""

from collections.abc import Sequence
from typing import NamedTuple

from celltrail.evidence.findings import ALTERED, NOTE, Finding, at_sector
from celltrail.evidence.scan import Sector
from celltrail_protocol.frames import CHECKPOINT, PLAN, TABLES
from celltrail_protocol.layout import size, unpack
from celltrail_protocol.records import (
    FRAMES_AT,
    FRAMES_END,
    HEADER,
    HEADER_AT,
    SEAL,
    SEAL_A_AT,
    SEAL_B_AT,
    SEAL_CLOSED,
    SEAL_TAGGED,
)

_NO_TAG = bytes(8)
_LINK = 8
_BLANK = b"\xff"
_CHECKPOINT_SIZE = size(TABLES[CHECKPOINT])
_CHECKPOINT_TAG = 16
_SEAL_SIZE = size(SEAL)


class Tag(NamedTuple):
    """A seal or checkpoint: the bytes that it covers, and the offsets of its tag's (a seal: its own) place.

    `seal_kind` is None for a checkpoint; `fields` are the seal's own that its tag covers too.
    """

    sector: Sector
    offset: int
    end: int
    epoch: int
    tag: bytes
    seal_kind: int | None
    covered: memoryview
    fields: memoryview

    @property
    def name(self) -> str:
        """seal or checkpoint."""
        return "checkpoint" if self.seal_kind is None else "seal"

    def finding(self, kind: str, text: str) -> Finding:
        """A finding about it and all that it covers."""
        return at_sector(kind, text, self.sector, 0, self.end)


def tags_of(sector: Sector) -> list[Tag]:
    """A sector's checkpoints and its seal, in their order."""
    data = memoryview(sector.data)
    found = []
    for _, kind, start, end in sector.frames:
        if kind == CHECKPOINT and end - start >= _CHECKPOINT_SIZE:
            epoch, _, _, tag = unpack(TABLES[CHECKPOINT], sector.data, start, end)
            at, after = start + _CHECKPOINT_SIZE - _CHECKPOINT_TAG, start + _CHECKPOINT_SIZE
            found.append(Tag(sector, at, after, epoch, tag, None, data[:at], data[:0]))
    seal = sector.seal
    if seal is not None:
        at, after = seal.offset, seal.offset + _SEAL_SIZE
        fields = data[at : at + SEAL_TAGGED]
        found.append(Tag(sector, at, after, seal.epoch, seal.tag, seal.kind, data[:FRAMES_END], fields))
    return found


def check_chain(sectors: Sequence[Sector], tags: Sequence[Sequence[Tag]], trip: int) -> list[Finding]:
    """Findings about each sector and about the joints between neighbours; `tags` are those of each sector."""
    found: list[Finding] = []
    before: Sector | None = None
    for sector in sectors:
        found += _check_header(sector, trip) + _check_seal(sector, sector is sectors[-1]) + _check_frames(sector)
        if before is not None and before.index + 1 == sector.index:
            found += _check_joint(before, sector)
        elif sector.index == 0 and sector.header is not None and sector.header.prev_tag != _NO_TAG:
            found.append(_header_finding(sector, "the first sector's header names a sector before it"))
        before = sector
    return found + _check_epochs(sectors, tags)


def _header_finding(sector: Sector, text: str) -> Finding:
    return at_sector(ALTERED, text, sector, HEADER_AT, HEADER_AT + size(HEADER))


def _seal_finding(sector: Sector, text: str, offset: int = SEAL_A_AT) -> Finding:
    return at_sector(ALTERED, text, sector, offset, offset + _SEAL_SIZE)


def _check_header(sector: Sector, trip: int) -> list[Finding]:
    header = sector.header
    if header is None:
        return [_header_finding(sector, "the header doesn't check")]
    if header.index != sector.index:
        return [_header_finding(sector, f"the header says that this is sector {header.index}")]
    if header.trip != trip:
        return [_header_finding(sector, f"the header says that this belongs to trip {header.trip}")]
    return []


def _check_seal(sector: Sector, last: bool) -> list[Finding]:
    seal = sector.seal
    if seal is None:
        return _check_no_seal(sector, last)
    if sector.header is not None and seal.sequence != sector.header.sequence:
        return [_seal_finding(sector, "the seal is of another sector", seal.offset)]
    spare = sector.data[SEAL_B_AT:SEAL_A_AT]
    if seal.offset == SEAL_A_AT and spare != _BLANK * len(spare):
        return [_seal_finding(sector, "the spare place of the seal is not blank", SEAL_B_AT)]
    failed = sector.data[SEAL_A_AT : SEAL_A_AT + _SEAL_SIZE]
    if seal.offset == SEAL_B_AT and failed != bytes(len(failed)):
        return [_seal_finding(sector, "the place of the seal that failed is not closed with zeros", SEAL_A_AT)]
    if seal.kind == SEAL_CLOSED and not last:
        return [_seal_finding(sector, "the trip was closed here, but more follows", seal.offset)]
    return []


def _check_no_seal(sector: Sector, last: bool) -> list[Finding]:
    """Only the last sector may be open, and then the places of its seal are blank, or zeros where one failed."""
    if not last:
        return [_seal_finding(sector, "the seal is missing or doesn't check")]
    for offset in (SEAL_A_AT, SEAL_B_AT):
        place = sector.data[offset : offset + _SEAL_SIZE]
        if place not in (_BLANK * len(place), bytes(len(place))):
            return [_seal_finding(sector, "the seal doesn't check", offset)]
    return []


def _check_frames(sector: Sector) -> list[Finding]:
    if sector.frames and sector.frames[0][1] == PLAN:
        return []
    text = "the sector doesn't begin with a plan frame"
    return [at_sector(NOTE, text, sector, FRAMES_AT, FRAMES_AT + 1)]


def check_seal_counts(sector: Sector) -> list[Finding]:
    """Whether the seal counts the frames that are there; for sectors whose tag can't be checked."""
    seal = sector.seal
    if seal is None or (seal.frames == len(sector.frames) and seal.used == sector.used):
        return []
    text = f"the seal counts {seal.frames} frames, {len(sector.frames)} are there"
    return [at_sector(ALTERED, text, sector, FRAMES_AT, FRAMES_END)]


def _check_joint(before: Sector, sector: Sector) -> list[Finding]:
    found = []
    if before.header is not None and sector.header is not None:
        if sector.header.sequence <= before.header.sequence:
            found.append(_header_finding(sector, "the sequence does not rise"))
        if sector.header.epoch < before.header.epoch:
            found.append(_header_finding(sector, "the key's epoch falls"))
    if before.seal is not None and sector.header is not None and sector.header.prev_tag != before.seal.tag[:_LINK]:
        found.append(_header_finding(sector, f"the header doesn't follow from the seal of sector {before.index}"))
    return found


def _check_epochs(sectors: Sequence[Sector], tags: Sequence[Sequence[Tag]]) -> list[Finding]:
    """Each tag uses the next epoch, none is left out and none used twice (compare CVE-2023-31439)."""
    found: list[Finding] = []
    expected: int | None = 0
    following = 0
    for sector, its_tags in zip(sectors, tags, strict=True):
        if sector.index != following or expected is None:
            expected = None if sector.header is None else sector.header.epoch
        elif sector.header is not None and sector.header.epoch != expected:
            text = f"the header says epoch {sector.header.epoch}; in this order it is {expected}"
            found.append(_header_finding(sector, text))
        for tag in its_tags:
            if expected is not None and tag.epoch != expected:
                text = f"the {tag.name} says epoch {tag.epoch}; in this order it is {expected}"
                found.append(at_sector(ALTERED, text, sector, tag.offset, tag.end))
            expected = tag.epoch + 1
        following = sector.index + 1
    return found
