"""The keyed check: every seal, every checkpoint, and the live proof, each under the key of its place."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from celltrail.evidence.chain import Tag
from celltrail.evidence.findings import ALTERED, Finding
from celltrail.evidence.scan import Sector
from celltrail.evidence.tags import MOST_EPOCH, Ladder, checkpoint_tag, live_is_good, seal_tag
from celltrail.evidence.trail import Trail
from celltrail_protocol.records import SEAL_CLOSED


@dataclass
class Proof:
    """What the key proved.

    `proven_to` is (index, offset), the end of the last good tag; `closed` says that this was a closing seal.
    """

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


def prove(trail: Trail, sectors: Sequence[Sector], tags: Sequence[Sequence[Tag]], trip: int, k0: bytes) -> Proof:
    """Check all tags in their order; `tags` are those of each sector.

    A tag's key is that of its place: one more than the tag before it. After a gap in the sectors the header
    tells the epoch, and the sector's next tag covers the header.
    """
    ladder = Ladder(k0)
    proof = Proof()
    epoch, following = 0, 0
    for sector, its_tags in zip(sectors, tags, strict=True):
        if sector.index != following and sector.header is not None:
            epoch = sector.header.epoch
        for tag in its_tags:
            _check_tag(proof, ladder, tag, trip, epoch)
            # The chain check has named a wrong epoch; going on from it finds the good tags behind it.
            epoch = tag.epoch + 1
        following = sector.index + 1
    _check_live(proof, ladder, trail, trip, epoch)
    return proof


def _check_tag(proof: Proof, ladder: Ladder, tag: Tag, trip: int, epoch: int) -> None:
    if trip < 0 or epoch > MOST_EPOCH or not _is_good(ladder.key(epoch), tag, trip, epoch):
        proof.findings.append(tag.finding(ALTERED, f"the {tag.name} doesn't fit the bytes before it"))
        return
    proof.proven_to = (tag.sector.index, tag.end)
    proof.closed = tag.seal_kind == SEAL_CLOSED
    if tag.seal_kind is None:
        proof.checkpoints += 1
    else:
        proof.seals += 1


def _is_good(key: bytes, tag: Tag, trip: int, epoch: int) -> bool:
    if tag.seal_kind is None:
        expected = checkpoint_tag(key, trip, epoch, tag.covered)
    else:
        expected = seal_tag(key, trip, epoch, tag.covered, tag.fields)
    return tag.epoch == epoch and expected == tag.tag


def _check_live(proof: Proof, ladder: Ladder, trail: Trail, trip: int, epoch: int) -> None:
    live, opened = trail.live, trail.open_sector
    if live is None:
        if trail.pending and proof.closed:
            proof.findings.append(Finding(ALTERED, "pending readings follow a closing seal; nothing proves them"))
        return
    if opened is None:
        proof.findings.append(Finding(ALTERED, "there is a live proof, but no open sector that it could be about"))
        return
    expected = {"trip": trip, "epoch": epoch, "index": opened.index, "used": len(opened.data)}
    fits = all(live.get(name) == value for name, value in expected.items()) and epoch <= MOST_EPOCH
    data, pending = bytes(opened.data), trail.pending or b""
    if fits and live_is_good(ladder.key(epoch), live, data, pending):
        proof.live = True
        return
    end = opened.place + len(data)
    text = "the live proof doesn't fit the open sector and the pending readings"
    proof.findings.append(Finding(ALTERED, text, opened.index, 0, opened.place, end))
