"""Making a new logger known: its name, and the device key that proves commands to it."""

import re
import secrets

from celltrail.errors import ErrorAnswer, NoAnswer, RefusedFault, UsageFault
from celltrail.keys.keystore import KeyStore
from celltrail.link.messages import ProvisionWrite
from celltrail.link.session import Session
from celltrail.operate.commands import short_text
from celltrail_protocol import seals

LONGEST_NAME = 16
_NAME = re.compile(r"[A-Za-z0-9 ._-]+")


def default_name(uid: bytes) -> str:
    """CT- and six hex digits of the board's id."""
    return "CT-" + uid.hex()[-6:].upper()


def _where_it_lies(session: Session, keys: KeyStore) -> str:
    """What to do with a logger that has its key."""
    if keys.device_key(session.uid, session.status.kid) is None:
        return "a logger is provisioned once, and its key lies in the key store of that time"
    return f"it is in {keys.folder}: go on with `celltrail calibrate` and `celltrail selftest`"


async def provision(session: Session, keys: KeyStore, name: str, operator: str = "") -> str:
    """Give the logger its name and key, and keep the key; the name. RefusedFault when it, or the store, has one."""
    if session.status.keyed:
        raise RefusedFault(f"{session.status.called} has a device key already; {_where_it_lies(session, keys)}")
    if session.client.on_air:
        raise RefusedFault(f"{session.status.called} gets its key over a cable only: on the air anybody could listen")
    name = short_text("--name", name or default_name(session.uid), LONGEST_NAME)
    if not name.strip():
        raise UsageFault("--name is blank")
    if not _NAME.fullmatch(name):
        raise UsageFault(f"--name may hold letters without accents, digits, spaces and - _ . only: {name!r}")
    pair = await session.pair()
    key = secrets.token_bytes(seals.KEY_SIZE)
    # Kept before it is sent: a key that only the logger knows would lock everyone out.
    keys.save_device_key(session.uid, name, key)
    try:
        await session.client.tell(ProvisionWrite(name=name, key=key, op=operator, utc=pair.utc_ms))
    except ErrorAnswer:
        keys.drop_device_key(session.uid, key)
        raise
    except NoAnswer:
        if not (await session.refresh()).keyed:
            keys.drop_device_key(session.uid, key)
            raise
    await session.refresh()
    return name
