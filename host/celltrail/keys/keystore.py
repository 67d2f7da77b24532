"""The secrets of this host: device keys and the trips' K(0), one JSON file each, closed to other users.

devices/<uid>.json         the keys that prove commands to a logger: of now, of before, and one under way
trips/<uid>-<trip>.json    K(0) of a trip, with its arm receipt, its read-outs, and to whom it was given
pending/<uid>-<hash>.json  K(0) that was sent and not yet confirmed: a lost answer must not lose a key
identity/age.json          this host's own age key, under which it is given keys
identity/signing.json      the key pair with which it signs
contacts/                  whom it may give keys to, and whose signatures it knows (`contacts`)

Beside them: seen/ (`celltrail.evidence.seen`).
"""

import json
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from celltrail.errors import RefusedFault, UsageFault
from celltrail.files import describe_os_error, read_bytes, write_atomic
from celltrail.keys.entries import DeviceEntry, TripEntry, checked, device_entry, trip_entry
from celltrail.keys.receipt import Receipt
from celltrail.utc import iso
from celltrail_protocol.seals import commitment, key_id

__all__ = ["FOLDER_VARIABLE", "DeviceEntry", "KeyStore", "TripEntry", "default_folder", "now_iso"]

FOLDER_VARIABLE = "CELLTRAIL_KEYS"
_MOST_BYTES = 1_000_000
_FOLDER_MODE = 0o700
T = TypeVar("T")


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
        self.refuse_file()
        if self.named and not self.folder.is_dir():
            raise UsageFault(f"{self.folder}: there is no such key store; check --keys and {FOLDER_VARIABLE}")

    def refuse_file(self) -> None:
        """Refuse a path that is something else than a folder."""
        if self.folder.exists() and not self.folder.is_dir():
            raise UsageFault(f"{self.folder}: is a file; a key store is a folder, name another one with --keys")

    def device(self, uid: bytes) -> DeviceEntry | None:
        """The entry of a logger, or None when it isn't known here."""
        return self._load(self._device_path(uid), device_entry)

    def device_key(self, uid: bytes, kid: bytes | None = None) -> bytes | None:
        """The key of a logger, or None; the one that it says it has (`kid`), also when a rotation was cut short."""
        entry = self.device(uid)
        if entry is None or kid is None:
            return entry.key if entry else None
        return next((key for key in entry.keys if key_id(key) == kid), None)

    def save_next_key(self, uid: bytes, key: bytes) -> None:
        """Keep a logger's new key before it is sent."""
        self._amend(self._device_path(uid), {"next": checked(key).hex()})

    def settle_device_key(self, uid: bytes, key: bytes) -> None:
        """This key, one of the entry's, is the logger's, and no other is under way; the others are kept as former."""
        entry = self.device(uid)
        if entry is None or key not in entry.keys:
            raise UsageFault(f"{self._device_path(uid)}: the logger's key is gone; was the key store moved?")
        former = [one.hex() for one in entry.keys if one != key]
        self._amend(self._device_path(uid), {"key": key.hex(), "next": None, "former": former})

    def add_device_key(self, uid: bytes, name: str, key: bytes) -> bool:
        """Take a logger's key from elsewhere; whether it is new here. A key of before is kept as former."""
        entry = self.device(uid)
        if entry is None:
            self.save_device_key(uid, name, key)
        elif key == entry.key:
            return False
        else:
            former = [one.hex() for one in entry.keys if one not in (key, entry.next)]
            self._amend(self._device_path(uid), {"key": checked(key).hex(), "former": former})
        return True

    def save_device_key(self, uid: bytes, name: str, key: bytes, made_utc_ms: int | None = None) -> None:
        """Keep a logger's key; RefusedFault when there is another one: whoever loses a key loses the logger."""
        known = self.device_key(uid)
        if known is not None and known != key:
            raise RefusedFault(f"{self._device_path(uid)}: this key store holds another key for it; move it away first")
        values = {"version": 1, "uid": uid.hex(), "name": name, "key": checked(key).hex()}
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
        return self._load(self._trip_path(uid, trip), trip_entry)

    def trip_key(self, uid: bytes, trip: int) -> bytes | None:
        """K(0) of a trip, or None."""
        entry = self.trip(uid, trip)
        return entry.k0 if entry else None

    def save_trip(self, uid: bytes, trip: int, k0: bytes, receipt: Receipt | None = None) -> None:
        """Keep K(0) and the receipt of a trip; a different K(0) for the same trip is refused."""
        path, known = self._trip_path(uid, trip), self.trip(uid, trip)
        if known is not None and known.k0 != k0:
            raise UsageFault(f"{path}: holds another key for this trip; move it away first")
        if known is not None:
            self._amend(path, {"receipt": receipt.to_json()} if receipt else {})
            return
        values = {"version": 1, "uid": uid.hex(), "trip": trip, "k0": checked(k0).hex()}
        self._save(path, values | {"receipt": receipt.to_json() if receipt else None})

    def amend_trip(self, uid: bytes, trip: int, changes: Mapping[str, Any]) -> None:
        """Change fields of a known trip's file, never its key."""
        self._amend(self._trip_path(uid, trip), {name: value for name, value in changes.items() if name != "k0"})

    def save_pending(self, uid: bytes, k0: bytes) -> str:
        """Keep K(0) before it is sent; the handle for `finish_pending` and `drop_pending`."""
        handle = f"{uid.hex()}-{commitment(k0)[:8].hex()}"
        self._save(self._pending_path(handle), {"version": 1, "uid": uid.hex(), "trip": 0, "k0": checked(k0).hex()})
        return handle

    def finish_pending(self, handle: str, trip: int, receipt: Receipt) -> None:
        """Turn a pending key into that of a trip which the logger has confirmed."""
        entry = self._load(self._pending_path(handle), trip_entry)
        if entry is None:
            raise UsageFault(f"{self._pending_path(handle)}: the pending key is gone; was the key store moved?")
        self.save_trip(entry.uid, trip, entry.k0, receipt)
        self.drop_pending(handle)

    def drop_pending(self, handle: str) -> None:
        """Forget a key that the logger did not take."""
        self._drop(self._pending_path(handle))

    def pending_keys(self, uid: bytes) -> list[bytes]:
        """The keys that were sent to a logger and never confirmed."""
        return [entry.k0 for entry in self._entries("pending", trip_entry) if entry.uid == uid]

    def candidates(self, uid: bytes, trip: int) -> list[bytes]:
        """The keys that may be K(0) of a trip: its own, else the unconfirmed ones of its logger."""
        known = self.trip_key(uid, trip)
        return [known] if known is not None else self.pending_keys(uid)

    def devices(self) -> list[DeviceEntry]:
        """All loggers, by uid."""
        return list(self._entries("devices", device_entry))

    def trips(self) -> list[TripEntry]:
        """All trips, by uid and number."""
        return sorted(self._entries("trips", trip_entry), key=lambda entry: (entry.uid, entry.trip))

    def drop(self, folder: str, name: str) -> None:
        """Forget such a file."""
        self._drop(self.folder / folder / f"{name}.json")

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

    def load(self, folder: str, name: str, make: Callable[[Mapping[str, Any]], T]) -> T | None:
        """What another module keeps here in a file of its own, or None; `make` turns the JSON object into it."""
        return self._load(self.folder / folder / f"{name}.json", make)

    def save(self, folder: str, name: str, values: Mapping[str, Any], *, replace: bool = True) -> None:
        """Keep a JSON object in a file of its own, closed to other users."""
        self._save(self.folder / folder / f"{name}.json", values, replace=replace)

    def set_aside(self, name: str) -> None:
        """Give a file of the store another name, under which it counts no more; nothing is lost."""
        path = self.folder / name
        number = 1
        while (aside := path.with_name(f"{path.name}.before-{number}")).exists():
            number += 1
        try:
            path.rename(aside)
        except OSError as error:
            raise describe_os_error(path, error) from error

    def put_back(self, name: str, data: bytes) -> None:
        """Write a file of the store as it was."""
        self._write(self.folder / name, data)

    def _amend(self, path: Path, changes: Mapping[str, Any]) -> None:
        """Change some fields of a file and keep the others."""
        values = self._load(path, dict)
        if values is None:
            raise UsageFault(f"{path}: the key file is gone; was the key store moved?")
        self._save(path, {**values, **changes})

    def _load(self, path: Path, make: Callable[[Mapping[str, Any]], T]) -> T | None:
        if not _exists(path):
            return None
        _refuse_shared(self.folder)
        _refuse_shared(path)
        try:
            values = json.loads(read_bytes(path, _MOST_BYTES))
            if not isinstance(values, dict):
                raise ValueError("not a JSON object")
            return _made(path, values, make)
        except (KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
            raise UsageFault(f"{path}: the key file is damaged ({error}); restore it from a copy") from error

    def _drop(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise describe_os_error(path, error) from error

    def _save(self, path: Path, values: Mapping[str, Any], *, replace: bool = True) -> None:
        self._write(path, (json.dumps(values, indent=2) + "\n").encode(), replace=replace)

    def _write(self, path: Path, data: bytes, *, replace: bool = True) -> None:
        self.refuse_file()
        try:
            self.folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            _refuse_shared(self.folder)
            path.parent.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        except OSError as error:
            raise describe_os_error(path.parent, error) from error
        write_atomic(path, data, replace=replace, private=True)


def _made(path: Path, values: Mapping[str, Any], make: Callable[[Mapping[str, Any]], T]) -> T:
    try:
        return make(values)
    except UsageFault as fault:
        raise UsageFault(f"{path}: {fault}") from fault


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


def now_iso() -> str:
    """This host's time, for a file of the store."""
    return iso(_now_ms())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
