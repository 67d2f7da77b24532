"""Is a read-out complete and untouched, and how did it end? The rules of the verdict stand in `judge`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from celltrail.errors import UsageFault
from celltrail.evidence import verdict as words
from celltrail.evidence.chain import check_chain, check_seal_counts, tags_of
from celltrail.evidence.clock import Clock
from celltrail.evidence.coverage import Coverage, Span, cover, due_slots
from celltrail.evidence.decode import read_record
from celltrail.evidence.findings import ALTERED, MISSING, NOTE, Finding, at_sector, of_damage
from celltrail.evidence.outages import restarts_of
from celltrail.evidence.pending import PENDING_SECTOR
from celltrail.evidence.proof import Proof, prove
from celltrail.evidence.record import Instant, Record
from celltrail.evidence.scan import Sector, scan_sectors
from celltrail.evidence.trail import Trail, open_trail
from celltrail.evidence.verdict import Restart, TimedSpan, Verdict
from celltrail.keys.keystore import KeyStore, TripEntry
from celltrail.plans.planning import settings_hash
from celltrail.utc import span
from celltrail_protocol.codes import STATE_STOPPED
from celltrail_protocol.frames import READINGS, TABLES
from celltrail_protocol.layout import ProtocolError, unpack
from celltrail_protocol.names import REASON_NAMES
from celltrail_protocol.records import SEAL_CLOSED

_MOST_SPANS = 1000
_GRID = 2000
# A clock that is off by more than this deserves a word.
_WIDE_BOUND_MS = 10 * 60 * 1000


@dataclass(frozen=True)
class Checked:
    """A file with everything that was made of it on the way to the verdict."""

    trail: Trail
    record: Record
    clock: Clock
    verdict: Verdict


def verify_file(path: Path, keys: KeyStore) -> Verdict:
    """The verdict on a file; UsageFault when it is no `.trail` file or the key store can't be used."""
    keys.require()
    return check_trail(open_trail(path), keys).verdict


def load_checked(path: Path, keys: KeyStore, *, damaged: bool = False) -> Checked:
    """A file's record, for showing and exporting; UsageFault when the file is damaged, unless that is wanted."""
    keys.require()
    trail = open_trail(path)
    if trail.damage and not damaged:
        line = trail.damage[0].line
        raise UsageFault(f"{path}: {line}; download the trip again, or go on with what can be read: --damaged")
    return check_trail(trail, keys)


def check_trail(trail: Trail, keys: KeyStore | None) -> Checked:
    """The verdict on a read-out, with its record and clock; without keys the seals stay unchecked."""
    sectors = scan_sectors(trail.sectors)
    record = read_record(trail, sectors)
    entry = keys.trip(record.uid, record.trip) if keys else None
    record = _with_plan(record, entry)
    clock = Clock(record)
    tags = [tags_of(sector) for sector in sectors]
    candidates = [entry.k0] if entry else keys.pending_keys(record.uid) if keys else []
    proofs = [prove(trail, sectors, tags, record.trip, key) for key in candidates]
    proof = proofs[0] if entry else _best(proofs)
    findings = [of_damage(damage) for damage in trail.damage]
    findings += check_chain(sectors, tags, record.trip) + _check_identity(trail, record, entry)
    if proof is None:
        findings += [finding for sector in sectors for finding in check_seal_counts(sector)]
    else:
        findings += _proof_findings(proof, entry)
    expected = _sectors_expected(trail, sectors, record, proof)
    missing = _missing_sectors(sectors, expected)
    findings += _missing_findings(missing, record, sectors)
    coverage = cover(record, _due(trail, sectors, record))
    findings += _coverage_findings(coverage) + _flaw_findings(record, sectors, findings)
    made = _verdict(trail, sectors, record, clock, proof, findings, expected, missing, coverage)
    return Checked(trail, record, clock, made)


def judge(findings: Sequence[Finding], proof: Proof | None) -> str:
    """The verdict's word.

    Any contradiction: altered. Anything that must be there and isn't: parts missing. No key: not checkable. A good
    closing seal: closed. A good live proof: recording. Neither: power was lost, or the tail was removed.
    """
    kinds = {finding.kind for finding in findings}
    if ALTERED in kinds:
        return words.CHANGED
    if MISSING in kinds:
        return words.INCOMPLETE
    if proof is None:
        return words.UNCHECKED
    if proof.closed:
        return words.CLOSED
    return words.RECORDING if proof.live else words.POWER_LOST


def _with_plan(record: Record, entry: TripEntry | None) -> Record:
    """The plan of the arm receipt, where the ring has overwritten the record's own and the hash is the same."""
    receipt = entry.receipt if entry else None
    if record.plan_bytes is not None or receipt is None or not record.settings:
        return record
    same = settings_hash(receipt.plan)[: len(record.settings)] == record.settings
    return replace(record, plan=dict(receipt.plan)) if same else record


