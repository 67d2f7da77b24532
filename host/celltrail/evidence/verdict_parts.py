"""The parts of a verdict that are told and not judged: times, restarts, how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celltrail.evidence.clock import Clock
from celltrail.evidence.coverage import Coverage, Span
from celltrail.evidence.findings import Finding
from celltrail.evidence.outages import restarts_of
from celltrail.evidence.proof import Proof
from celltrail.evidence.record import Instant, Record
from celltrail.evidence.scan import Sector
from celltrail.evidence.signature import Signature
from celltrail.evidence.trail import Trail
from celltrail.evidence.verdict import Restart, TimedSpan, Verdict
from celltrail.sentence import Length, Sentence
from celltrail_protocol.codes import STATE_STOPPED
from celltrail_protocol.names import REASON_NAMES

_MOST_SPANS = 1000
_GRID = 2000
# A clock that is off by more than this deserves a word.
_WIDE_BOUND_MS = 10 * 60 * 1000


@dataclass(frozen=True)
class Parts:
    """What was made of a file on the way to its verdict; `unsealed` counts readings that nothing proves."""

    trail: Trail
    sectors: Sequence[Sector]
    record: Record
    clock: Clock
    proof: Proof | None
    coverage: Sequence[Coverage]
    expected: int
    missing: Sequence[Span]
    unsealed: int
    signature: Signature


def verdict_of(parts: Parts, word: str, findings: Sequence[Finding]) -> Verdict:
    """The verdict with this word, and all that it rests on."""
    record, clock, proof, coverage = parts.record, parts.clock, parts.proof, parts.coverage
    slots = [int(channel.slots[end]) for channel in record.all_channels if len(channel.slots) for end in (0, -1)]
    ends = _timed(record, clock, [(0, (min(slots), max(slots) + 1))])[0] if slots else None
    first_utc_ms, bound_ms = ends.first_utc_ms if ends else None, _widest_bound_ms(record, clock)
    return Verdict(
        word=word,
        path=str(parts.trail.path),
        digest=parts.trail.digest,
        uid=record.uid,
        name=record.name,
        trip=record.trip,
        simulated=record.simulated,
        first_utc_ms=first_utc_ms,
        last_utc_ms=ends.last_utc_ms if ends else None,
        bound_ms=bound_ms,
        sectors_expected=parts.expected,
        sectors_present=len(parts.sectors),
        sectors_missing=tuple(parts.missing),
        coverage=tuple(coverage),
        holes=_timed(record, clock, [(one.channel, span) for one in coverage for span in one.holes]),
        twice=_timed(record, clock, [(one.channel, span) for one in coverage for span in one.twice]),
        key_known=proof is not None,
        seals=proof.seals if proof else 0,
        checkpoints=proof.checkpoints if proof else 0,
        live=proof.live if proof else False,
        unsealed=parts.unsealed,
        findings=tuple(findings),
        clock_flags=(*clock.flags, *_bound_flags(clock, bound_ms, first_utc_ms)),
        restarts=_restarts(record, clock),
        end_reason=_end_reason(record),
        first_epoch=proof.first_epoch if proof else 0,
        signature=parts.signature,
    )


def _timed(record: Record, clock: Clock, spans: Sequence[tuple[int, Span]]) -> tuple[TimedSpan, ...]:
    made = []
    for channel, (first, end) in spans[:_MOST_SPANS]:
        boots, ticks = record.instants_of(np.array([first, end - 1]))
        utc = [clock.utc_ms(Instant(int(boot), int(tick))) for boot, tick in zip(boots, ticks, strict=True)]
        made.append(TimedSpan(channel, first, end, utc[0], utc[1]))
    return tuple(made)


def _widest_bound_ms(record: Record, clock: Clock) -> int | None:
    """The widest bound of the readings' times, on a grid of them; None when one of them is unknown."""
    picked = [channel.slots[:: max(1, len(channel.slots) // _GRID)] for channel in record.all_channels]
    ends = [channel.slots[-1:] for channel in record.all_channels]
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
    return [
        Sentence(
            "the time of some readings is known only within {bound}; allow for that where an instant decides",
            bound=Length(bound_ms),
        )
    ]


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
