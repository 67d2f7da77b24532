"""Which key this host signs read-outs with, for what tells others who it is."""

from celltrail.keys.keystore import KeyStore


def public_key_hex(keys: KeyStore) -> str:
    """The Ed25519 public key as hex, or "" when this store has none."""
    return keys.load("identity", "signing", lambda values: str(values.get("public", ""))) or ""
