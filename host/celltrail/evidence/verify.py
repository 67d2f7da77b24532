"""Is a read-out complete and untouched, and how did it end? The rules of the verdict stand in `judge`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from celltrail.errors import UsageFault
from celltrail.evidence import causes, seen
from celltrail.evidence import verdict as words
from celltrail.evidence.armed import check_receipt, with_plan
from celltrail.evidence.chain import Tag, check_chain, check_seal_counts
from celltrail.evidence.clock import Clock
from celltrail.evidence.completeness import (
    check_sectors,
    check_slots,
    count_overwritten,
    missing_sectors,
    sectors_expected,
    slots_due,
)
from celltrail.evidence.coverage import cover
from celltrail.evidence.decode import read_record
from celltrail.evidence.findings import Finding, at_sector, of_damage
from celltrail.evidence.freshness import check_freshness
from celltrail.evidence.identity import Identity, identify
from celltrail.evidence.key_choice import Case, choose_proof
from celltrail.evidence.pending import PENDING_SECTOR
from celltrail.evidence.proof import Proof
from celltrail.evidence.record import Record
from celltrail.evidence.scan import Sector, scan_sectors
from celltrail.evidence.signature import check_signature, signature_findings
from celltrail.evidence.trail import Trail, open_trail
from celltrail.evidence.unsealed import unsealed_findings
from celltrail.evidence.verdict import Verdict
from celltrail.evidence.verdict_parts import Parts, verdict_of
from celltrail.evidence.vouching import all_tags, vouched_findings
from celltrail.keys.keystore import KeyStore, TripEntry
from celltrail.keys.signing import known_as


@dataclass(frozen=True)
class Checked:
    """A file with everything that was made of it on the way to the verdict.

    `end` is how far the record goes, and `proven` whether a key has proven just this end.
    """

    trail: Trail
    record: Record
    clock: Clock
    verdict: Verdict
    end: seen.Seen | None
    proven: bool


def verify_file(path: Path, keys: KeyStore, signers: Collection[bytes] | None = None) -> Verdict:
    """The verdict on a file; UsageFault when it is no `.trail` file or the key store can't be used.

    `signers` are the public keys of which one must have signed it, None when that is not asked. How far a proven
    record goes is remembered in the key store.
    """
    keys.require()
    checked = check_trail(open_trail(path), keys, signers)
    if checked.end is not None and checked.end.commitment and checked.proven:
        # A key store on a read-only disk is one to check with, too.
        with suppress(UsageFault):
            seen.remember(keys, checked.record.uid, checked.record.trip, checked.end)
    return checked.verdict


def load_checked(path: Path, keys: KeyStore, *, damaged: bool = False) -> Checked:
    """A file's record, for showing and exporting; UsageFault when the file is damaged, unless that is wanted."""
    keys.require()
    trail = open_trail(path)
    if trail.damage and not damaged:
        line = trail.damage[0].line
        raise UsageFault(f"{path}: {line}; download the trip again, or go on with what can be read: --damaged")
    return check_trail(trail, keys)


def check_trail(trail: Trail, keys: KeyStore | None, signers: Collection[bytes] | None = None) -> Checked:
    """The verdict on a read-out, with its record and clock; without keys the seals stay unchecked."""
    read = _read(trail, keys)
    sectors, record, entry = read.identity.own, read.record, read.entry
    case = Case(trail, sectors, [read.tags[sector.index] for sector in sectors], record.trip)
    proof, proof_findings = choose_proof(case, entry, keys, record.uid)
    signature = check_signature(trail, lambda public: known_as(keys, public) if keys else None, signers)
    expected = sectors_expected(trail, read.scanned, record, proof)
    missing = missing_sectors(read.scanned, expected)
    coverage = cover(record, slots_due(trail, sectors, record))
    end = seen.end_of(trail, record, sectors, case.tags, entry.k0 if entry else None)
    findings = [*signature_findings(signature, trail), *_keyless_findings(read), *proof_findings]
    findings += _check_seen(read, end, keys) + check_sectors(missing, record, sectors) + check_slots(coverage)
    if proof is None or proof.first_epoch:
        findings += [finding for sector in sectors for finding in check_seal_counts(sector)]
    findings += vouched_findings(case.tags, findings) + _flaw_findings(record, sectors, findings)
    unsealed = unsealed_findings(sectors, record, proof)
    findings += unsealed.findings
    clock = Clock(record)
    parts = Parts(trail, sectors, record, clock, proof, coverage, expected, missing, unsealed.readings, signature)
    overwritten = count_overwritten(missing, coverage, record, findings)
    made = replace(verdict_of(parts, judge(findings, proof), findings), overwritten=overwritten)
    return Checked(trail, record, clock, made, end, _is_proven(proof, findings))


