"""This host's signature: an Ed25519 key pair in the key store, identity/signing.json, made at first use."""

from collections.abc import Mapping
from typing import Any

from celltrail.errors import UsageFault
from celltrail.keys.contacts import signers
from celltrail.keys.ed25519 import Signer
from celltrail.keys.keystore import KeyStore

THIS_HOST = "this computer"
_IDENTITY, _SIGNING = "identity", "signing"


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
    """Who a public key belongs to: THIS_HOST, the name of a signer that this host knows, or None."""
    own = keys.load(_IDENTITY, _SIGNING, _from_json)
    if own is not None and own.public == public:
        return THIS_HOST
    return next((name for name, one in signers(keys).items() if one == public.hex()), None)


def _from_json(values: Mapping[str, Any]) -> Signer:
    made = Signer.of(bytes.fromhex(values["secret"]))
    if made.public.hex() != values["public"]:
        raise ValueError("the public key is not that of the secret one")
    return made
