"""Tags, proofs and the ratchet of keys (sections 5.2, 5.3 and 9.3)."""

import hashlib
import hmac
import struct
from collections.abc import Iterator

from from_spec.wire import DEVICE, Vector, vector

K0 = bytes.fromhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
DEVICE_KEY = bytes.fromhex("f0e1d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f")
DN = bytes.fromhex("d0d1d2d3d4d5d6d7d8d9dadbdcdddedf")
HN = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf")


def mac(key: bytes, *parts: bytes) -> bytes:
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def key_of(k0: bytes, epoch: int) -> bytes:
    """K(epoch) of the ratchet."""
    for _ in range(epoch):
        k0 = sha256(b"ev" + k0)
    return k0


def seal_tag(k0: bytes, trip: int, epoch: int, sector: bytes, start: bytes) -> bytes:
    """`start` is the seal's bytes 0 to 27."""
    return mac(key_of(k0, epoch), b"seal", struct.pack("<II", trip, epoch), sector[:0xF80], start)


def checkpoint_tag(k0: bytes, trip: int, epoch: int, covered: bytes) -> bytes:
    return mac(key_of(k0, epoch), b"ckpt", struct.pack("<II", trip, epoch), covered)[:16]


def live_mac(k0: bytes, nonce: bytes, place: tuple[int, int, int, int], sector: bytes, pending: bytes) -> bytes:
    """`place` is trip, epoch, index, used."""
    start = b"live" + nonce + struct.pack("<IIIH", *place)
    return mac(key_of(k0, place[1]), start, sha256(sector[: place[3]]), sha256(pending))


def command_mac(key: bytes, role: str, command: int, counter: int, dn: bytes, hn: bytes, body: bytes) -> bytes:
    return mac(key, b"cmd", role.encode(), struct.pack("<BI", command, counter), dn, hn, body)


