"""The secrets of this host: device keys and the trips' K(0), one JSON file each, closed to other users.

devices/<uid>.json         the key that proves commands to a logger
trips/<uid>-<trip>.json    K(0) of a trip, with its arm receipt
pending/<uid>-<hash>.json  K(0) that was sent and not yet confirmed: a lost answer must not lose a key
"""

import json
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from celltrail.errors import RefusedFault, UsageFault
from celltrail.files import describe_os_error, read_bytes, write_atomic
from celltrail.keys.receipt import Receipt
from celltrail.utc import iso
from celltrail_protocol.seals import KEY_SIZE, commitment

FOLDER_VARIABLE = "CELLTRAIL_KEYS"
_MOST_BYTES = 1_000_000
_FOLDER_MODE = 0o700
T = TypeVar("T")


@dataclass(frozen=True)
class DeviceEntry:
    """A logger that this host may command."""

    uid: bytes
    name: str
    key: bytes
    made_utc: str


@dataclass(frozen=True)
class TripEntry:
    """A trip that this host armed, or whose key it was given."""

    uid: bytes
    trip: int
    k0: bytes
    receipt: Receipt | None


def default_folder() -> Path:
    """The folder that CELLTRAIL_KEYS names, else the platform's own."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_data_dir("celltrail", appauthor=False)) / "keys"


class KeyStore:
    """One folder of keys. The first save makes it; every method raises UsageFault on what it can't trust."""

    def __init__(self, folder: Path | None = None) -> None:
        self.named = folder is not None or FOLDER_VARIABLE in os.environ
        self.folder = folder if folder is not None else default_folder()

    def require(self) -> None:
        """Refuse a folder that was named and isn't there."""
        if self.named and not self.folder.is_dir():
            raise UsageFault(f"{self.folder}: there is no such key store; check --keys and {FOLDER_VARIABLE}")

    def device(self, uid: bytes) -> DeviceEntry | None:
        """The entry of a logger, or None when it isn't known here."""
        return self._load(self._device_path(uid), _device_entry)

    def device_key(self, uid: bytes) -> bytes | None:
        """The key of a logger, or None."""
        entry = self.device(uid)
        return entry.key if entry else None

    def save_device_key(self, uid: bytes, name: str, key: bytes, made_utc_ms: int | None = None) -> None:
        """Keep a logger's key; RefusedFault when there is another one: whoever loses a key loses the logger."""
        known = self.device_key(uid)
        if known is not None and known != key:
            raise RefusedFault(f"{self._device_path(uid)}: this key store holds another key for it; move it away first")
        values = {"version": 1, "uid": uid.hex(), "name": name, "key": _checked(key).hex()}
        self._save(
            self._device_path(uid),
            values | {"made_utc": iso(_now_ms() if made_utc_ms is None else made_utc_ms)},
        )

    def drop_device_key(self, uid: bytes, key: bytes) -> None:
        """Forget a key that the logger did not take, and no other."""
        if self.device_key(uid) == key:
            self._drop(self._device_path(uid))

    def trip(self, uid: bytes, trip: int) -> TripEntry | None:
        """The entry of a trip, or None when it isn't known here."""
        return self._load(self._trip_path(uid, trip), _trip_entry)

    def trip_key(self, uid: bytes, trip: int) -> bytes | None:
        """K(0) of a trip, or None."""
        entry = self.trip(uid, trip)
        return entry.k0 if entry else None

    def save_trip(self, uid: bytes, trip: int, k0: bytes, receipt: Receipt | None = None) -> None:
        """Keep K(0) and the receipt of a trip; a different K(0) for the same trip is refused."""
        known = self.trip_key(uid, trip)
        if known is not None and known != k0:
            raise UsageFault(f"{self._trip_path(uid, trip)}: holds another key for this trip; move it away first")
        values = {"version": 1, "uid": uid.hex(), "trip": trip, "k0": _checked(k0).hex()}
        self._save(self._trip_path(uid, trip), values | {"receipt": receipt.to_json() if receipt else None})

    def save_pending(self, uid: bytes, k0: bytes) -> str:
        """Keep K(0) before it is sent; the handle for `finish_pending` and `drop_pending`."""
        handle = f"{uid.hex()}-{commitment(k0)[:8].hex()}"
        self._save(self._pending_path(handle), {"version": 1, "uid": uid.hex(), "trip": 0, "k0": _checked(k0).hex()})
        return handle

    def finish_pending(self, handle: str, trip: int, receipt: Receipt) -> None:
        """Turn a pending key into that of a trip which the logger has confirmed."""
        entry = self._load(self._pending_path(handle), _trip_entry)
        if entry is None:
            raise UsageFault(f"{self._pending_path(handle)}: the pending key is gone; was the key store moved?")
        self.save_trip(entry.uid, trip, entry.k0, receipt)
        self.drop_pending(handle)

    def drop_pending(self, handle: str) -> None:
        """Forget a key that the logger did not take."""
        self._drop(self._pending_path(handle))

    def pending_keys(self, uid: bytes) -> list[bytes]:
        """The keys that were sent to a logger and never confirmed."""
        return [entry.k0 for entry in self._entries("pending", _trip_entry) if entry.uid == uid]

    def candidates(self, uid: bytes, trip: int) -> list[bytes]:
        """The keys that may be K(0) of a trip: its own, else the unconfirmed ones of its logger."""
        known = self.trip_key(uid, trip)
        return [known] if known is not None else self.pending_keys(uid)

    def devices(self) -> list[DeviceEntry]:
        """All loggers, by uid."""
        return list(self._entries("devices", _device_entry))

    def trips(self) -> list[TripEntry]:
        """All trips, by uid and number."""
        return sorted(self._entries("trips", _trip_entry), key=lambda entry: (entry.uid, entry.trip))

    def _device_path(self, uid: bytes) -> Path:
        return self.folder / "devices" / f"{uid.hex()}.json"

    def _trip_path(self, uid: bytes, trip: int) -> Path:
        return self.folder / "trips" / f"{uid.hex()}-{trip}.json"

    def _pending_path(self, handle: str) -> Path:
        return self.folder / "pending" / f"{handle}.json"

    def _entries(self, kind: str, make: Callable[[Mapping[str, Any]], T]) -> Iterator[T]:
        for path in sorted((self.folder / kind).glob("*.json")):
            entry = self._load(path, make)
            if entry is not None:
                yield entry

    def _load(self, path: Path, make: Callable[[Mapping[str, Any]], T]) -> T | None:
        if not _exists(path):
            return None
        _refuse_shared(self.folder)
        _refuse_shared(path)
        try:
            values = json.loads(read_bytes(path, _MOST_BYTES))
            if not isinstance(values, dict):
                raise ValueError("not a JSON object")
            return make(values)
        except (KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
            raise UsageFault(f"{path}: the key file is damaged ({error}); restore it from a copy") from error

    def _drop(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise describe_os_error(path, error) from error

    def _save(self, path: Path, values: Mapping[str, Any]) -> None:
        try:
            self.folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            _refuse_shared(self.folder)
            path.parent.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        except OSError as error:
            raise describe_os_error(path.parent, error) from error
        write_atomic(path, (json.dumps(values, indent=2) + "\n").encode(), private=True)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise describe_os_error(path, error) from error


def _refuse_shared(path: Path) -> None:
    """Refuse what others on this machine can read or write; Windows closes the user's folder by itself."""
    if os.name != "posix":
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        wanted = "700" if path.is_dir() else "600"
        raise UsageFault(f"{path}: others can get at these keys (mode {mode:03o}); run: chmod {wanted} {path}")


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_SIZE:
        raise ValueError(f"a key has {KEY_SIZE} bytes, not {len(key)}")
    return key


def _device_entry(values: Mapping[str, Any]) -> DeviceEntry:
    key = _checked(bytes.fromhex(values["key"]))
    return DeviceEntry(bytes.fromhex(values["uid"]), str(values["name"]), key, str(values["made_utc"]))


def _trip_entry(values: Mapping[str, Any]) -> TripEntry:
    receipt = Receipt.from_json(values["receipt"]) if values.get("receipt") else None
    return TripEntry(bytes.fromhex(values["uid"]), int(values["trip"]), _checked(bytes.fromhex(values["k0"])), receipt)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
