"""This host's own recipient, and the named recipients that it gives keys to."""

import re
from collections.abc import Mapping
from typing import Any

from celltrail.errors import RefusedFault, UsageFault
from celltrail.keys.age_box import checked_recipient, new_secret, recipient_of
from celltrail.keys.keystore import KeyStore, now_iso

_IDENTITY = ("identity", "age")
_RECIPIENTS = ("contacts", "recipients")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")


def own_secret(keys: KeyStore) -> str:
    """This store's age identity, made at first use; it never leaves the store but in a backup."""
    secret = keys.load(*_IDENTITY, _identity)
    if secret is None:
        secret = new_secret()
        keys.save(*_IDENTITY, {"version": 1, "age": secret, "made_utc": now_iso()})
    return secret


def own_recipient(keys: KeyStore) -> str:
    """age1..., under which others give keys to this store."""
    return recipient_of(own_secret(keys))


def recipients(keys: KeyStore) -> dict[str, str]:
    """Name to age1..., by name."""
    return dict(sorted((keys.load(*_RECIPIENTS, _recipients) or {}).items()))


def add_recipient(keys: KeyStore, name: str, recipient: str) -> None:
    """UsageFault for a bad name or recipient, RefusedFault when the name is another's: it might be a mix-up."""
    if not _NAME.fullmatch(name) or name.startswith("age1"):
        raise UsageFault(f"a recipient's name may hold letters, digits, spaces and - _ . only: {name!r}")
    recipient, known = checked_recipient(recipient), recipients(keys)
    if known.get(name, recipient) != recipient:
        raise RefusedFault(f"{name} is {known[name]} already; remove it first if it has changed")
    _save(keys, known | {name: recipient})


def remove_recipient(keys: KeyStore, name: str) -> None:
    """UsageFault when nobody has this name."""
    known = recipients(keys)
    if name not in known:
        raise UsageFault(f"there is no recipient {name!r}; `celltrail keys recipient list` tells who there is")
    _save(keys, {one: recipient for one, recipient in known.items() if one != name})


def find_recipient(keys: KeyStore, text: str) -> tuple[str, str]:
    """(name or "", age1...) of a name or a recipient; UsageFault."""
    known = recipients(keys)
    if text in known:
        return text, known[text]
    if not text.startswith("age1"):
        raise UsageFault(f"there is no recipient {text!r}; add it: celltrail keys recipient add {text!r} age1...")
    recipient = checked_recipient(text)
    return next((name for name, one in known.items() if one == recipient), ""), recipient


def _save(keys: KeyStore, known: Mapping[str, str]) -> None:
    keys.save(*_RECIPIENTS, {"version": 1, "recipients": dict(known)})


def _identity(values: Mapping[str, Any]) -> str:
    recipient_of(values["age"])
    return str(values["age"])


def _recipients(values: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(one) for name, one in dict(values["recipients"]).items()}
