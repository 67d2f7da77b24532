"""One process for one flash file: two of them would write over each other's record."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from celltrail.errors import UsageFault


@contextlib.contextmanager
def only_one(flash: Path) -> Iterator[None]:
    """Hold the lock of a flash file; UsageFault when another process has it. Windows has no such lock here."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    path = flash.with_name(flash.name + ".lock")
    try:
        file = path.open("a")
    except OSError as error:
        raise UsageFault(f"can't write {path}: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageFault(f"{flash}: another virtual logger runs on this file; stop it, or use another") from None
        yield
