"""The audit trail of a trip: who changed what, when, and with what proof, from the record itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from celltrail.evidence.record import ClockPair, Command, Earlier, Instant, Mark
from celltrail.evidence.verify import Checked
from celltrail.utc import iso, span
from celltrail.views.summary import Summary, alarm_text
from celltrail_protocol import codes, names, smp
from celltrail_protocol.frames import COMMAND_DISCARDED, COMMAND_OPEN, COMMAND_WRONG_KEY
from celltrail_protocol.records import SECTOR_SIZE

KEY = "key"
OPEN = "open"
BUTTON = "button"
LOGGER = "logger"
HOST = "host"
_PLAIN_REASONS = (codes.REASON_FULL, codes.REASON_UNKNOWN, codes.REASON_ERASE)


@dataclass(frozen=True)
class Event:
    """One line. `how`: "key" proven with the device key, "open" without proof, "button", "logger" by itself, "host"
    as the reading host says. `told`: the time is what the commanding host said, and no clock of the record bounds it.
    """

    at: Instant | None
    utc_ms: int | None
    bound_ms: int | None
    told: bool
    who: str
    how: str
    what: str
    details: str

    def to_json(self) -> dict[str, Any]:
        return {
            "utc": None if self.utc_ms is None else iso(self.utc_ms),
            "utc_bound_ms": self.bound_ms,
            "utc_told": self.told,
            "boot": self.at.boot if self.at else None,
            "tick_ms": self.at.tick_ms if self.at else None,
            "who": self.who,
            "how": self.how,
            "what": self.what,
            "details": self.details,
        }


def audit_of(summary: Summary) -> list[Event]:
    """All events in their order: what came before the trip, the trip, the read-out."""
    checked = summary.checked
    inside = [*_commands(checked), *_states(checked), *_marks(checked), *_happenings(summary)]
    inside.sort(key=lambda one: (one.at.boot, one.at.tick_ms) if one.at else (0, 0))
    return [*_earlier(checked), *inside, *_read_out(checked)]


def audit_json(summary: Summary) -> dict[str, Any]:
    """The document of `celltrail show --audit --json`."""
    record, verdict = summary.checked.record, summary.checked.verdict
    return {
        "file": str(summary.checked.trail.path),
        "verdict": verdict.word,
        "logger": {"uid": record.uid.hex() if any(record.uid) else None, "name": record.name},
        "trip": record.trip if record.trip >= 0 else None,
        "audit": [one.to_json() for one in audit_of(summary)],
    }


def _event(checked: Checked, at: Instant, who: str, how: str, what: str, details: str) -> Event:
    clock = checked.clock
    return Event(at, clock.utc_ms(at), clock.bound_ms(at), False, who, how, what, details)


def _name(command: int) -> str:
    return names.COMMAND_NAMES.get(command, f"command {command}")


def _how(flags: int) -> str:
    return OPEN if flags & (COMMAND_OPEN | COMMAND_WRONG_KEY) else KEY


# Between trips


def _earlier(checked: Checked) -> Iterator[Event]:
    for one in checked.record.earlier:
        if one.dropped:
            lost = f"{one.dropped} earlier commands were not kept"
            yield Event(None, None, None, False, "", LOGGER, "not kept", lost)
        measured = one.at.boot in checked.clock.synced
        utc_ms = checked.clock.utc_ms(one.at) if measured else one.utc_ms
        bound_ms = checked.clock.bound_ms(one.at) if measured else None
        what = "wrong key" if one.flags & COMMAND_WRONG_KEY else _name(one.command)
        told = utc_ms is not None and not measured
        yield Event(one.at, utc_ms, bound_ms, told, one.operator, _how(one.flags), what, _earlier_details(one))


def _earlier_details(one: Earlier) -> str:
    parts = ["before this trip"]
    if one.flags & COMMAND_WRONG_KEY:
        parts = ["before this trip: a command with a wrong key was refused; more may have followed"]
    if one.trip:
        parts.append(f"trip {one.trip}")
    if one.command == smp.CMD_ACKNOWLEDGE:
        parts.append(_read_up_to(one.detail))
    if one.command == smp.CMD_CLOCK and one.utc_ms is not None:
        parts.append(f"set to {_seconds(one.utc_ms)}")
    if one.command == smp.CMD_ROTATE:
        parts.append("a new device key")
    if one.flags & COMMAND_DISCARDED:
        parts.append("its unread data was discarded")
    return ", ".join(parts)


def _read_up_to(detail: int) -> str:
    sector, used = divmod(detail, SECTOR_SIZE)
    return f"read up to byte {used} of sector {sector}"


# The trip


def _commands(checked: Checked) -> Iterator[Event]:
    for one in checked.record.commands:
        yield _event(checked, one.at, one.operator, _how(one.flags), _name(one.command), _command_details(checked, one))


def _command_details(checked: Checked, one: Command) -> str:
    parts = []
    if one.command == smp.CMD_ARM:
        parts.append(_armed(checked))
    if one.flags & COMMAND_DISCARDED:
        parts.append(f"unread data of trip {one.detail} was discarded")
    if one.command == smp.CMD_ACKNOWLEDGE:
        parts.append(_read_up_to(one.detail))
    if one.command == smp.CMD_ROTATE:
        parts.append("a new device key")
    if one.clock is not None:
        parts.append(_clock(checked, one.clock))
    return "; ".join(parts)


def _armed(checked: Checked) -> str:
    record = checked.record
    profile = f"profile {record.plan['profile']}, " if record.plan and record.plan.get("profile") else ""
    whole = record.plan_bytes is not None
    settings = sha256(record.plan_bytes or b"").hexdigest() if whole else record.settings.hex() + "..."
    return f"{profile}settings {settings}"


def _clock(checked: Checked, pair: ClockPair) -> str:
    """The new time, and what the clock of this boot had said for that instant."""
    recorded = [one for one in checked.record.clock_pairs if one.recorded]
    before = [one for one in recorded[: _position(recorded, pair)] if one.at.boot == pair.at.boot]
    unsure = f" +-{_short_span(pair.uncertainty_ms)}" if pair.uncertainty_ms else ""
    new = f"clock set to {_seconds(pair.utc_ms)}{unsure}"
    if not before:
        return f"{new}, the first of this boot"
    old_ms = before[-1].utc_ms + pair.at.tick_ms - before[-1].at.tick_ms
    moved_ms = pair.utc_ms - old_ms
    sign = "+" if moved_ms >= 0 else "-"
    return f"{new}, was {_seconds(old_ms)}, moved by {sign}{span(moved_ms)}"


def _position(pairs: list[ClockPair], pair: ClockPair) -> int:
    """Where this very pair stands; equal ones may come twice."""
    return next(i for i, one in enumerate(pairs) if one is pair)


def _seconds(utc_ms: int) -> str:
    return iso(utc_ms)[:19].replace("T", " ") + " UTC"


def _short_span(ms: float) -> str:
    """One figure and its unit: 48 ms, 12 s, 2 h."""
    return " ".join(span(ms).split()[:2])


def _states(checked: Checked) -> Iterator[Event]:
    was = codes.STATE_IDLE
    for one in checked.record.states:
        reason = names.REASON_NAMES.get(one.reason, str(one.reason))
        by = reason if one.reason in _PLAIN_REASONS else f"by {reason}"
        how = BUTTON if one.reason == codes.REASON_BUTTON else LOGGER
        words = [names.STATE_NAMES.get(state, str(state)) for state in (was, one.state)]
        yield _event(checked, one.at, "", how, "state", f"{words[0]} to {words[1]}, {by}")
        was = one.state


def _marks(checked: Checked) -> Iterator[Event]:
    for one in checked.record.marks:
        how = BUTTON if one.by_button else KEY if one.proven else OPEN
        yield _event(checked, one.at, one.operator, how, "mark", _mark_details(one))


def _mark_details(mark: Mark) -> str:
    text = names.MARK_NAMES.get(mark.kind, str(mark.kind))
    text += f" ({names.OUTCOME_NAMES[mark.outcome]})" if names.OUTCOME_NAMES.get(mark.outcome) else ""
    text += f" at {mark.place}" if mark.place else ""
    return text + (f": {mark.note}" if mark.note else "")


def _happenings(summary: Summary) -> Iterator[Event]:
    """What nobody commanded: restarts, alarms, faults."""
    checked = summary.checked
    for boot in checked.record.boots:
        cause = names.RESET_NAMES.get(boot.cause, str(boot.cause))
        yield _event(checked, boot.at, "", LOGGER, "restart", f"boot {boot.at.boot}, {cause}")
    for alarm in checked.record.alarms:
        yield _event(checked, alarm.at, "", LOGGER, "alarm", alarm_text(summary, alarm))
    for fault in checked.record.faults:
        source = names.SOURCE_NAMES.get(fault.source, str(fault.source))
        text = names.FAULT_NAMES.get(fault.code, f"fault {fault.code}")
        wrong = fault.code == codes.FAULT_WRONG_KEY
        more = "; later ones of this trip are only counted" if wrong else ""
        yield _event(checked, fault.at, "", LOGGER, "wrong key" if wrong else "fault", f"{source}: {text}{more}")


# The read-out


def _read_out(checked: Checked) -> Iterator[Event]:
    meta = checked.trail.meta
    pairs = [one for one in checked.record.clock_pairs if not one.recorded]
    last = pairs[-1] if pairs else None
    host = _text(meta.get("host")) or "an unknown host"
    details = f"by {host}, from {_seconds(pairs[0].utc_ms)}" if last else f"by {host}"
    yield Event(
        last.at if last else None,
        last.utc_ms if last else None,
        last.uncertainty_ms if last else None,
        False,
        _text(meta.get("operator")),
        HOST,
        "merge" if meta.get("sources") else "read-out",
        f"{details}{_origins(meta.get('sources'))}; {checked.verdict.word}",
    )


def _origins(sources: object) -> str:
    """The read-outs that a merged file is made of: its own operator has only merged them."""
    known = [one for one in sources if isinstance(one, dict)] if isinstance(sources, list) else []
    words = [f"{_text(one.get('name'))} by {_text(one.get('operator')) or 'nobody named'}" for one in known]
    return f"; read out as {', '.join(words)}" if words else ""


def _text(value: object) -> str:
    """Text of the file as it can be printed."""
    return "".join(one if one.isprintable() else "\ufffd" for one in value) if isinstance(value, str) else ""
