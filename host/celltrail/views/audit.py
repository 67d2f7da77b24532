"""The audit trail of a trip: who changed what, when, and with what proof, from the record itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from celltrail.evidence.record import ClockPair, Command, Earlier, Instant, Mark, RadioChange
from celltrail.evidence.verify import Checked
from celltrail.plain_text import printable
from celltrail.sentence import Length, Number, Second, Sentence, joined
from celltrail.utc import iso
from celltrail.views.summary import Summary, alarm_text
from celltrail_protocol import codes, names, smp
from celltrail_protocol.frames import COMMAND_DISCARDED, COMMAND_OPEN, COMMAND_WRONG_KEY
from celltrail_protocol.records import SECTOR_SIZE

KEY = "key"
OPEN = "open"
BUTTON = "button"
LOGGER = "logger"
HOST = "host"
_NEW_KEY = Sentence("a new device key")
_NOBODY = Sentence("nobody named")
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
            lost = Sentence("{count} earlier commands were not kept", count=one.dropped)
            yield Event(None, None, None, False, "", LOGGER, "not kept", lost)
        measured = one.at.boot in checked.clock.synced
        utc_ms = checked.clock.utc_ms(one.at) if measured else one.utc_ms
        bound_ms = checked.clock.bound_ms(one.at) if measured else None
        what = "wrong key" if one.flags & COMMAND_WRONG_KEY else _name(one.command)
        told = utc_ms is not None and not measured
        yield Event(one.at, utc_ms, bound_ms, told, one.operator, _how(one.flags), what, _earlier_details(one))


def _earlier_details(one: Earlier) -> str:
    parts: list[str] = [Sentence("before this trip")]
    if one.flags & COMMAND_WRONG_KEY:
        parts = [Sentence("before this trip: a command with a wrong key was refused; more may have followed")]
    if one.trip:
        parts.append(Sentence("trip {trip}", trip=one.trip))
    if one.command == smp.CMD_ACKNOWLEDGE:
        parts.append(_read_up_to(one.detail))
    if one.command == smp.CMD_CLOCK and one.utc_ms is not None:
        parts.append(Sentence("set to {utc}", utc=Second(one.utc_ms)))
    if one.command == smp.CMD_ROTATE:
        parts.append(_NEW_KEY)
    if one.command == smp.CMD_TEST:
        parts.append(_tested(one.detail))
    if one.flags & COMMAND_DISCARDED:
        parts.append(Sentence("its unread data was discarded"))
    return joined(parts, ", ")


def _tested(failed: int) -> str:
    words: list[str] = [Sentence(word) for bit, word in names.TEST_NAMES.items() if failed & bit]
    return Sentence("FAILED: {parts}", parts=joined(words, ", ")) if words else Sentence("all parts are good")


def _read_up_to(detail: int) -> str:
    sector, used = divmod(detail, SECTOR_SIZE)
    return Sentence("read up to byte {used} of sector {sector}", used=used, sector=sector)


# The trip


def _commands(checked: Checked) -> Iterator[Event]:
    for one in checked.record.commands:
        yield _event(checked, one.at, one.operator, _how(one.flags), _name(one.command), _command_details(checked, one))


def _command_details(checked: Checked, one: Command) -> str:
    parts: list[str] = []
    if one.command == smp.CMD_ARM:
        parts.append(_armed(checked))
    if one.flags & COMMAND_DISCARDED:
        parts.append(Sentence("unread data of trip {trip} was discarded", trip=one.detail))
    if one.command == smp.CMD_ACKNOWLEDGE:
        parts.append(_read_up_to(one.detail))
    if one.command == smp.CMD_ROTATE:
        parts.append(_NEW_KEY)
    if one.clock is not None:
        parts.append(_clock(checked, one.clock))
    return joined(parts)


def _armed(checked: Checked) -> str:
    record = checked.record
    whole = record.plan_bytes is not None
    settings = sha256(record.plan_bytes or b"").hexdigest() if whole else record.settings.hex() + "..."
    said = Sentence("settings {settings}", settings=settings)
    profile = record.plan.get("profile") if record.plan else None
    return Sentence("profile {profile}, {settings}", profile=profile, settings=said) if profile else said


def _clock(checked: Checked, pair: ClockPair) -> str:
    """The new time, and what the clock of this boot had said for that instant."""
    recorded = [one for one in checked.record.clock_pairs if one.recorded]
    before = [one for one in recorded[: _position(recorded, pair)] if one.at.boot == pair.at.boot]
    new = Sentence("clock set to {utc}", utc=Second(pair.utc_ms))
    if pair.uncertainty_ms:
        new = Sentence("{set} +-{unsure}", set=new, unsure=Length(pair.uncertainty_ms))
    if not before:
        return Sentence("{set}, the first of this boot", set=new)
    old_ms = before[-1].utc_ms + pair.at.tick_ms - before[-1].at.tick_ms
    moved_ms = pair.utc_ms - old_ms
    sign = "+" if moved_ms >= 0 else "-"
    return Sentence(
        "{set}, was {old}, moved by {sign}{moved}", set=new, old=Second(old_ms), sign=sign, moved=Length(moved_ms)
    )


def _position(pairs: list[ClockPair], pair: ClockPair) -> int:
    """Where this very pair stands; equal ones may come twice."""
    return next(i for i, one in enumerate(pairs) if one is pair)


def _states(checked: Checked) -> Iterator[Event]:
    was = codes.STATE_IDLE
    for one in checked.record.states:
        reason = names.REASON_NAMES.get(one.reason, str(one.reason))
        by = Sentence(reason) if one.reason in _PLAIN_REASONS else Sentence("by {reason}", reason=Sentence(reason))
        how = BUTTON if one.reason == codes.REASON_BUTTON else LOGGER
        words = [names.STATE_NAMES.get(state, str(state)) for state in (was, one.state)]
        change = Sentence("{was} to {now}, {by}", was=Sentence(words[0]), now=Sentence(words[1]), by=by)
        yield _event(checked, one.at, "", how, "state", change)
        was = one.state


def _marks(checked: Checked) -> Iterator[Event]:
    for one in checked.record.marks:
        how = BUTTON if one.by_button else KEY if one.proven else OPEN
        yield _event(checked, one.at, one.operator, how, "mark", _mark_details(one))


def _mark_details(mark: Mark) -> str:
    text = Sentence(names.MARK_NAMES.get(mark.kind, str(mark.kind)))
    if names.OUTCOME_NAMES.get(mark.outcome):
        text = Sentence("{mark} ({outcome})", mark=text, outcome=Sentence(names.OUTCOME_NAMES[mark.outcome]))
    if mark.place:
        text = Sentence("{mark} at {place}", mark=text, place=mark.place)
    return Sentence("{mark}: {note}", mark=text, note=mark.note) if mark.note else text


def _happenings(summary: Summary) -> Iterator[Event]:
    """What nobody commanded: restarts, alarms, faults."""
    checked = summary.checked
    for boot in checked.record.boots:
        cause = names.RESET_NAMES.get(boot.cause, str(boot.cause))
        text = Sentence("boot {boot}, {cause}", boot=boot.at.boot, cause=Sentence(cause))
        yield _event(checked, boot.at, "", LOGGER, "restart", text)
    for alarm in checked.record.alarms:
        yield _event(checked, alarm.at, "", LOGGER, "alarm", alarm_text(summary, alarm))
    for fault in checked.record.faults:
        source = Sentence(names.SOURCE_NAMES.get(fault.source, str(fault.source)))
        text = Sentence(names.FAULT_NAMES.get(fault.code, f"fault {fault.code}"))
        said = Sentence("{source}: {fault}", source=source, fault=text)
        wrong = fault.code == codes.FAULT_WRONG_KEY
        if wrong:
            said = Sentence("{fault}; later ones of this trip are only counted", fault=said)
        yield _event(checked, fault.at, "", LOGGER, "wrong key" if wrong else "fault", said)
    for change in checked.record.radio:
        yield _event(checked, change.at, "", LOGGER, "radio", _radio(change))


def _radio(change: RadioChange) -> str:
    said = Sentence(names.RADIO_STATE_NAMES.get(change.state, str(change.state)))
    if change.reasons:
        said = Sentence("{state}: {why}", state=said, why=joined([Sentence(word) for word in change.reasons], ", "))
    if change.pressure_Pa and change.state == codes.RADIO_SUSPENDED:
        pressure = Number(f"{change.pressure_Pa / 100:.0f}")
        said = Sentence("{state}, at {pressure} hPa", state=said, pressure=pressure)
    return said


# The read-out


def _read_out(checked: Checked) -> Iterator[Event]:
    meta = checked.trail.meta
    pairs = [one for one in checked.record.clock_pairs if not one.recorded]
    last = pairs[-1] if pairs else None
    host = _text(meta.get("host")) or "an unknown host"
    details = Sentence("by {host}", host=host)
    if last:
        details = Sentence("{by}, from {utc}", by=details, utc=Second(pairs[0].utc_ms))
    yield Event(
        last.at if last else None,
        last.utc_ms if last else None,
        last.uncertainty_ms if last else None,
        False,
        _text(meta.get("operator")),
        HOST,
        "merge" if meta.get("sources") else "read-out",
        joined([details, *_origins(meta.get("sources")), Sentence(checked.verdict.word)]),
    )


def _origins(sources: object) -> list[str]:
    """The read-outs that a merged file is made of: its own operator has only merged them."""
    known = [one for one in sources if isinstance(one, dict)] if isinstance(sources, list) else []
    words: list[str] = [
        Sentence("{name} by {who}", name=_text(one.get("name")), who=_text(one.get("operator")) or _NOBODY)
        for one in known
    ]
    return [Sentence("read out as {files}", files=joined(words, ", "))] if words else []


def _text(value: object) -> str:
    """Text of the file as it can be printed."""
    return printable(value) if isinstance(value, str) else ""
