"""A seal that found no place in a worn-out page: the next sector's header vouches for it (SPEC.md section 5.2)."""

from collections.abc import Sequence

from celltrail.evidence import causes
from celltrail.evidence.chain import LINK, NO_TAG, Tag, tags_of
from celltrail.evidence.findings import Finding, at_sector
from celltrail.evidence.scan import Sector
from celltrail_protocol.layout import pack
from celltrail_protocol.records import FRAMES_END, HEADER_AT, MAGIC_SEAL, SEAL, SEAL_B_AT, SEAL_FULL, SECTOR_SIZE

# Without tag and crc32.
_FIELDS = (SEAL[0], SEAL[1], SEAL[2][:-2])


def all_tags(sectors: Sequence[Sector]) -> list[list[Tag]]:
    """The tags of each sector in their order, and last the seal that the next header vouches for."""
    found = [tags_of(sector) for sector in sectors]
    for its_tags, sector, following in zip(found, sectors, sectors[1:], strict=False):
        vouched = _vouched(sector, following)
        its_tags.extend([vouched] if vouched is not None else [])
    return found


def _vouched(sector: Sector, following: Sector) -> Tag | None:
    """The seal of kind 0 that a sector without one would have, if the following sector's header tells of it."""
    header, voucher = sector.header, following.header
    if sector.seal is not None or header is None or voucher is None:
        return None
    if following.index != sector.index + 1 or voucher.epoch == 0 or voucher.prev_tag == NO_TAG:
        return None
    epoch = voucher.epoch - 1
    values = (MAGIC_SEAL, header.sequence, epoch, SEAL_FULL, 0, sector.last_end, len(sector.frames), 0, header.tick_ms)
    covered, fields = memoryview(sector.data)[:FRAMES_END], memoryview(pack(_FIELDS, values))
    return Tag(sector, SEAL_B_AT, SECTOR_SIZE, epoch, voucher.prev_tag, SEAL_FULL, covered, fields, following)


def link_of(its_tags: Sequence[Tag]) -> bytes | None:
    """What the next sector's header has to begin with: the first bytes of the tag of a sector's seal."""
    seals = [tag.tag[:LINK] for tag in its_tags if tag.seal_kind is not None]
    return seals[-1] if seals else None


def vouched_findings(tags: Sequence[Sequence[Tag]], known: Sequence[Finding]) -> list[Finding]:
    """A note for each seal that a header vouches for, unless its sector or that header was altered."""
    altered = [finding for finding in known if finding.kind == causes.ALTERED]
    sectors = {finding.sector for finding in altered}
    headers = {finding.sector for finding in altered if finding.offset == HEADER_AT}
    if any(finding.cause == causes.NO_TAG_FITS for finding in altered):
        return []
    return [
        at_sector(
            causes.SEAL_VOUCHED,
            f"the flash took no seal here; the header of sector {tag.voucher.index} vouches for it",
            tag.sector,
            tag.offset,
            tag.end,
        )
        for its_tags in tags
        for tag in its_tags
        if tag.voucher is not None and tag.sector.index not in sectors and tag.voucher.index not in headers
    ]
