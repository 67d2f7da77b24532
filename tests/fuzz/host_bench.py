"""What the host's targets share: a folder, a key store, pens' trips, and what may come out of a parser."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forge import K0, START_UTC_MS, UID, Forge, box_series

from celltrail.errors import CelltrailError
from celltrail.keys.keystore import KeyStore
from celltrail.plans.sensor import Fitted, Sensor

_SHM = Path("/dev/shm")
FOLDER = Path(tempfile.mkdtemp(prefix="celltrail-fuzz-", dir=_SHM if os.access(_SHM, os.W_OK) else None))
FITTED = Fitted((Sensor(1, 7_812_500, -7040, 19200, 100), Sensor(1, 7_812_500, -7040, 19200, 100)), 16)


@contextmanager
def declared() -> Iterator[None]:
    """A file may be refused, in one line; nothing else may happen."""
    try:
        yield
    except CelltrailError as fault:
        assert str(fault)


def own_keys() -> KeyStore:
    """A key store with the key of the pens' trip, and one that was never confirmed."""
    store = KeyStore(FOLDER / "keys")
    if not store.folder.exists():
        store.save_trip(UID, 3, K0)
        store.save_pending(UID, bytes(32))
    return store


def check_printable(lines: list[str]) -> None:
    """Nothing that reaches a terminal may steer it."""
    for line in lines:
        assert line.isprintable(), repr(line)


def file_of(name: str, data: bytes) -> Path:
    """A file in the folder that holds these bytes."""
    path = FOLDER / name
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    return path


def short_trip() -> Forge:
    """Some hours with a bit of everything, sealed sectors among them."""
    forge = Forge()
    forge.arm()
    forge.begin()
    forge.readings(0, box_series(240))
    forge.mark(1, "LEJ", "box 7")
    forge.missing(240, 3)
    forge.roll()
    forge.gap(243, 2)
    forge.shock([[0] * 8 + [120, 300, 5] + [0] * 5] * 3, pre=8)
    forge.reboot(245)
    forge.clock(START_UTC_MS + 300 * 60_000)
    forge.readings(245, box_series(120))
    return forge


def vectors(kind: str) -> list[bytes]:
    """The bytes of the golden vectors of one kind."""
    from vector_files import data_of, read

    return [data_of(one) for one in read(kind)]
