"""With which key is a trip proven, and is that key the one that it was armed with?"""

from collections.abc import Sequence
from dataclasses import dataclass

from celltrail.evidence import causes
from celltrail.evidence.chain import Tag
from celltrail.evidence.epoch_search import epoch_of_key
from celltrail.evidence.findings import Finding
from celltrail.evidence.proof import Proof, prove
from celltrail.evidence.scan import Sector
from celltrail.evidence.trail import Trail
from celltrail.keys.keystore import KeyStore, TripEntry
from celltrail_protocol.seals import commitment


@dataclass(frozen=True)
class Case:
    """A read-out with the sectors of its trip and each sector's tags."""

    trail: Trail
    sectors: Sequence[Sector]
    tags: Sequence[Sequence[Tag]]
    trip: int

    def prove(self, key: bytes, first_epoch: int = 0) -> Proof:
        """The proof with a key of an epoch."""
        return prove(self.trail, self.sectors, self.tags, self.trip, key, first_epoch)

    @property
    def has_tags(self) -> bool:
        """Whether there is anything that a key could fit."""
        return any(self.tags) or self.trail.live is not None


def choose_proof(
    case: Case, entry: TripEntry | None, keys: KeyStore | None, uid: bytes
) -> tuple[Proof | None, list[Finding]]:
    """The proof, None when no key is at hand, and all that it and its key found."""
    if entry is None:
        proof = _best([case.prove(key) for key in keys.pending_keys(uid)] if keys else [])
        text = "this trip's key is not in the key store"
        return proof, _findings_of(proof) if proof else [Finding(causes.NO_KEY, text)]
    proof = case.prove(entry.k0)
    confirmed = entry.receipt is not None and entry.receipt.commitment == commitment(entry.k0)
    if entry.receipt is not None and not confirmed:
        return _unconfirmed(case, entry.k0, proof)
    if confirmed or _fits(proof) or not case.has_tags:
        return proof, _findings_of(proof)
    epoch = epoch_of_key(entry.k0, case.tags, case.trail, case.trip)
    return _later(case, entry.k0, epoch) if epoch else (proof, _findings_of(proof))


def _unconfirmed(case: Case, key: bytes, proof: Proof) -> tuple[Proof | None, list[Finding]]:
    """A key whose commitment is not that of the receipt accuses nobody, unless it is seen to be a key of the trip."""
    text = "the key at hand is not the one that this trip was armed with: its hash is not that in the arm receipt"
    finding = Finding(causes.KEY_OF_RECEIPT, text)
    if _fits(proof):
        return proof, [finding, *_findings_of(proof)]
    epoch = epoch_of_key(key, case.tags, case.trail, case.trip)
    if not epoch:
        return None, [finding]
    later, findings = _later(case, key, epoch)
    return later, [*findings, finding]


def _later(case: Case, key: bytes, epoch: int) -> tuple[Proof, list[Finding]]:
    proof = case.prove(key, epoch)
    before = [tag for its_tags in case.tags for tag in its_tags][: proof.unchecked]
    which = f"the {proof.unchecked} seals and checkpoints" if proof.unchecked > 1 else "the seal or checkpoint"
    text = f"the key at hand is that of epoch {epoch}, not K(0): {which} before it can't be checked"
    if not before:
        return proof, [Finding(causes.LATER_KEY, text), *proof.findings]
    first, last = case.sectors[0], before[-1]
    place = (first.index, 0, first.place(0), last.sector.place(last.end))
    return proof, [Finding(causes.LATER_KEY, text, *place), *proof.findings]


def _fits(proof: Proof) -> bool:
    return bool(proof.tags) or proof.live


def _best(proofs: Sequence[Proof]) -> Proof | None:
    """Of proofs under unconfirmed keys the one that fits best, if any fits at all."""
    fitting = [proof for proof in proofs if _fits(proof)]
    return max(fitting, key=lambda proof: (proof.tags, proof.live), default=None)


def _findings_of(proof: Proof) -> list[Finding]:
    """All of them, or one sentence when nothing at all fits the key or one of its later ones."""
    plain = all(finding.cause in (causes.TAG, causes.LIVE, causes.SEAL_MISSING) for finding in proof.findings)
    if len(proof.findings) > 1 and plain and not _fits(proof):
        text = "no seal fits the key that this trip was armed with"
        return [Finding(causes.NO_TAG_FITS, text), proof.findings[0]]
    return proof.findings
