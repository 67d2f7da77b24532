"""The record as read-only files (SPEC.md section 9.2): SMP's file system group."""

from binascii import crc32
from hashlib import sha256

from celltrail_protocol import smp
from celltrail_protocol.records import SECTOR_SIZE
from logger.refused import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from logger.trip import Trip

_NOT_FOUND = 3
_READ_FAILED = 7
_BAD_OFFSET = 11
_PAST_THE_END = 12
_NO_SUCH_HASH = 13
_READ_ONLY = 15
_PIECE = 512


def _refuse(code: int, plain: int = smp.MGMT_BAD_VALUE) -> Refused:
    return Refused(code, plain)


class Files:
    """`given` counts content that was downloaded; `chunk` is how much an answer holds."""

    def __init__(self, trip: "Trip", feed: "Callable[[], None]") -> None:
        self._trip = trip
        self._feed = feed
        # The pending file as the last live proof took it.
        self._pending = b""
        self._generation = -1
        self.given = 0
        self.chunk = smp.CHUNK

    def take_pending(self) -> bytes:
        """Fix the pending file's content now."""
        self._pending = bytes(self._trip.recorder.journal.pending)
        self._generation = self._trip.recorder.generation
        return self._pending

    def _path(self) -> str:
        return "/trip/%d" % self._trip.ring.trip

    def length(self, name: "Any") -> int:
        """The bytes of a file; raises Refused."""
        path = self._path()
        if self._trip.ring.trip and name == path:
            return self._trip.ring.sectors() * SECTOR_SIZE
        if self._trip.ring.trip and name == path + "/pending":
            if self._generation != self._trip.recorder.generation:
                raise _refuse(_READ_FAILED, smp.MGMT_BAD_STATE)
            return len(self._pending)
        raise _refuse(_NOT_FOUND, smp.MGMT_NO_ENTRY)

    def read(self, name: "Any", offset: "Any", count: int) -> bytes:
        """At most `count` bytes from `offset` on, fewer only at the file's end; raises Refused."""
        left = self.length(name) - _natural(offset)
        if left < 0:
            raise _refuse(_PAST_THE_END)
        count = min(count, left)
        if name != self._path():
            return self._pending[offset : offset + count]
        out = bytearray(count)
        done = 0
        while done < count:
            index, at = divmod(offset + done, SECTOR_SIZE)
            piece = min(SECTOR_SIZE - at, count - done)
            if not self._trip.ring.read_into(index, at, memoryview(out)[done : done + piece]):
                raise _refuse(_READ_FAILED)
            done += piece
        return bytes(out)

    # SMP commands

    def download(self, request: "dict[str, Any]") -> "dict[str, Any]":
        """FS_DOWNLOAD: {off, name} -> {off, data, len at 0}."""
        offset, name = request.get("off"), request.get("name")
        data = self.read(name, offset, self.chunk)
        self.given += len(data)
        answer: "dict[str, Any]" = {"off": offset, "data": data}
        if offset == 0:
            answer["len"] = self.length(name)
        return answer

    def status(self, request: "dict[str, Any]") -> "dict[str, Any]":
        """FS_STATUS: {name} -> {len}."""
        return {"len": self.length(request.get("name"))}

    def hash(self, request: "dict[str, Any]") -> "dict[str, Any]":
        """FS_HASH: {name, type, off, len} -> {type, off, len, output}."""
        name, kind = request.get("name"), request.get("type", "sha256")
        offset = _natural(request.get("off", 0))
        left = self.length(name) - offset
        if left < 0:
            raise _refuse(_PAST_THE_END)
        left = min(left, _natural(request.get("len", left)))
        if left > SECTOR_SIZE and self._trip.ring.is_open:
            # Hashing a whole trip takes a board longer than a sampling period.
            raise _refuse(smp.MGMT_BUSY, smp.MGMT_BUSY)
        if kind not in ("sha256", "crc32"):
            raise _refuse(_NO_SUCH_HASH)
        answer: "dict[str, Any]" = {"type": kind, "off": offset, "len": left}
        if offset == 0:
            del answer["off"]
        answer["output"] = self._digest(name, kind, offset, left)
        return answer

    def _digest(self, name: "Any", kind: str, offset: int, left: int) -> "int | bytes":
        sha, crc = sha256(b""), 0
        while left:
            data = self.read(name, offset, min(_PIECE, left))
            if kind == "sha256":
                sha.update(data)
            else:
                crc = crc32(data, crc)
            offset += len(data)
            left -= len(data)
            self._feed()
        return sha.digest() if kind == "sha256" else crc

    def hash_types(self, request: "dict[str, Any]") -> "dict[str, Any]":
        """FS_HASH_TYPES: which hashes there are."""
        return {"types": {"crc32": {"format": 0, "size": 4}, "sha256": {"format": 1, "size": 32}}}

    def close(self, request: "dict[str, Any]") -> "dict[str, Any]":
        """FS_CLOSE: there is nothing to close."""
        return {}

    def refuse_upload(self, request: "dict[str, Any]") -> "dict[str, Any]":
        """The record is read-only."""
        raise _refuse(_READ_ONLY, smp.MGMT_DENIED)


def _natural(value: "Any") -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _refuse(_BAD_OFFSET)
    return value
