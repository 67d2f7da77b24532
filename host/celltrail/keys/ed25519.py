"""Ed25519 key pairs and signatures (RFC 8032), by `cryptography`."""

from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from celltrail.errors import UsageFault

PUBLIC_SIZE = 32


@dataclass(frozen=True)
class Signer:
    """A key pair; `public` is its public half, 32 bytes."""

    private: Ed25519PrivateKey
    public: bytes

    @classmethod
    def of(cls, secret: bytes) -> "Signer":
        """The pair of a secret of 32 bytes."""
        private = Ed25519PrivateKey.from_private_bytes(secret)
        return cls(private, private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @classmethod
    def new(cls) -> "Signer":
        """A new pair."""
        raw = Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        return cls.of(raw)

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self.private.sign(message)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; the secret is among them."""
        secret = self.private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        return {"version": 1, "public": self.public.hex(), "secret": secret.hex()}


def parse_public(text: str) -> bytes:
    """A public key of 64 hex digits; UsageFault."""
    digits = text.strip()
    size = 2 * PUBLIC_SIZE
    try:
        public = bytes.fromhex(digits)
    except ValueError as error:
        raise UsageFault(f"{text!a}: not a public key of {size} hex digits") from error
    if len(public) != PUBLIC_SIZE:
        raise UsageFault(f"{text!a}: not a public key of {size} hex digits; it has {len(digits)} characters")
    return public


def is_good(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a signature is by this public key; whatever the bytes are."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
