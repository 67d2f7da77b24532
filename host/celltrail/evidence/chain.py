"""What can be checked of the sectors without a key: headers, their order, the chain, the epochs."""

from collections.abc import Sequence
from typing import NamedTuple

from celltrail.evidence import causes
from celltrail.evidence.causes import Cause
from celltrail.evidence.findings import Finding, at_sector
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

# Of a tag, in the next sector's header; and what sector 0 has there.
LINK = 8
NO_TAG = bytes(LINK)
_BLANK = b"\xff"
_CHECKPOINT_SIZE = size(TABLES[CHECKPOINT])
_CHECKPOINT_TAG = 16
_SEAL_SIZE = size(SEAL)
# Of the 512 bits of a seal's place, which is filled with zeros when it takes no seal; a tag has some 128 ones.
_MOST_STUCK = 64
_WORN = "the place of a seal that failed is zeros but for some bits: they are worn out, or were changed"


class Tag(NamedTuple):
    """A seal or checkpoint: the bytes that it covers, and the offsets of its tag's (a seal: its own) place.

    `seal_kind` is None for a checkpoint; `fields` are the seal's own that its tag covers too. Of a seal that found no
    place `tag` is no more than the 8 bytes in the header of `voucher`, the next sector.
    """

    sector: Sector
    offset: int
    end: int
    epoch: int
    tag: bytes
    seal_kind: int | None
    covered: memoryview
    fields: memoryview
    voucher: Sector | None = None

    @property
    def name(self) -> str:
        """seal or checkpoint."""
        if self.voucher is not None:
            return "seal that the next header vouches for"
        return "checkpoint" if self.seal_kind is None else "seal"

    def finding(self, cause: Cause, text: str, start: int) -> Finding:
        """A finding about what it covers from `start` on, and itself."""
        return at_sector(cause, text, self.sector, start, self.end)


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


def check_chain(sectors: Sequence[Sector], tags: Sequence[Sequence[Tag]]) -> list[Finding]:
    """Findings about each sector and about the joints between neighbours; `tags` are those of each sector."""
    found: list[Finding] = []
    before: Sector | None = None
    for sector, its_tags, following in zip(sectors, tags, [*sectors[1:], None][: len(sectors)], strict=True):
        found += _check_header(sector) + _check_seal(sector, its_tags, following) + _check_frames(sector)
        if before is not None and before.index + 1 == sector.index:
            found += _check_joint(before, sector)
        elif sector.index == 0 and sector.header is not None and sector.header.prev_tag != NO_TAG:
            text = "the first sector's header names a sector before it"
            found.append(header_finding(causes.CHAIN, sector, text))
        before = sector
    return found + _check_repeats(sectors) + _check_epochs(sectors, tags)


def header_finding(cause: Cause, sector: Sector, text: str) -> Finding:
    """A finding about a sector's header."""
    return at_sector(cause, text, sector, HEADER_AT, HEADER_AT + size(HEADER))


def _seal_finding(cause: Cause, sector: Sector, text: str, offset: int = SEAL_A_AT) -> Finding:
    return at_sector(cause, text, sector, offset, offset + _SEAL_SIZE)


def _check_header(sector: Sector) -> list[Finding]:
    header = sector.header
    if header is None:
        return [header_finding(causes.HEADER, sector, "the header doesn't check")]
    if header.index != sector.index:
        text = f"the header says that this is sector {header.index}, in the place of sector {sector.index}"
        return [header_finding(causes.MOVED, sector, text)]
    return []


def _check_repeats(sectors: Sequence[Sector]) -> list[Finding]:
    """Frames that lie in the record twice, whatever their headers say."""
    first: dict[bytes, Sector] = {}
    found = []
    for sector in sectors:
        frames_area = sector.data[FRAMES_AT:FRAMES_END]
        known = first.setdefault(frames_area, sector)
        if known is not sector:
            text = f"holds the same frames as sector {known.index}"
            found.append(at_sector(causes.REPEATED, text, sector, FRAMES_AT, FRAMES_AT + len(frames_area)))
    return found


