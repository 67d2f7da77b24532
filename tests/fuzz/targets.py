"""The one table of fuzz targets. A parser is not done without an entry here."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOUND = HERE / "found"
# The folders that the targets import from; pytest has most of them, a program started by hand has none.
for _folder in (
    "firmware/cpython",
    "firmware",
    "protocol",
    "host",
    "tests/firmware",
    "tests/protocol",
    "tests/host",
    "tests/fuzz",
):
    if str(ROOT / _folder) not in sys.path:
        sys.path.append(str(ROOT / _folder))


@dataclass(frozen=True)
class Target:
    """`run` takes an input and raises for a defect only; `most` bounds an input's bytes; `device`: on both runtimes."""

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    most: int
    device: bool

    def found(self) -> list[Path]:
        """The inputs that once broke it."""
        return sorted((FOUND / self.name).glob("*"))


def all_targets() -> dict[str, Target]:
    """By name: the device's, then the host's."""
    from device_targets import DEVICE_TARGETS
    from host_targets import HOST_TARGETS

    made = {name: Target(name, *entry, device=True) for name, entry in DEVICE_TARGETS.items()}
    return made | {name: Target(name, *entry, device=False) for name, entry in HOST_TARGETS.items()}
