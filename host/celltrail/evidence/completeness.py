"""Is all there: every sector, and every slot of the schedule?"""

from collections.abc import Sequence
from typing import Any

from celltrail.evidence import causes
from celltrail.evidence.coverage import Coverage, Span, due_slots
from celltrail.evidence.findings import Finding
from celltrail.evidence.proof import Proof
from celltrail.evidence.record import Instant, Record
from celltrail.evidence.scan import Sector
from celltrail.evidence.trail import Trail
from celltrail_protocol.records import SEAL_CLOSED


def sectors_expected(trail: Trail, sectors: Sequence[Sector], record: Record, proof: Proof | None) -> int:
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


def missing_sectors(sectors: Sequence[Sector], expected: int) -> list[Span]:
    """Runs [first, end) of sectors that are not there."""
    missing = []
    at = 0
    for sector in sectors:
        if sector.index > at:
            missing.append((at, sector.index))
        at = sector.index + 1
    return missing + ([(at, expected)] if expected > at else [])


def check_sectors(missing: Sequence[Span], record: Record, sectors: Sequence[Sector]) -> list[Finding]:
    """A finding for each run that is missing."""
    found = [] if sectors or missing else [Finding(causes.SECTORS, "there is no sector in this file")]
    for first, end in missing:
        which = f"sector {first} is" if end == first + 1 else f"sectors {first} to {end - 1} are"
        wrapped = first == 0 and sectors and _may_wrap(record)
        why = "; the plan lets the logger overwrite its oldest" if wrapped else ""
        found.append(Finding(causes.SECTORS, f"{which} missing{why}", sector=first))
    return found


def _may_wrap(record: Record) -> bool:
    return record.plan is not None and record.plan.get("wrap") is True


def count_overwritten(
    missing: Sequence[Span], coverage: Sequence[Coverage], record: Record, findings: Sequence[Finding]
) -> int:
    """How many of the first sectors the ring has overwritten, as the plan lets it, in a record that is proven.

    0 when anything else is amiss: another sector, a slot behind them, a contradiction, an end that nothing proves.
    """
    holes = [hole for one in coverage for hole in one.holes]
    faults = [one.cause for one in findings if one.kind != causes.NOTE]
    only_first = len(missing) == 1 and missing[0][0] == 0 and all(first == 0 for first, _ in holes)
    if not only_first or not _may_wrap(record) or any(one not in (causes.SECTORS, causes.SLOTS) for one in faults):
        return 0
    return missing[0][1]


def slots_due(trail: Trail, sectors: Sequence[Sector], record: Record) -> int:
    """How many slots must be there: counted to the closing seal or to the live proof; 0 when there is neither."""
    last = sectors[-1] if sectors else None
    boot = record.last_ticks[-1].boot if record.last_ticks else 0
    if last is not None and last.seal is not None and last.seal.kind == SEAL_CLOSED:
        return due_slots(record, Instant(boot, last.seal.tick_ms))
    tick_ms = trail.live.get("tick") if trail.live else None
    return due_slots(record, Instant(boot, tick_ms)) if type(tick_ms) is int else 0


def check_slots(coverage: Sequence[Coverage]) -> list[Finding]:
    """A finding for each channel with slots that nothing accounts for, or that are there again."""
    found = []
    for one in coverage:
        if one.holes:
            text = f"channel {one.channel}: {one.lost} of {one.expected} slots are unaccounted for"
            found.append(Finding(causes.SLOTS, text))
        if one.twice:
            text = f"channel {one.channel}: {len(one.twice)} runs of slots are there twice"
            found.append(Finding(causes.TWICE, text))
    return found
