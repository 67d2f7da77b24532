"""Other sites: named recipients that this store gives keys to, named signers that it knows; its own recipient.

identity/age.json         this store's age identity, made at first use
contacts/recipients.json  name to age1...
contacts/signers.json     name to the 64 hex digits of an Ed25519 public key
"""

import re
from collections.abc import Mapping
from typing import Any

from celltrail.errors import RefusedFault, UsageFault
from celltrail.keys.age_box import checked_recipient, new_secret, recipient_of
from celltrail.keys.ed25519 import parse_public
from celltrail.keys.keystore import KeyStore, now_iso

_IDENTITY = ("identity", "age")
_CONTACTS, _RECIPIENTS, _SIGNERS = "contacts", "recipients", "signers"
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
    return _known(keys, _RECIPIENTS)


def signers(keys: KeyStore) -> dict[str, str]:
    """Name to 64 hex digits of a public key, by name."""
    return _known(keys, _SIGNERS)


def add_recipient(keys: KeyStore, name: str, recipient: str) -> None:
    """UsageFault for a bad name or recipient, RefusedFault when the name is another's: it might be a mix-up."""
    if name.startswith("age1"):
        raise UsageFault(f"{name}: a recipient, not a name for one: celltrail keys recipient add NAME age1...")
    _add(keys, _RECIPIENTS, name, checked_recipient(recipient))


def add_signer(keys: KeyStore, name: str, public: str) -> None:
    """UsageFault for a bad name or key, RefusedFault when the name or the key is another's: it might be a mix-up."""
    digits = parse_public(public).hex()
    called = next((one for one, other in signers(keys).items() if other == digits), name)
    if called != name:
        raise RefusedFault(f"this key is known as {called} already; remove {called} first if it is {name}'s")
    _add(keys, _SIGNERS, name, digits)


def remove_recipient(keys: KeyStore, name: str) -> None:
    """UsageFault when nobody has this name."""
    _remove(keys, _RECIPIENTS, "recipient", name)


def remove_signer(keys: KeyStore, name: str) -> None:
    """UsageFault when nobody has this name."""
    _remove(keys, _SIGNERS, "signer", name)


def find_recipient(keys: KeyStore, text: str) -> tuple[str, str]:
    """(name or "", age1...) of a name or a recipient; UsageFault."""
    known = recipients(keys)
    if text in known:
        return text, known[text]
    if not text.startswith("age1"):
        raise UsageFault(f"there is no recipient {text!r}; add it: celltrail keys recipient add {text!r} age1...")
    recipient = checked_recipient(text)
    return next((name for name, one in known.items() if one == recipient), ""), recipient


def _known(keys: KeyStore, kind: str) -> dict[str, str]:
    def of(values: Mapping[str, Any]) -> dict[str, str]:
        return {str(name): str(one) for name, one in dict(values[kind]).items()}

    return dict(sorted((keys.load(_CONTACTS, kind, of) or {}).items()))


def _add(keys: KeyStore, kind: str, name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageFault(f"a name may hold letters, digits, spaces and - _ . only, 40 at most: {name!a}")
    known = _known(keys, kind)
    if known.get(name, value) != value:
        raise RefusedFault(f"{name} is {known[name]} already; remove it first if it has changed")
    _save(keys, kind, known | {name: value})


def _remove(keys: KeyStore, kind: str, what: str, name: str) -> None:
    known = _known(keys, kind)
    if name not in known:
        raise UsageFault(f"there is no {what} {name!r}; `celltrail keys {what} list` tells who there is")
    _save(keys, kind, {one: value for one, value in known.items() if one != name})


def _save(keys: KeyStore, kind: str, known: Mapping[str, str]) -> None:
    keys.save(_CONTACTS, kind, {"version": 1, kind: dict(known)})


def _identity(values: Mapping[str, Any]) -> str:
    recipient_of(values["age"])
    return str(values["age"])
