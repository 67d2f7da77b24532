"""A verdict in a few lines of plain words; the first line says it all."""

from celltrail.evidence import causes, signature
from celltrail.evidence import verdict as words
from celltrail.evidence.signature import Signature
from celltrail.evidence.verdict import Restart, TimedSpan, Verdict
from celltrail.utc import short, span

_MOST_LISTED = 10
_PLAIN_REASONS = ("memory full", "unknown", "erase")
_MEANING = {
    words.CLOSED: "complete and untouched, from arming to the end",
    words.RECORDING: "complete and untouched up to this read-out; the trip was still running",
    words.CHANGED: "this is not what the logger wrote",
    words.INCOMPLETE: "what is there may be right, but it is not all",
}


def headline(verdict: Verdict) -> str:
    """CLOSED: complete and untouched, from arming to the end."""
    word = verdict.word.upper()
    if verdict.word == words.UNCHECKED:
        seals = "not all seals checked" if verdict.first_epoch else "seals not checked"
        return f"{word}: complete{_named(verdict)}; {seals}: {_why_unchecked(verdict)}"
    meaning = _MEANING.get(verdict.word) or (
        f"{_count(verdict.unsealed, 'reading')} at the end not sealed: power was lost, or the end was removed"
    )
    return f"{word}: {meaning}{_named(verdict)}"


def verdict_lines(verdict: Verdict) -> list[str]:
    """The headline and what it rests on."""
    lines = [headline(verdict), f"  trip      {_trip(verdict)}"]
    lines += [f"  recorded  {_recorded(verdict)}"] if verdict.first_utc_ms is not None else []
    lines += [f"  ended     {how(verdict.end_reason)}"] if verdict.end_reason else []
    lines += [f"  sectors   {verdict.sectors_present} of {verdict.sectors_expected}"]
    lines += [f"  readings  {line}" for line in _readings(verdict)]
    lines += [f"  seals     {_seals(verdict)}", f"  signed    {_signed(verdict.signature)}"]
    lines += _listed("wrong", [finding.line for finding in verdict.faults])
    lines += _listed("unproven", [finding.line for finding in verdict.unproven if finding.cause != causes.NO_KEY])
    lines += _listed("lacking", [_span_line(one) for one in verdict.holes])
    lines += _listed("twice", [_span_line(one) for one in verdict.twice])
    lines += _listed("restart", [_restart(one) for one in verdict.restarts])
    lines += _listed("note", [finding.line for finding in verdict.of_kind("note")])
    return lines + _listed("clock", list(verdict.clock_flags))


def _why_unchecked(verdict: Verdict) -> str:
    keys = {finding.cause for finding in verdict.unproven}
    if causes.LATER_KEY in keys:
        return f"the key at hand is that of epoch {verdict.first_epoch}, not K(0)"
    if causes.KEY_OF_RECEIPT in keys:
        return "the key at hand is not the one that this trip was armed with"
    return "this trip's key is not in the key store"


def _named(verdict: Verdict) -> str:
    """The answer to --public-key, in the headline."""
    if verdict.signature.answer is None:
        return ""
    if verdict.signature.answer:
        return ", unchanged since it was signed with a key that you named"
    return ", NOT SIGNED with a key that you named"


def _signed(one: Signature) -> str:
    """By whom and when, and whether it has changed since."""
    if one.state == signature.MISSING:
        return "not signed"
    if one.state == signature.WRONG:
        return "the signature is WRONG: this file is not what was signed"
    who = f"{one.operator} with {one.host}" if one.operator else one.host
    when = short(one.utc_ms) if one.utc_ms is not None else "an unknown time"
    then = f"; then it was {one.verdict}" if one.verdict else ""
    return f"{when} UTC by {who}, unchanged since{then}; {_key(one)}"


def _key(one: Signature) -> str:
    brief, whole = f"key {one.public.hex()[:8]}...", f"key {one.public.hex()}"
    if one.asked:
        return f"{brief}, which you named" if one.named else f"ANOTHER KEY than you named: {one.public.hex()}"
    return f"{whole}, which this computer doesn't know" if one.known_as is None else f"{brief}, {one.known_as}"


def _trip(verdict: Verdict) -> str:
    if verdict.trip < 0:
        return "unknown; the part of the file that says so can't be read"
    uid = f" (uid {verdict.uid.hex()})" if any(verdict.uid) else ""
    return f"{verdict.trip} of {verdict.name or 'a logger'}{uid}{', simulated' if verdict.simulated else ''}"


def how(reason: str) -> str:
    """by command, by button; memory full."""
    return reason if reason in _PLAIN_REASONS else f"by {reason}"


def _restart(one: Restart) -> str:
    """The cause and the time without readings, which is not a fault: no slot is due while there is no power."""
    lacking = f"{one.cause}, " + (
        "an unknown time without readings" if one.length_ms is None else f"{span(one.length_ms)} without readings"
    )
    if one.off_utc_ms is None or one.on_utc_ms is None:
        return lacking
    bound = f", within {span(one.bound_ms)}" if one.bound_ms is not None else ""
    return f"{lacking}, {short(one.off_utc_ms)} to {short(one.on_utc_ms)} UTC{bound}"


def _recorded(verdict: Verdict) -> str:
    assert verdict.first_utc_ms is not None
    end = short(verdict.last_utc_ms) if verdict.last_utc_ms is not None else "an unknown time"
    bound = f", within {span(verdict.bound_ms)}" if verdict.bound_ms is not None else ""
    return f"{short(verdict.first_utc_ms)} to {end} UTC{bound}"


def _readings(verdict: Verdict) -> list[str]:
    lines = []
    for one in verdict.coverage:
        reasons = [f"{one.missing} missing with a reason"] if one.missing else []
        reasons += [f"{one.gaps} in gaps"] if one.gaps else []
        reasons += [f"{one.lost} UNACCOUNTED FOR"] if one.lost else []
        rest = f" ({', '.join(reasons)})" if reasons else ""
        lines.append(f"channel {one.channel}: {one.readings} of {one.expected}{rest}")
    return lines or ["none"]


def _seals(verdict: Verdict) -> str:
    if not verdict.key_known:
        held = any(finding.cause == causes.KEY_OF_RECEIPT for finding in verdict.unproven)
        return "not checked: the key at hand is another one" if held else "not checked: no key here"
    live = ", and the live proof" if verdict.live else ""
    return f"{_count(verdict.seals, 'seal')} and {_count(verdict.checkpoints, 'checkpoint')} fit{live}" + (
        f"; those before epoch {verdict.first_epoch} not checked" if verdict.first_epoch else ""
    )


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _span_line(one: TimedSpan) -> str:
    slots = f"slot {one.first}" if one.end == one.first + 1 else f"slots {one.first} to {one.end - 1}"
    if one.first_utc_ms is None or one.last_utc_ms is None:
        return f"channel {one.channel}, {slots}, at an unknown time"
    return f"channel {one.channel}, {slots}, {short(one.first_utc_ms)} to {short(one.last_utc_ms)} UTC"


def _listed(word: str, entries: list[str]) -> list[str]:
    shown = [f"  {word:<9} {entry}" for entry in entries[:_MOST_LISTED]]
    more = len(entries) - _MOST_LISTED
    return shown + ([f"  {word:<9} ... and {more} more"] if more > 0 else [])