@dataclass(frozen=True)
class _Read:
    """What a read-out holds; `tags` are those of each sector by its index."""

    trail: Trail
    scanned: Sequence[Sector]
    identity: Identity
    record: Record
    entry: TripEntry | None
    tags: Mapping[int, Sequence[Tag]]
    is_known: Callable[[bytes], bool]


def _read(trail: Trail, keys: KeyStore | None) -> _Read:
    scanned = scan_sectors(trail.sectors)
    identity = identify(trail, scanned)
    record = read_record(trail, identity.own)
    entry = keys.trip(record.uid, record.trip) if keys else None
    record = with_plan(record, entry.receipt if entry else None)
    tags = {sector.index: found for sector, found in zip(scanned, all_tags(scanned), strict=True)}

    def is_known(public: bytes) -> bool:
        return keys is not None and known_as(keys, public) is not None

    return _Read(trail, scanned, identity, record, entry, tags, is_known)


def _keyless_findings(read: _Read) -> list[Finding]:
    """What contradicts itself, the receipt or the read-out record."""
    trail, record, sectors = read.trail, read.record, read.identity.own
    receipt = read.entry.receipt if read.entry else None
    return [
        *(of_damage(damage) for damage in trail.damage),
        *read.identity.findings,
        *check_chain(read.scanned, list(read.tags.values())),
        *_check_settings(record),
        *(check_receipt(receipt, record, trail, sectors, read.is_known) if receipt else ()),
        *check_freshness(trail, record, sectors),
    ]


def _is_proven(proof: Proof | None, findings: Sequence[Finding]) -> bool:
    """Whether a key has proven the record up to its end, and nothing contradicts."""
    shown = proof is not None and not proof.first_epoch and (proof.closed or proof.live)
    return shown and not any(finding.kind == causes.ALTERED for finding in findings)


def judge(findings: Sequence[Finding], proof: Proof | None) -> str:
    """The verdict's word.

    Any contradiction: altered. Anything that must be there and isn't: parts missing. No key, or not the one of the
    arming: not checkable. A good closing seal: closed. A good live proof: recording. Neither: power was lost, or the
    tail was removed.
    """
    kinds = {finding.kind for finding in findings}
    if causes.ALTERED in kinds:
        return words.CHANGED
    if causes.MISSING in kinds:
        return words.INCOMPLETE
    keyless = {causes.NO_KEY, causes.LATER_KEY, causes.KEY_OF_RECEIPT}
    if proof is None or any(finding.cause in keyless for finding in findings):
        return words.UNCHECKED
    if proof.closed:
        return words.CLOSED
    return words.RECORDING if proof.live else words.POWER_LOST


def _check_settings(record: Record) -> list[Finding]:
    if record.plan_bytes is None or sha256(record.plan_bytes).digest()[: len(record.settings)] == record.settings:
        return []
    return [Finding(causes.SETTINGS, "the settings don't fit their hash")]


def _check_seen(read: _Read, end: seen.Seen | None, keys: KeyStore | None) -> list[Finding]:
    known = seen.recall(keys, read.record.uid, read.record.trip) if keys else None
    if known is None or end is None:
        return []
    return seen.compare(known, end, read.trail, read.identity.own)


def _flaw_findings(record: Record, sectors: Sequence[Sector], known: Sequence[Finding]) -> list[Finding]:
    """Frames that can't be read: the place of the change in a sector that was altered, else notes.

    A power cut tears frames. The tags tell whether a frame was changed later, the coverage whether one is lost.
    """
    by_index = {sector.index: sector for sector in sectors}
    altered = {finding.sector for finding in known if finding.kind == causes.ALTERED}
    found = []
    for flaw in record.flaws:
        if flaw.sector == PENDING_SECTOR:
            found.append(Finding(causes.PENDING, f"pending readings: {flaw.text}", offset=flaw.offset))
        else:
            cause = causes.FRAME if flaw.sector in altered else causes.TORN
            found.append(at_sector(cause, flaw.text, by_index[flaw.sector], flaw.offset, flaw.end))
    return found
