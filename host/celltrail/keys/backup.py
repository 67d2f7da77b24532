"""The whole key store in one file under a passphrase, and back, never over another key."""

import base64
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celltrail.errors import RefusedFault, UsageFault
from celltrail.files import describe_os_error, read_bytes, write_atomic
from celltrail.keys.age_box import open_with_passphrase, seal_with_passphrase
from celltrail.keys.keystore import KeyStore, now_iso

_KIND = "celltrail key store"
_VERSION = 1
_MOST_BYTES = 200_000_000
_NAME = re.compile(r"(?:[a-z]+/)?[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9]+)+")
# What makes two entries the same key; all else in them is history.
_SECRETS = ("key", "k0", "age", "secret", "private", "seed")


@dataclass(frozen=True)
class Restored:
    """How many files were new, the same already, and replaced (their old selves lie beside them)."""

    new: int
    same: int
    replaced: tuple[str, ...]


def back_up(keys: KeyStore, path: Path, passphrase: str, *, replace: bool = False) -> int:
    """Write the backup; how many files of the store it holds. UsageFault when the store is empty."""
    files = _files(keys.folder)
    if not files:
        raise UsageFault(f"{keys.folder}: there is nothing in this key store to back up")
    content = {name: base64.b64encode(data).decode() for name, data in files.items()}
    values = {"kind": _KIND, "version": _VERSION, "made_utc": now_iso(), "files": content}
    sealed = seal_with_passphrase(json.dumps(values).encode(), passphrase)
    write_atomic(path, sealed, replace=replace, private=True)
    return len(files)


def _files(folder: Path) -> dict[str, bytes]:
    try:
        paths = sorted(path for pattern in ("*", "*/*") for path in folder.glob(pattern) if path.is_file())
    except OSError as error:
        raise describe_os_error(folder, error) from error
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: read_bytes(path, _MOST_BYTES) for name, path in names.items() if _NAME.fullmatch(name)}


def restore(keys: KeyStore, path: Path, passphrase: str, *, replace: bool = False) -> Restored:
    """Bring back what a backup holds. What is here and has the same key stays as it is.

    RefusedFault, with nothing written, when the store holds other keys, unless `replace`: those are set aside then.
    """
    files = _read(path, passphrase)
    here = _files(keys.folder)
    missing = [name for name in files if name not in here]
    other = [name for name in files if name in here and not _is_same(files[name], here[name])]
    if other and not replace:
        raise RefusedFault(
            f"{path}: holds other keys than {keys.folder} for {', '.join(other[:5])}"
            f"{' and more' if len(other) > 5 else ''}; nothing was restored. --replace sets those here aside"
        )
    for name in other:
        keys.set_aside(name)
    for name in [*missing, *other]:
        keys.put_back(name, files[name])
    return Restored(len(missing), len(files) - len(missing) - len(other), tuple(other))


def _read(path: Path, passphrase: str) -> dict[str, bytes]:
    opened = open_with_passphrase(read_bytes(path, _MOST_BYTES), passphrase, str(path))
    try:
        values = json.loads(opened)
        if values["kind"] != _KIND or values["version"] != _VERSION:
            raise ValueError("another kind or version")
        files = {name: base64.b64decode(data, validate=True) for name, data in values["files"].items()}
        if not all(_NAME.fullmatch(name) for name in files):
            raise ValueError("a name outside of the store")
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise UsageFault(f"{path}: opens, but is no backup of a key store that this program knows") from None
    return files


def _is_same(one: bytes, other: bytes) -> bool:
    """Whether two files hold the same key; without keys the one that is here stays."""
    return one == other or _secret(one) == _secret(other)


def _secret(data: bytes) -> Any:
    try:
        values = json.loads(data)
        return [values.get(name) for name in _SECRETS]
    except (AttributeError, RecursionError, ValueError):
        return data
