"""The readings that no good tag and no live proof covers: how many, and where they lie."""

from collections.abc import Sequence
from dataclasses import dataclass

from celltrail.evidence import causes
from celltrail.evidence.findings import Finding, at_sector
from celltrail.evidence.proof import Proof
from celltrail.evidence.record import Record
from celltrail.evidence.scan import Sector
from celltrail_protocol.frames import READINGS, TABLES
from celltrail_protocol.layout import ProtocolError, unpack
from celltrail_protocol.records import FRAMES_AT


@dataclass(frozen=True)
class Unsealed:
    """How many readings, pending ones among them, and the findings that name the places."""

    readings: int
    findings: Sequence[Finding]


def unsealed_findings(sectors: Sequence[Sector], record: Record, proof: Proof | None) -> Unsealed:
    """Nothing is unsealed before a good closing seal or live proof, and nothing can be said without a key."""
    if proof is None or proof.closed or proof.live:
        return Unsealed(0, ())
    counts = [(sector, _after(sector, proof), _count(sector, proof)) for sector in sectors]
    places = [_finding(sector, start, count) for sector, start, count in counts if start is not None]
    total = sum(count for _, _, count in counts) + record.pending
    if record.pending:
        text = f"{_readings(record.pending)} not packed yet; nothing proves them"
        places.append(Finding(causes.UNSEALED, text))
    if not places and sectors:
        last = sectors[-1]
        text = "the record ends here without a closing seal or a live proof"
        places.append(at_sector(causes.UNSEALED, text, last, max(FRAMES_AT, last.used), len(last.data)))
    return Unsealed(total, places)


def _after(sector: Sector, proof: Proof) -> int | None:
    """Where the frames begin that follow the last good tag; None when it covers them all."""
    index, end = proof.proven_to
    offsets = [offset for offset, _, _, _ in sector.frames if (sector.index, offset) >= (index, end)]
    return min(offsets, default=None)


def _finding(sector: Sector, start: int, count: int) -> Finding:
    text = f"{_readings(count)} after the last seal or checkpoint; nothing proves them"
    return at_sector(causes.UNSEALED, text, sector, start, max(start, sector.used))


def _readings(count: int) -> str:
    return f"{count} reading" if count == 1 else f"{count} readings"


def _count(sector: Sector, proof: Proof) -> int:
    """Readings in frames that no good tag covers."""
    return sum(
        _count_of(sector, start, end)
        for offset, kind, start, end in sector.frames
        if kind == READINGS and (sector.index, offset) >= proof.proven_to
    )


def _count_of(sector: Sector, start: int, end: int) -> int:
    try:
        return int(unpack(TABLES[READINGS], sector.data, start, end)[2])
    except ProtocolError:
        return 0
