"""What a host may tell a logger to do, with checks that refuse in clear words before anything is sent."""

import difflib
from collections.abc import Callable
from typing import Any

from celltrail.errors import ErrorAnswer, NoAnswer, RefusedFault, UsageFault
from celltrail.keys.keystore import KeyStore
from celltrail.link.client import TIMEOUT_S
from celltrail.link.messages import MarkWrite, Status
from celltrail.link.session import RUNNING, Session, require_state
from celltrail_protocol import codes, names, smp

AT_REST = (codes.STATE_IDLE, codes.STATE_STOPPED)
LONGEST_OPERATOR = 12
LONGEST_PLACE = 16
LONGEST_NOTE = 80
# A sector takes 45 ms to erase, 0.4 s at worst, and a ring has some 200.
_ERASE_TIMEOUT_S = 30.0

MARK_KINDS = {name: kind for kind, name in names.MARK_NAMES.items() if kind != codes.MARK_BUTTON}
OUTCOMES = {name or "none": outcome for outcome, name in names.OUTCOME_NAMES.items()}


def require_key(session: Session, keys: KeyStore) -> bytes:
    """The logger's device key; RefusedFault when it has none, or this key store doesn't hold it."""
    status = session.status
    if not status.keyed:
        raise RefusedFault(f"{status.called} has no device key yet; run `celltrail provision` first")
    keys.require()
    key = keys.device_key(session.uid, status.kid)
    if key is None and keys.device(session.uid) is not None:
        raise RefusedFault(
            f"{status.called} does not accept this device key: it has another one than the key store {keys.folder},"
            " perhaps because it was rotated elsewhere; get that key, or name its key store with --keys"
        )
    if key is None:
        raise RefusedFault(
            f"the key store {keys.folder} holds no key for {status.called};"
            " name the one that it was provisioned with (--keys)"
        )
    return key


def refuse_unread(status: Status, discard: bool) -> None:
    """Arming and erasing lose the old trip's data; RefusedFault unless it was read, or shall be lost."""
    if status.unread and not discard:
        raise RefusedFault(
            f"{status.called} holds unread data of trip {status.trip}; `celltrail download` it first,"
            " or pass --discard-unread"
        )


async def carry_out(
    session: Session,
    command: int,
    body: dict[str, Any],
    key: bytes,
    is_done: Callable[[Status], bool],
    timeout_s: float = TIMEOUT_S,
) -> dict[str, Any]:
    """A proven command; after a silence the logger's state tells whether it was carried out."""
    try:
        return await session.prove(command, body, key, timeout_s)
    except NoAnswer:
        if is_done(await session.refresh()):
            return {}
        raise


async def tell_time(session: Session, key: bytes, operator: str) -> None:
    """Let a running trip's record say when this boot was, if it can't yet; every later read-out knows it then."""
    if session.status.clock or session.status.state not in RUNNING:
        return
    opened = await session.challenge()
    pair = opened.pair
    body = {
        "op": operator,
        "tick": pair.tick_ms,
        "utc": pair.utc_ms,
        "unc": pair.uncertainty_ms,
        "src": pair.source,
    }
    await session.prove_at(opened, smp.CMD_CLOCK, body, key)
    await session.refresh()


async def _try_to_tell_time(session: Session, key: bytes, operator: str) -> None:
    """A clock that is refused, such as by a full ring, must not stand in the way of what was asked for."""
    try:
        await tell_time(session, key, operator)
    except ErrorAnswer as refused:
        if refused.code == smp.ERR_NOT_PROVEN:
            raise


async def start(session: Session, keys: KeyStore, operator: str) -> None:
    """Start an armed trip."""
    require_state(session.status, (codes.STATE_ARMED,), "be started")
    key = require_key(session, keys)
    await _try_to_tell_time(session, key, operator)
    await carry_out(session, smp.CMD_START, {"op": operator}, key, lambda now: now.state == codes.STATE_LOGGING)


async def stop(session: Session, keys: KeyStore, operator: str) -> None:
    """Stop a trip; what was logged stays until the next arming."""
    require_state(session.status, RUNNING, "be stopped")
    key = require_key(session, keys)
    await _try_to_tell_time(session, key, operator)
    await carry_out(session, smp.CMD_STOP, {"op": operator}, key, lambda now: now.state not in RUNNING)


async def erase(session: Session, keys: KeyStore, operator: str, discard: bool) -> None:
    """Forget the last trip."""
    require_state(session.status, AT_REST, "be erased")
    key = require_key(session, keys)
    refuse_unread(session.status, discard)
    body = {"op": operator, "discard": discard}
    await carry_out(session, smp.CMD_ERASE, body, key, lambda now: now.state == codes.STATE_IDLE, _ERASE_TIMEOUT_S)


async def mark(session: Session, keys: KeyStore, event: dict[str, Any]) -> tuple[int, bool]:
    """Write a custody event; its tick, and whether it was proven. Without its key, unproven."""
    require_state(session.status, RUNNING, "take marks")
    key = None
    if session.status.keyed:
        keys.require()
        key = keys.device_key(session.uid, session.status.kid)
    if key is None:
        try:
            return (await session.client.tell(MarkWrite(**event))).tick, False
        except ErrorAnswer as refused:
            if (refused.group, refused.code) != (smp.GROUP_CELLTRAIL, smp.ERR_TOO_SOON):
                raise
            raise RefusedFault(
                f"{session.status.called} was given many marks in a row; it takes the next one in ten seconds"
            ) from refused
    await _try_to_tell_time(session, key, event["op"])
    return int((await session.prove(smp.CMD_MARK, event, key))["tick"]), True


def mark_event(kind: str, outcome: str, place: str, operator: str, note: str) -> dict[str, Any]:
    """The request of a mark; UsageFault for unknown words and texts that are too long."""
    if kind not in MARK_KINDS:
        near = difflib.get_close_matches(kind, MARK_KINDS, 1)
        meant = f"did you mean {near[0]}? It may be" if near else "one of"
        raise UsageFault(f"unknown kind of mark {kind!r}; {meant} {', '.join(MARK_KINDS)}")
    if outcome not in OUTCOMES:
        raise UsageFault(f"unknown outcome {outcome!r}; one of {', '.join(OUTCOMES)}")
    return {
        "kind": MARK_KINDS[kind],
        "outcome": OUTCOMES[outcome],
        "op": short_text("--operator", operator, LONGEST_OPERATOR),
        "place": short_text("--place", place, LONGEST_PLACE),
        "note": short_text("--note", note, LONGEST_NOTE),
    }


def short_text(option: str, text: str, longest: int) -> str:
    """The text itself; UsageFault when it takes more than `longest` bytes of UTF-8 or can't be printed."""
    if len(text.encode("utf-8", "replace")) > longest:
        raise UsageFault(f"{option} is longer than {longest} bytes: {text!r}")
    if text and not text.isprintable():
        raise UsageFault(f"{option} holds characters that can't be printed: {text!r}")
    return text