def _best(proofs: Sequence[Proof]) -> Proof | None:
    """Of proofs under unconfirmed keys the one that fits best, if any fits at all."""
    fitting = [proof for proof in proofs if proof.tags or proof.live]
    return max(fitting, key=lambda proof: (proof.tags, proof.live), default=None)


def _proof_findings(proof: Proof, entry: TripEntry | None) -> list[Finding]:
    """All of them, or one sentence when nothing at all fits the key."""
    if len(proof.findings) > 1 and entry is not None and not proof.tags and not proof.live:
        text = "no seal fits the key that this trip was armed with"
        return [Finding(ALTERED, text), proof.findings[0]]
    return proof.findings


def _check_identity(trail: Trail, record: Record, entry: TripEntry | None) -> list[Finding]:
    """The read-out record, the sectors and the arm receipt must be about the same trip and settings."""
    found = []
    if trail.meta and (trail.uid != record.uid or trail.trip != record.trip):
        found.append(Finding(ALTERED, "the read-out record names another logger or trip than the sectors"))
    if record.plan_bytes is not None and sha256(record.plan_bytes).digest()[: len(record.settings)] != record.settings:
        found.append(Finding(ALTERED, "the settings don't fit their hash"))
    receipt = entry.receipt if entry else None
    if receipt is not None and receipt.settings_hash[: len(record.settings)] != record.settings:
        found.append(Finding(ALTERED, "the settings are not those of the arm receipt"))
    return found


def _sectors_expected(trail: Trail, sectors: Sequence[Sector], record: Record, proof: Proof | None) -> int:
    """How many sectors the trip has: what is there, and what the logger said when it was read."""
    there = max((sector.index + 1 for sector in sectors), default=0)
    if proof is not None and (proof.closed or proof.live):
        return there
    said: list[Any] = [0]
    status, live = trail.meta.get("status"), trail.live
    if isinstance(status, dict) and status.get("trip") == record.trip:
        said.append(status.get("sectors"))
    if live is not None and type(live.get("index")) is int:
        said.append(live["index"] + 1)
    return max(there, *(count for count in said if type(count) is int))


def _missing_sectors(sectors: Sequence[Sector], expected: int) -> list[Span]:
    missing = []
    at = 0
    for sector in sectors:
        if sector.index > at:
            missing.append((at, sector.index))
        at = sector.index + 1
    return missing + ([(at, expected)] if expected > at else [])


def _missing_findings(missing: Sequence[Span], record: Record, sectors: Sequence[Sector]) -> list[Finding]:
    found = [] if sectors or missing else [Finding(MISSING, "there is no sector in this file")]
    for first, end in missing:
        which = f"sector {first} is" if end == first + 1 else f"sectors {first} to {end - 1} are"
        wrapped = first == 0 and sectors and record.plan is not None and record.plan.get("wrap") is True
        why = "; the plan lets the logger overwrite its oldest" if wrapped else ""
        found.append(Finding(MISSING, f"{which} missing{why}", sector=first))
    return found


def _due(trail: Trail, sectors: Sequence[Sector], record: Record) -> int:
    """How many slots must be there: counted to the closing seal or to the live proof; 0 when there is neither."""
    last = sectors[-1] if sectors else None
    boot = record.last_ticks[-1].boot if record.last_ticks else 0
    if last is not None and last.seal is not None and last.seal.kind == SEAL_CLOSED:
        return due_slots(record, Instant(boot, last.seal.tick_ms))
    tick_ms = trail.live.get("tick") if trail.live else None
    return due_slots(record, Instant(boot, tick_ms)) if type(tick_ms) is int else 0


def _coverage_findings(coverage: Sequence[Coverage]) -> list[Finding]:
    found = []
    for one in coverage:
        if one.holes:
            text = f"channel {one.channel}: {one.lost} of {one.expected} slots are unaccounted for"
            found.append(Finding(MISSING, text))
        if one.twice:
            found.append(Finding(MISSING, f"channel {one.channel}: {len(one.twice)} runs of slots are there twice"))
    return found


def _flaw_findings(record: Record, sectors: Sequence[Sector], known: Sequence[Finding]) -> list[Finding]:
    """Frames that can't be read: the place of the change in a sector that was altered, else notes.

    A power cut tears frames. The tags tell whether a frame was changed later, the coverage whether one is lost.
    """
    by_index = {sector.index: sector for sector in sectors}
    altered = {finding.sector for finding in known if finding.kind == ALTERED}
    found = []
    for flaw in record.flaws:
        if flaw.sector == PENDING_SECTOR:
            found.append(Finding(NOTE, f"pending readings: {flaw.text}", offset=flaw.offset))
        else:
            kind = ALTERED if flaw.sector in altered else NOTE
            found.append(at_sector(kind, flaw.text, by_index[flaw.sector], flaw.offset, flaw.end))
    return found


