"""This host's signature: an Ed25519 key pair in the key store, and the public keys of others that it knows.

identity/signing.json      the key pair, made at first use
signers/<public key>.json  another host's public key, with a name for people
"""

from collections.abc import Mapping
from typing import Any

from celltrail.errors import UsageFault
from celltrail.keys.ed25519 import PUBLIC_SIZE, Signer
from celltrail.keys.keystore import KeyStore

THIS_HOST = "this computer"
_IDENTITY, _SIGNING, _SIGNERS = "identity", "signing", "signers"


def host_signer(keys: KeyStore) -> Signer:
    """This host's key pair, made when there is none; UsageFault when the key store can't be read or written."""
    known = keys.load(_IDENTITY, _SIGNING, _from_json)
    if known is not None:
        return known
    try:
        keys.save(_IDENTITY, _SIGNING, Signer.new().to_json(), replace=False)
    except UsageFault:
        # Another process may have made it meanwhile.
        if keys.load(_IDENTITY, _SIGNING, _from_json) is None:
            raise
    made = keys.load(_IDENTITY, _SIGNING, _from_json)
    assert made is not None
    return made


def public_hex(keys: KeyStore) -> str:
    """This host's public key as 64 hex digits, for those who are to check its read-outs."""
    return host_signer(keys).public.hex()


def known_as(keys: KeyStore, public: bytes) -> str | None:
    """Who a public key belongs to: THIS_HOST, the name under which it was trusted, or None."""
    own = keys.load(_IDENTITY, _SIGNING, _from_json)
    if own is not None and own.public == public:
        return THIS_HOST
    return keys.load(_SIGNERS, public.hex(), lambda values: str(values["name"]))


def trust(keys: KeyStore, public: bytes, name: str) -> None:
    """Know another host's public key by a name from now on; UsageFault."""
    keys.save(_SIGNERS, checked_public(public).hex(), {"version": 1, "name": name})


def distrust(keys: KeyStore, public: bytes) -> None:
    """Forget another host's public key."""
    keys.drop(_SIGNERS, public.hex())


def parse_public(text: str) -> bytes:
    """A public key of 64 hex digits; UsageFault."""
    digits = text.strip()
    try:
        return checked_public(bytes.fromhex(digits))
    except ValueError as error:
        size = 2 * PUBLIC_SIZE
        raise UsageFault(f"{text!a}: not a public key of {size} hex digits; it has {len(digits)} characters") from error


def checked_public(public: bytes) -> bytes:
    """The same bytes; ValueError when they can't be a public key."""
    if len(public) != PUBLIC_SIZE:
        raise ValueError(f"a public key has {PUBLIC_SIZE} bytes, not {len(public)}")
    return public


def _from_json(values: Mapping[str, Any]) -> Signer:
    made = Signer.of(bytes.fromhex(values["secret"]))
    if made.public.hex() != values["public"]:
        raise ValueError("the public key is not that of the secret one")
    return made
