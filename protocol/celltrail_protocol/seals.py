"""Tags, the key ratchet and the proofs of commands: all that is keyed (SPEC.md sections 5.2, 5.3 and 9.3)."""

import struct
from hashlib import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from celltrail_protocol.layout import Buffer

KEY_SIZE = 32
NONCE_SIZE = 16
HOST = b"H"
DEVICE = b"D"
KEY_ID_SIZE = 4
CHECK_SIZE = 16
_BLOCK = 64


class Hmac:
    """HMAC-SHA256 (RFC 2104) fed in pieces; the key has at most 64 bytes."""

    def __init__(self, key: bytes) -> None:
        padded = key + bytes(_BLOCK - len(key))
        self._inner = sha256(bytes([byte ^ 0x36 for byte in padded]))
        self._outer = sha256(bytes([byte ^ 0x5C for byte in padded]))

    def update(self, part: "Buffer") -> None:
        """Add bytes."""
        self._inner.update(part)

    def digest(self) -> bytes:
        """The 32 bytes of the tag; the object is used up."""
        self._outer.update(self._inner.digest())
        return self._outer.digest()


def hmac_sha256(key: bytes, *parts: "Buffer") -> bytes:
    """HMAC-SHA256 over the parts one after the other."""
    mac = Hmac(key)
    for part in parts:
        mac.update(part)
    return mac.digest()


def same(one: bytes, other: bytes) -> bool:
    """Compare two tags in a time that does not tell where they differ."""
    if len(one) != len(other):
        return False
    difference = 0
    for i in range(len(one)):
        difference |= one[i] ^ other[i]
    return difference == 0


def next_key(key: bytes) -> bytes:
    """K(n+1) from K(n)."""
    return sha256(b"ev" + key).digest()


def commitment(k0: bytes) -> bytes:
    """What the receipt says about K(0) without telling it."""
    return sha256(k0).digest()


def start_seal(key: bytes, trip: int, epoch: int) -> Hmac:
    """A seal's tag before the sector's bytes 0 to 0xF7F and the seal's first 28 bytes went in."""
    mac = Hmac(key)
    mac.update(b"seal" + struct.pack("<II", trip, epoch))
    return mac


def start_checkpoint(key: bytes, trip: int, epoch: int) -> Hmac:
    """A checkpoint's tag before the bytes that it covers went in; the digest's first 16 bytes are the tag."""
    mac = Hmac(key)
    mac.update(b"ckpt" + struct.pack("<II", trip, epoch))
    return mac


def seal_tag(key: bytes, trip: int, epoch: int, frames_area: "Buffer", fields: "Buffer") -> bytes:
    """A seal's tag: `frames_area` is the sector's bytes 0 to 0xF7F, `fields` the seal's first 28."""
    mac = start_seal(key, trip, epoch)
    mac.update(frames_area)
    mac.update(fields)
    return mac.digest()


def checkpoint_tag(key: bytes, trip: int, epoch: int, covered: "Buffer") -> bytes:
    """A checkpoint's tag, 16 bytes: `covered` is the sector up to the tag in the checkpoint's frame."""
    mac = start_checkpoint(key, trip, epoch)
    mac.update(covered)
    return mac.digest()[:16]


def live_mac(
    key: bytes,
    nonce: bytes,
    trip: int,
    epoch: int,
    index: int,
    used: int,
    open_part: "Buffer",
    pending: "Buffer",
) -> bytes:
    """The proof that the holder of K(epoch) has this open sector and these pending readings now."""
    where = struct.pack("<IIIH", trip, epoch, index, used)
    return hmac_sha256(key, b"live" + nonce + where, sha256(open_part).digest(), sha256(pending).digest())


def command_mac(key: bytes, role: bytes, command: int, counter: int, dn: bytes, hn: bytes, body: "Buffer") -> bytes:
    """The proof of a command (role HOST) or of its answer (role DEVICE)."""
    return hmac_sha256(key, b"cmd" + role + struct.pack("<BI", command, counter) + dn + hn, body)


def key_id(key: bytes) -> bytes:
    """Which device key this is, for whoever holds it; 4 bytes that tell nothing of the key."""
    return hmac_sha256(key, b"kid")[:KEY_ID_SIZE]


def mask_key(key: bytes, old: bytes, dn: bytes, hn: bytes, label: bytes = b"rotate") -> bytes:
    """A new device key as it travels, or the new key from what travelled: XOR with a mask of the old one.

    With the label "k0" so travels a trip's first key over the air.
    """
    mask = hmac_sha256(old, label, dn, hn)
    return bytes([key[i] ^ mask[i] for i in range(KEY_SIZE)])


def rotation_check(key: bytes, dn: bytes, hn: bytes) -> bytes:
    """Says that the new key came out from behind its mask as it went in."""
    return hmac_sha256(key, b"rotate", dn, hn)[:CHECK_SIZE]