def _unsealed(sectors: Sequence[Sector], record: Record, proof: Proof | None) -> int:
    """Readings that no good tag covers."""
    if proof is None or proof.closed or proof.live:
        return 0
    count = 0
    for sector in sectors:
        for offset, kind, start, end in sector.frames:
            if kind == READINGS and (sector.index, offset) >= proof.proven_to:
                count += _count_of(sector, start, end)
    return count + record.pending


def _count_of(sector: Sector, start: int, end: int) -> int:
    try:
        return int(unpack(TABLES[READINGS], sector.data, start, end)[2])
    except ProtocolError:
        return 0


def _timed(record: Record, clock: Clock, spans: Sequence[tuple[int, Span]]) -> tuple[TimedSpan, ...]:
    made = []
    for channel, (first, end) in spans[:_MOST_SPANS]:
        boots, ticks = record.instants_of(np.array([first, end - 1]))
        utc = [clock.utc_ms(Instant(int(boot), int(tick))) for boot, tick in zip(boots, ticks, strict=True)]
        made.append(TimedSpan(channel, first, end, utc[0], utc[1]))
    return tuple(made)


def _widest_bound_ms(record: Record, clock: Clock) -> int | None:
    """The widest bound of the readings' times, on a grid of them; None when one of them is unknown."""
    picked = [channel.slots[:: max(1, len(channel.slots) // _GRID)] for channel in record.channels]
    ends = [channel.slots[-1:] for channel in record.channels]
    slots = np.concatenate([np.zeros(0, np.int64), *picked, *ends])
    _, bounds = clock.utc_of(*record.instants_of(slots))
    return int(np.ceil(bounds.max())) if len(slots) and np.isfinite(bounds).all() else None


def _bound_flags(clock: Clock, bound_ms: int | None, first_utc_ms: int | None) -> list[str]:
    """A doubt about readings whose time is known only roughly, or not at all."""
    if bound_ms is None:
        # Of boots that have none the clock tells itself.
        return [] if first_utc_ms is None or clock.unknown else ["the time of some readings is unknown"]
    if bound_ms <= _WIDE_BOUND_MS:
        return []
    return [f"the time of some readings is known only within {span(bound_ms)}; allow for that where an instant decides"]


def _restarts(record: Record, clock: Clock) -> tuple[Restart, ...]:
    return tuple(
        Restart(one.reason, clock.utc_ms(one.start), clock.utc_ms(one.end), clock.bound_ms(one.end))
        for one in restarts_of(record)
    )


def _end_reason(record: Record) -> str | None:
    """Why the trip ended, None when the record doesn't say that it did."""
    last = record.states[-1] if record.states else None
    ended = last is not None and last.state == STATE_STOPPED
    return REASON_NAMES.get(last.reason, f"reason {last.reason}") if ended and last else None


def _verdict(
    trail: Trail,
    sectors: Sequence[Sector],
    record: Record,
    clock: Clock,
    proof: Proof | None,
    findings: Sequence[Finding],
    expected: int,
    missing: Sequence[Span],
    coverage: Sequence[Coverage],
) -> Verdict:
    slots = [int(channel.slots[end]) for channel in record.channels if len(channel.slots) for end in (0, -1)]
    ends = _timed(record, clock, [(0, (min(slots), max(slots) + 1))])[0] if slots else None
    first_utc_ms, bound_ms = ends.first_utc_ms if ends else None, _widest_bound_ms(record, clock)
    return Verdict(
        word=judge(findings, proof),
        path=str(trail.path),
        digest=trail.digest,
        uid=record.uid,
        name=record.name,
        trip=record.trip,
        simulated=record.simulated,
        first_utc_ms=first_utc_ms,
        last_utc_ms=ends.last_utc_ms if ends else None,
        bound_ms=bound_ms,
        sectors_expected=expected,
        sectors_present=len(sectors),
        sectors_missing=tuple(missing),
        coverage=tuple(coverage),
        holes=_timed(record, clock, [(one.channel, span) for one in coverage for span in one.holes]),
        twice=_timed(record, clock, [(one.channel, span) for one in coverage for span in one.twice]),
        key_known=proof is not None,
        seals=proof.seals if proof else 0,
        checkpoints=proof.checkpoints if proof else 0,
        live=proof.live if proof else False,
        unsealed=_unsealed(sectors, record, proof),
        findings=tuple(findings),
        clock_flags=(*clock.flags, *_bound_flags(clock, bound_ms, first_utc_ms)),
        restarts=_restarts(record, clock),
        end_reason=_end_reason(record),
    )
