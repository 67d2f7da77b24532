"""Write files so that a reader sees the old content or the whole new one, never a part."""

import contextlib
import errno
import glob
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeAlias

from celltrail.errors import UsageFault
from celltrail_protocol.records import MAGIC_TRAIL

Fill: TypeAlias = Callable[[BinaryIO], object]
_PRIVATE_MODE = 0o600
_SHARED_MODE = 0o666
_TEMPORARY = ".celltrail-unfinished"


def describe_os_error(path: Path, error: OSError) -> UsageFault:
    """The one line that a user sees for an error of the local disk."""
    if error.errno == errno.ENOSPC:
        return UsageFault(f"{path}: the disk is full; free some space or choose another place")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UsageFault(f"{path}: no permission; choose another place or change the rights")
    if error.errno == errno.ENOENT:
        return UsageFault(f"{path}: there is no such file or folder")
    if error.errno == errno.EISDIR:
        return UsageFault(f"{path}: is a folder, not a file")
    return UsageFault(f"{path}: {error.strerror or error}")


def read_bytes(path: Path, most: int) -> bytes:
    """The file's content; UsageFault when it can't be read or is larger than `most` bytes."""
    try:
        with path.open("rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise describe_os_error(path, error) from error
    if len(data) > most:
        raise UsageFault(f"{path}: is larger than {most // 1_000_000} MB; this can't be the right file")
    return data


def check_target(path: Path, source: Path | None = None) -> None:
    """UsageFault where no file may be written: over a read-out, over `source`, over what is no plain file."""
    try:
        if not _is_free(path) and (_is_trail(path) or (source is not None and path.samefile(source))):
            raise UsageFault(f"{path}: holds a read-out, the evidence, and is not replaced; name another file")
    except OSError as error:
        raise describe_os_error(path, error) from error


def _is_free(path: Path) -> bool:
    """Whether nothing is there yet; UsageFault for what is no plain file."""
    if str(path) == "-":
        raise UsageFault("-: standard output can't be written to; name a file")
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return True
    if stat.S_ISDIR(mode):
        raise UsageFault(f"{path}: is a folder, not a file; name a file")
    if not stat.S_ISREG(mode):
        raise UsageFault(f"{path}: is a device or the like, not a file; name a file")
    return False


def _is_trail(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(MAGIC_TRAIL)) == MAGIC_TRAIL


def write_atomic(
    path: Path, data: bytes | Fill, *, replace: bool = True, private: bool = False, source: Path | None = None
) -> None:
    """Write beside the target, sync, and rename; `private` gives mode 0600. Raises UsageFault.

    `data` may be a function that writes it, piece by piece. Only a read-out replaces a read-out; `source` is the
    file that the data was made from, which stays.
    """
    if not replace and path.exists():
        raise UsageFault(f"{path}: exists already; name another file or say that it may be replaced")
    if not isinstance(data, bytes) or not data.startswith(MAGIC_TRAIL):
        check_target(path, source)
    try:
        _is_free(path)
        _write_beside(path, data, replace, _PRIVATE_MODE if private else _SHARED_MODE & ~_umask())
    except FileExistsError as error:
        raise UsageFault(f"{path}: exists already; name another file or say that it may be replaced") from error
    except OSError as error:
        raise describe_os_error(path, error) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _write_beside(path: Path, data: bytes | Fill, replace: bool, mode: int) -> None:
    sweep(path)
    stream, temporary = _make_temporary(path)
    try:
        # Locked until it has its name, so that nobody sweeps it away.
        with stream:
            if isinstance(data, bytes):
                stream.write(data)
            else:
                data(stream)
            stream.flush()
            os.fsync(stream.fileno())
            os.chmod(temporary, mode)
            if os.name == "posix":
                _publish(temporary, path, replace)
        if os.name != "posix":
            _publish(temporary, path, replace)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _publish(temporary: Path, path: Path, replace: bool) -> None:
    if replace:
        os.replace(temporary, path)
    else:
        _publish_new(temporary, path)


def _make_temporary(path: Path) -> tuple[BinaryIO, Path]:
    """A new file beside `path`, under a lock of this process."""
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_TEMPORARY, dir=path.parent)
        stream = os.fdopen(handle, "wb")
        # Another process may have swept it away before it was locked.
        if lock(handle) and is_same_file(handle, Path(name)):
            return stream, Path(name)
        stream.close()


def sweep(path: Path) -> None:
    """Remove what processes that were killed have left beside `path`: those files that nobody locks."""
    if sys.platform == "win32":
        return
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{_TEMPORARY}"):
        with contextlib.suppress(OSError), left.open("r+b") as stream:
            if lock(stream.fileno()):
                left.unlink()


def lock(handle: int) -> bool:
    """Lock an open file for this process until it is closed; False when another one has it.

    True also where there are no such locks: Windows, some network file systems.
    """
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def is_same_file(handle: int, path: Path) -> bool:
    """Whether an open file is still the one of this name."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _publish_new(temporary: Path, path: Path) -> None:
    """Give the file its name without ever replacing another; some file systems can't link."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        if path.exists():
            raise FileExistsError(path) from None
        os.rename(temporary, path)


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut; Windows has no such call."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
