"""The record's tags at the speed of C, and the ratchet of keys (SPEC.md sections 5.2, 5.3 and 9.3)."""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from celltrail_protocol.seals import next_key

# One epoch is used by each checkpoint and seal: once a minute for 400 days is half of this.
MOST_EPOCH = 1 << 20
# All hashes that the keys of one file may cost: a file whose epochs jump to and fro must not keep us for hours.
_MOST_STEPS = 4 * MOST_EPOCH
# Every so many epochs a key is kept.
_KEPT = 1024
_NO_KEY = b""
_CHECKPOINT_TAG = 16
Buffer = bytes | memoryview


class Ladder:
    """K(epoch) for epochs that mostly rise by one; a step back starts at the last key kept."""

    def __init__(self, key: bytes, first_epoch: int = 0) -> None:
        """`key` is that of `first_epoch`, K(0) unless it is told otherwise."""
        self._first_epoch = first_epoch
        self._epoch = first_epoch
        self._key = key
        self._kept = {first_epoch: key}
        self._steps = 0

    def key(self, epoch: int) -> bytes:
        """The key of an epoch; one that fits nothing beyond the bounds, or when too many were asked for."""
        if not self._first_epoch <= epoch <= MOST_EPOCH:
            return _NO_KEY
        if epoch < self._epoch:
            self._epoch = max(self._first_epoch, epoch - epoch % _KEPT)
            self._key = self._kept[self._epoch]
        self._steps += epoch - self._epoch
        if self._steps > _MOST_STEPS:
            return _NO_KEY
        while self._epoch < epoch:
            self._key = next_key(self._key)
            self._epoch += 1
            if self._epoch % _KEPT == 0:
                self._kept[self._epoch] = self._key
        return self._key


_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_BLOCK = 64


def seal_tag(key: bytes, trip: int, epoch: int, frames_area: Buffer, fields: Buffer) -> bytes:
    """A seal's tag, 32 bytes, over the sector's bytes 0 to 0xF7F and the seal's first fields."""
    return _hmac(key, b"seal" + _u32(trip) + _u32(epoch), frames_area, fields)


def checkpoint_tag(key: bytes, trip: int, epoch: int, covered: Buffer) -> bytes:
    """A checkpoint's tag, 16 bytes, over the sector up to the tag."""
    return _hmac(key, b"ckpt" + _u32(trip) + _u32(epoch), covered, b"")[:_CHECKPOINT_TAG]


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def _hmac(key: bytes, head: bytes, body: Buffer, tail: Buffer) -> bytes:
    """HMAC-SHA256 (RFC 2104) over three parts; the library's one-shot would first copy them together."""
    padded = key.ljust(_BLOCK, b"\0")
    inner = sha256(padded.translate(_INNER) + head)
    inner.update(body)
    if tail:
        inner.update(tail)
    return sha256(padded.translate(_OUTER) + inner.digest()).digest()


def live_is_good(key: bytes, live: Mapping[str, Any], open_bytes: bytes, pending: bytes) -> bool:
    """Whether a live answer's proof fits the open sector and the pending file."""
    try:
        where = b"".join(_u32(live[name]) for name in ("trip", "epoch", "index")) + live["used"].to_bytes(2, "little")
        message = b"".join((b"live", live["nonce"], where, sha256(open_bytes).digest(), sha256(pending).digest()))
        return hmac.compare_digest(hmac.digest(key, message, "sha256"), live["mac"])
    except (AttributeError, KeyError, OverflowError, TypeError):
        return False