def _check_seal(sector: Sector, its_tags: Sequence[Tag], following: Sector | None) -> list[Finding]:
    seal = sector.seal
    if seal is None:
        vouched = bool(its_tags) and its_tags[-1].voucher is not None
        return _check_failed_places(sector) if vouched else _check_no_seal(sector, following)
    if sector.header is not None and seal.sequence != sector.header.sequence:
        return [_seal_finding(causes.MOVED, sector, "the seal is of another sector", seal.offset)]
    spare = sector.data[SEAL_B_AT:SEAL_A_AT]
    if seal.offset == SEAL_A_AT and spare != _BLANK * len(spare):
        return [_seal_finding(causes.PLACE, sector, "the spare place of the seal is not blank", SEAL_B_AT)]
    failed = _ones(sector.data[SEAL_A_AT : SEAL_A_AT + _SEAL_SIZE]) if seal.offset == SEAL_B_AT else 0
    if failed > _MOST_STUCK:
        return [_seal_finding(causes.PLACE, sector, "the place of the seal that failed is not closed with zeros")]
    if seal.kind == SEAL_CLOSED and following is not None:
        return [_seal_finding(causes.AFTER_CLOSE, sector, "the trip was closed here, but more follows", seal.offset)]
    return [_seal_finding(causes.PLACE_WORN, sector, _WORN)] if failed else []


def _check_no_seal(sector: Sector, following: Sector | None) -> list[Finding]:
    """Only the last sector may be open."""
    if following is not None and following.index == sector.index + 1:
        return [_seal_finding(causes.SEAL_MISSING, sector, "the seal is missing or doesn't check")]
    if following is not None:
        text = "no seal is here, and the next sector, whose header could vouch for it, is missing"
        return [_seal_finding(causes.UNSEALED, sector, text)]
    return _check_failed_places(sector)


def _check_failed_places(sector: Sector) -> list[Finding]:
    """Without a seal, its places are blank, or zeros where one failed; what else lies there was changed."""
    for offset in (SEAL_A_AT, SEAL_B_AT):
        place = sector.data[offset : offset + _SEAL_SIZE]
        if place == _BLANK * len(place) or not any(place):
            continue
        if _ones(place) > _MOST_STUCK:
            return [_seal_finding(causes.SEAL_MISSING, sector, "the seal doesn't check", offset)]
        return [_seal_finding(causes.PLACE_WORN, sector, _WORN, offset)]
    return []


def _ones(place: bytes) -> int:
    return sum(byte.bit_count() for byte in place)


def _check_frames(sector: Sector) -> list[Finding]:
    if sector.frames and sector.frames[0][1] == PLAN:
        return []
    text = "the sector doesn't begin with a plan frame"
    return [at_sector(causes.NO_PLAN, text, sector, FRAMES_AT, FRAMES_AT + 1)]


def check_seal_counts(sector: Sector) -> list[Finding]:
    """Whether the seal counts the frames that are there; for sectors whose tag can't be checked."""
    seal = sector.seal
    if seal is None or (seal.frames == len(sector.frames) and seal.used == sector.last_end):
        return []
    text = f"the seal counts {seal.frames} frames, {len(sector.frames)} are there"
    return [at_sector(causes.TAG, text, sector, FRAMES_AT, FRAMES_END)]


def _check_joint(before: Sector, sector: Sector) -> list[Finding]:
    found = []
    if before.header is not None and sector.header is not None:
        if sector.header.sequence <= before.header.sequence:
            found.append(header_finding(causes.CHAIN, sector, "the sequence does not rise"))
        if sector.header.epoch < before.header.epoch:
            found.append(header_finding(causes.EPOCH_ORDER, sector, "the key's epoch falls"))
    if before.seal is not None and sector.header is not None and sector.header.prev_tag != before.seal.tag[:LINK]:
        text = f"the header doesn't follow from the seal of sector {before.index}"
        found.append(header_finding(causes.CHAIN, sector, text))
    return found


def _epoch_finding(tag: Tag, expected: int) -> Finding:
    if tag.voucher is not None:
        text = f"the header says epoch {tag.epoch + 1}, but the seal before it would be of epoch {expected}"
        return header_finding(causes.EPOCH_ORDER, tag.voucher, text)
    text = f"the {tag.name} says epoch {tag.epoch}; in this order it is {expected}"
    return at_sector(causes.EPOCH_ORDER, text, tag.sector, tag.offset, tag.end)


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
            found.append(header_finding(causes.EPOCH_ORDER, sector, text))
        for tag in its_tags:
            if expected is not None and tag.epoch != expected:
                found.append(_epoch_finding(tag, expected))
            expected = tag.epoch + 1
        following = sector.index + 1
    return found