# RFC 4231, test cases 1 to 3: key, data, tag. (A key of ours has 32 bytes.)
RFC_4231 = [
    (1, b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        2,
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (3, b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
]


def hmacs() -> Iterator[Vector]:
    for number, key, data, tag in RFC_4231:
        assert mac(key, data).hex() == tag
        yield vector(f"hmac-rfc4231-{number}", DEVICE, proof="hmac", key=key, message=data, tag=tag)
    yield vector("hmac-key-of-64", DEVICE, proof="hmac", key=bytes(64), message=b"", tag=mac(bytes(64)))


def ratchet() -> Iterator[Vector]:
    for name, k0 in (("counting", K0), ("zeros", bytes(32)), ("ones", b"\xff" * 32)):
        keys = [key_of(k0, epoch) for epoch in range(5)]
        yield vector(f"ratchet-{name}", DEVICE, proof="ratchet", keys=keys, commitment=sha256(k0))


def seals() -> Iterator[Vector]:
    def one(name: str, trip: int, epoch: int, sector: bytes, start: bytes) -> Vector:
        tag = seal_tag(K0, trip, epoch, sector, start)
        parts = {"key": key_of(K0, epoch), "trip": trip, "epoch": epoch, "fill": sector[0], "start": start}
        return vector(name, DEVICE, proof="seal", **parts, tag=tag)

    yield one("seal-blank", 1, 0, b"\xff" * 4096, bytes(28))
    yield one("seal-numbers", 0x01020304, 3, b"\x5a" * 4096, bytes(range(28)))


def checkpoints() -> Iterator[Vector]:
    for name, trip, epoch, size in (("first", 1, 0, 80), ("later", 0xFFFFFFFF, 2, 3952), ("none", 0, 1, 0)):
        covered = bytes(i % 251 for i in range(size))
        tag = checkpoint_tag(K0, trip, epoch, covered)
        parts = {"key": key_of(K0, epoch), "trip": trip, "epoch": epoch, "covered": covered}
        yield vector(f"checkpoint-{name}", DEVICE, proof="checkpoint", **parts, tag=tag)


def lives() -> Iterator[Vector]:
    def one(name: str, place: tuple[int, int, int, int], pending: bytes) -> Vector:
        sector = bytes(i % 249 for i in range(4096))
        tag = live_mac(K0, HN, place, sector, pending)
        values = dict(zip(("trip", "epoch", "index", "used"), place, strict=True))
        parts = {"key": key_of(K0, place[1]), "nonce": HN, "open": sector[: place[3]], "pending": pending}
        return vector(name, DEVICE, proof="live", **values, **parts, tag=tag)

    yield one("live-fresh", (1, 0, 0, 64), b"")
    yield one("live-pending", (3, 2, 70_000, 700), bytes.fromhex("06780000008102"))
    yield one("live-page", (0xFFFFFFFE, 4, 0xFFFFFFFF, 256), b"\x00")


def commands() -> Iterator[Vector]:
    def one(name: str, role: str, command: int, counter: int, body: bytes) -> Vector:
        tag = command_mac(DEVICE_KEY, role, command, counter, DN, HN, body)
        parts = {"key": DEVICE_KEY, "role": role, "command": command, "counter": counter, "dn": DN, "hn": HN}
        return vector(name, DEVICE, proof="command", **parts, body=body, tag=tag)

    yield one("command-request", "H", 3, 1, bytes.fromhex("a1626f70654c41422d37"))
    yield one("command-answer", "D", 3, 1, bytes.fromhex("a0"))
    yield one("command-second", "H", 4, 2, bytes.fromhex("a1626f70654c41422d37"))
    yield one("command-last-counter", "D", 255, 0xFFFFFFFF, b"")


NEW_KEY = bytes.fromhex("0123456789abcdef00112233445566778899aabbccddeeff0f1e2d3c4b5a6978")


def rotations() -> Iterator[Vector]:
    def one(name: str, old: bytes, new: bytes, dn: bytes, hn: bytes) -> Vector:
        masked = bytes(a ^ b for a, b in zip(new, mac(old, b"rotate", dn, hn), strict=True))
        check = mac(new, b"rotate", dn, hn)[:16]
        parts = {"key": old, "new": new, "dn": dn, "hn": hn, "masked": masked, "check": check}
        return vector(name, DEVICE, proof="rotation", **parts, kid=mac(new, b"kid")[:4])

    yield one("rotation", DEVICE_KEY, NEW_KEY, DN, HN)
    yield one("rotation-nonces-exchanged", DEVICE_KEY, NEW_KEY, HN, DN)
    yield one("rotation-to-zeros", DEVICE_KEY, bytes(32), DN, HN)
    yield one("rotation-to-itself", DEVICE_KEY, DEVICE_KEY, DN, HN)


def valid() -> Iterator[Vector]:
    for part in (hmacs(), ratchet(), seals(), checkpoints(), lives(), commands(), rotations()):
        yield from part


def invalid() -> Iterator[Vector]:
    """Tags that a verifier must not accept: each with a single thing wrong."""
    body = bytes.fromhex("a1626f70654c41422d37")
    right = {"key": DEVICE_KEY, "role": "H", "command": 3, "counter": 1, "dn": DN, "hn": HN, "body": body}
    tag = command_mac(DEVICE_KEY, "H", 3, 1, DN, HN, body)
    wrong = {
        "role": ("D", "a request is thrown back as an answer"),
        "command": (4, "the proof is of another command"),
        "counter": (2, "the proof is of another counter"),
        "dn": (HN, "the logger's nonce is another"),
        "hn": (DN, "the host's nonce is another"),
        "body": (b"\xa0", "the request is another"),
        "key": (K0, "the key is another"),
    }
    for part, (value, error) in wrong.items():
        yield vector(f"command-other-{part}", DEVICE, proof="command", **(right | {part: value}), tag=tag, error=error)
