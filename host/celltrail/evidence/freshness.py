"""Does the read-out record say that the trip had gone further than what the file holds?

Then an older read-out is presented as newer, or the newest part was removed. What the seals and the live proof show is
held against the status at the start of the read-out and the ticks that its host noted.
"""

from collections.abc import Sequence
from typing import Any

from celltrail.evidence import causes
from celltrail.evidence.coverage import due_slots
from celltrail.evidence.findings import Finding
from celltrail.evidence.record import Instant, Record
from celltrail.evidence.scan import Sector
from celltrail.evidence.trail import Trail
from celltrail.utc import span
from celltrail_protocol.codes import STATE_ARMED, STATE_LOGGING
from celltrail_protocol.records import SEAL_CLOSED

# How long after its live proof a read-out may end, when the world is a real one: a slow link, no more.
_SLACK_MS = 10 * 60 * 1000
# How much the newest readings may be late, in time and in slots.
_LATE_MS = 60 * 1000
_LATE_SLOTS = 2
_RUNNING = (STATE_ARMED, STATE_LOGGING)


def is_closed(sectors: Sequence[Sector]) -> bool:
    """Whether the last sector carries a closing seal, good or not."""
    seal = sectors[-1].seal if sectors else None
    return seal is not None and seal.kind == SEAL_CLOSED


def check_freshness(trail: Trail, record: Record, sectors: Sequence[Sector]) -> list[Finding]:
    """Contradictions between the read-out record and the end of what is there."""
    if not sectors or not trail.meta:
        return []
    status = _status(trail, record)
    if trail.live is None:
        closed = is_closed(sectors)
        return _beyond(trail, status, sectors) if closed else _without_live(trail, status)
    texts = [*_status_texts(status, record, sectors), *_tick_texts(trail, record)]
    return _beyond(trail, status, sectors) + [_stale(trail, text) for text in texts[:1]]


def last_instant(record: Record) -> Instant | None:
    """The last tick that the reading host noted."""
    pairs = _noted(record)
    return pairs[-1] if pairs else None


def _stale(trail: Trail, text: str) -> Finding:
    first, end = trail.meta_place
    whole = f"an older read-out presented as newer: {text}"
    return Finding(causes.OLDER_READ_OUT, whole, first_byte=first, end_byte=end)


def _status(trail: Trail, record: Record) -> dict[str, Any]:
    """The status at the start, where it is about this trip; numbers only."""
    status = trail.meta.get("status")
    if not isinstance(status, dict) or status.get("trip") != record.trip:
        return {}
    return {key: value for key, value in status.items() if type(value) is int}


def _without_live(trail: Trail, status: dict[str, Any]) -> list[Finding]:
    if status.get("state") not in _RUNNING:
        return []
    first, end = trail.meta_place
    text = "the logger was running when it was read, but its live proof is not in this file"
    return [Finding(causes.NO_LIVE, text, first_byte=first, end_byte=end)]


def _beyond(trail: Trail, status: dict[str, Any], sectors: Sequence[Sector]) -> list[Finding]:
    """The logger had more sectors when the read-out began than the record has at its end."""
    last = sectors[-1].index
    if status.get("sectors", 0) <= last + 1:
        return []
    text = f"the logger had {status['sectors']} sectors when it was read, but the record ends in sector {last}"
    return [_stale(trail, text)]


def _status_texts(status: dict[str, Any], record: Record, sectors: Sequence[Sector]) -> list[str]:
    last = sectors[-1]
    found = []
    if status.get("state", STATE_LOGGING) not in _RUNNING:
        found.append("the trip had ended when it was read, but the record ends with the live proof of a running trip")
    if status.get("sectors") == last.index + 1 and status.get("used", 0) > len(last.data):
        found.append(
            f"the open sector was filled up to {status['used']} when it was read, but the record ends at "
            f"{len(last.data)} in sector {last.index}"
        )
    if status.get("state") == STATE_LOGGING and _lags(record, status.get("slot", 0)):
        found.append(f"slot {status['slot']} was next when it was read, but the record ends at slot {_end(record)}")
    return found


def _noted(record: Record) -> list[Instant]:
    pairs = [pair.at for pair in record.clock_pairs if not pair.recorded]
    return sorted(pairs, key=lambda at: (at.boot, at.tick_ms))


def _claim(record: Record) -> Instant | None:
    """An instant before which no live proof of this read-out can have been made.

    A session notes a tick, asks for the proof, and notes another; only a simulated world can fly in between.
    """
    noted = _noted(record)
    if not noted:
        return None
    last = noted[-1]
    claims = [Instant(last.boot, last.tick_ms - _SLACK_MS)] if not record.simulated else []
    claims += [at for at in noted[-2:-1] if at.boot == last.boot]
    return max(claims, key=lambda at: at.tick_ms, default=None)


def _tick_texts(trail: Trail, record: Record) -> list[str]:
    claim, live = _claim(record), trail.live or {}
    if claim is None:
        return []
    boot = record.last_ticks[-1].boot if record.last_ticks else claim.boot
    if claim.boot > boot and claim.tick_ms > _LATE_MS:
        return [f"it was read in boot {claim.boot} of the logger, but the record ends in boot {boot}"]
    if claim.boot != boot:
        return []
    tick_ms = live.get("tick")
    if type(tick_ms) is int and tick_ms < claim.tick_ms:
        return [f"its live proof is at least {span(claim.tick_ms - tick_ms)} older than the read-out"]
    due = due_slots(record, claim)
    return [f"slot {due} was due when it was read, but the record ends at slot {_end(record)}"] * _lags(record, due)


def _end(record: Record) -> int:
    """The slot after the last one that anything is known of."""
    return max((run.end for run in record.runs), default=0)


def _lags(record: Record, due: int) -> bool:
    lacking = due - _end(record)
    return lacking > _LATE_SLOTS and lacking * record.period_ms > _LATE_MS
