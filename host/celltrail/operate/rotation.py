"""A new device key for a logger, so that no lost answer, lost link or killed host ever loses it."""

import secrets
from typing import Any

from celltrail.errors import BadAnswer, DeviceFault, ErrorAnswer, LinkLost, RefusedFault
from celltrail.keys.keystore import KeyStore
from celltrail.link.session import Opened, Session
from celltrail.operate.commands import require_key
from celltrail_protocol import seals, smp


async def rotate(session: Session, keys: KeyStore, operator: str) -> bool:
    """Give the logger a new key; False when a rotation that was cut short turned out to have succeeded: enough then.

    The new key is kept before it is sent, and the old one stays until the logger has proven that it took the new one.
    """
    before = await settle(session, keys)
    if before:
        return False
    old = require_key(session, keys)
    new = secrets.token_bytes(seals.KEY_SIZE)
    keys.save_next_key(session.uid, new)
    try:
        answer = await session.prove(smp.CMD_ROTATE, lambda opened: _body(opened, old, new, operator), old)
        if answer.get("kid") != seals.key_id(new):
            raise BadAnswer(f"{session.status.called} took another key than was sent")
    except LinkLost as lost:
        raise LinkLost(f"{lost}; both keys are kept: connect again and give the same command to finish") from lost
    except (DeviceFault, ErrorAnswer, BadAnswer):
        # Whatever came back, or nothing: only a proof tells whether the logger took the key.
        if await _settle_now(session, keys):
            return True
        raise
    await _settle_now(session, keys)
    return True


async def _settle_now(session: Session, keys: KeyStore) -> bool:
    try:
        return await settle(session, keys)
    except DeviceFault as fault:
        raise DeviceFault(f"{fault}; both keys are kept: give the same command again to finish") from fault


def _body(opened: Opened, old: bytes, new: bytes, operator: str) -> dict[str, Any]:
    masked = seals.mask_key(new, old, opened.dn, opened.hn)
    return {"op": operator, "key": masked, "check": seals.rotation_check(new, opened.dn, opened.hn)}


async def settle(session: Session, keys: KeyStore) -> bool:
    """Finish a rotation that was cut short: True when the logger has the new key, False when the old one, or no
    rotation is open.

    The keys are tried as the logger names them, and believed when it has proven one; RefusedFault when it has neither.
    """
    await session.refresh()
    entry = keys.device(session.uid)
    if entry is None or entry.next is None:
        return False
    kid = session.status.kid
    for key in [one for one in (entry.key, entry.next) if kid is None or seals.key_id(one) == kid]:
        if await _holds(session, key):
            keys.settle_device_key(session.uid, key)
            return key == entry.next
    raise RefusedFault(
        f"{session.status.called} has neither its key of before nor the new one; both are kept in {keys.folder},"
        " and somebody else may have rotated it"
    )


async def _holds(session: Session, key: bytes) -> bool:
    """Whether the logger proves this key."""
    try:
        await session.prove(smp.CMD_CHECK, {}, key)
    except ErrorAnswer as refused:
        if refused.code != smp.ERR_NOT_PROVEN:
            raise
        return False
    return True
