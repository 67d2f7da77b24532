"""The keyed check: every seal, every checkpoint, and the live proof, each under the key of its place."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from celltrail.evidence import causes
from celltrail.evidence.chain import Tag
from celltrail.evidence.epoch_search import EpochSearch, tag_is_good
from celltrail.evidence.findings import Finding, at_sector
from celltrail.evidence.scan import Sector
from celltrail.evidence.tags import MOST_EPOCH, Ladder, live_is_good
from celltrail.evidence.trail import Trail
from celltrail_protocol.records import SEAL_A_AT, SEAL_CLOSED


@dataclass
class Proof:
    """What the key proved.

    `proven_to` is (index, offset), the end of the last good tag; `closed` says that this was a closing seal.
    `first_epoch` is that of the key at hand: 0, unless it is a later one, and then `unchecked` tags came before it.
    """

    first_epoch: int = 0
    unchecked: int = 0
    seals: int = 0
    checkpoints: int = 0
    proven_to: tuple[int, int] = (-1, 0)
    closed: bool = False
    live: bool = False
    findings: list[Finding] = field(default_factory=list)

    @property
    def tags(self) -> int:
        """How many tags are good, the live proof not counted."""
        return self.seals + self.checkpoints


def prove(
    trail: Trail,
    sectors: Sequence[Sector],
    tags: Sequence[Sequence[Tag]],
    trip: int,
    key: bytes,
    first_epoch: int = 0,
) -> Proof:
    """Check all tags in their order; `tags` are those of each sector.

    A tag's key is that of its place: one more than the tag before it. After a gap in the sectors the header
    tells the epoch, and the sector's next tag covers the header. `key` is that of `first_epoch`; tags before it
    are counted as unchecked.
    """
    ladder = Ladder(key, first_epoch)
    search = EpochSearch(key, first_epoch, trip, [tag.epoch for its_tags in tags for tag in its_tags])
    proof = Proof(first_epoch)
    epoch, following = 0, 0
    for sector, its_tags in zip(sectors, tags, strict=True):
        if sector.index != following and sector.header is not None:
            epoch = sector.header.epoch
        for tag in its_tags:
            if epoch < first_epoch:
                proof.unchecked += 1
            else:
                _check_tag(proof, ladder, search, tag, epoch)
            # The chain check has named a wrong epoch; going on from it finds the good tags behind it.
            epoch = tag.epoch + 1
        following = sector.index + 1
    if epoch >= first_epoch:
        _check_live(proof, ladder, search, trail, epoch)
    return proof


def _check_tag(proof: Proof, ladder: Ladder, search: EpochSearch, tag: Tag, epoch: int) -> None:
    if epoch > MOST_EPOCH or tag.epoch != epoch or not tag_is_good(ladder.key(epoch), tag, search.trip, epoch):
        _add_once(proof, _bad_tag(search, tag, epoch, proof.proven_to))
        return
    proof.proven_to = (tag.sector.index, tag.end)
    proof.closed = tag.seal_kind == SEAL_CLOSED
    if tag.seal_kind is None:
        proof.checkpoints += 1
    else:
        proof.seals += 1


def _add_once(proof: Proof, finding: Finding) -> None:
    """All later tags of a sector cover the same bytes; the first that doesn't fit tells the place."""
    if not any((one.cause, one.sector) == (finding.cause, finding.sector) for one in proof.findings):
        proof.findings.append(finding)


def _bad_tag(search: EpochSearch, tag: Tag, epoch: int, proven_to: tuple[int, int]) -> Finding:
    """What is wrong lies between the last good tag and the end of this one."""
    index, end = proven_to
    start = end if index == tag.sector.index else 0
    made_with = search.epoch_of(tag, epoch)
    if tag.voucher is not None and made_with is None:
        text = f"the seal is missing or doesn't check, and the header of sector {tag.voucher.index} vouches for none"
        return at_sector(causes.SEAL_MISSING, text, tag.sector, SEAL_A_AT, tag.end)
    if made_with is None or made_with == epoch:
        return tag.finding(causes.TAG, f"the {tag.name} doesn't fit the bytes before it", start)
    text = f"the {tag.name} was made with the key of epoch {made_with} in the place of epoch {epoch}"
    return tag.finding(causes.OTHER_EPOCH, text, start)


def _check_live(proof: Proof, ladder: Ladder, search: EpochSearch, trail: Trail, epoch: int) -> None:
    live, opened = trail.live, trail.open_sector
    if live is None:
        if trail.pending and proof.closed:
            text = "pending readings follow a closing seal; nothing proves them"
            proof.findings.append(Finding(causes.AFTER_CLOSE, text))
        return
    if opened is None:
        text = "there is a live proof, but no open sector that it could be about"
        proof.findings.append(Finding(causes.LIVE, text))
        return
    expected = {"trip": search.trip, "epoch": epoch, "index": opened.index, "used": len(opened.data)}
    fits = all(live.get(name) == value for name, value in expected.items()) and epoch <= MOST_EPOCH
    data, pending = bytes(opened.data), trail.pending or b""
    if fits and live_is_good(ladder.key(epoch), live, data, pending):
        proof.live = True
        return
    made_with = search.epoch_of_live(live, data, pending, epoch)
    cause, text = causes.LIVE, "the live proof doesn't fit the open sector and the pending readings"
    if made_with is not None and made_with != epoch:
        cause = causes.OTHER_EPOCH
        text = f"the live proof was made with the key of epoch {made_with} in the place of epoch {epoch}"
    end = opened.place + len(data)
    proof.findings.append(Finding(cause, text, opened.index, 0, opened.place, end))
