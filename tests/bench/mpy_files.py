"""The firmware as `.mpy` files, as an image has them: which modules a logger loads, and how large they are."""

import os
import subprocess
import sys
from importlib.util import find_spec

from celltrail.image import build, firmware
from celltrail.image.targets import TARGETS
from tests.bench.figures import Figure, at_most
from tests.bench.paths import FIRMWARE, PROTOCOL

BOARD = TARGETS["pico-w"]
# What a logger loads when it starts: one thermometer's and one accelerometer's driver, and the radio, besides what is
# always there.
FITTED = ("drivers.temp_tmp117", "drivers.accel_adxl372", "boards.ble_link")
LOADED = (firmware.ROOT, BOARD.module, *FITTED)


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


def sizes() -> list[tuple[str, int, bool]]:
    """Each file's path, its size, and whether it is loaded while logging with the radio on."""
    loaded = {path.removesuffix(".py") for path in firmware.sources(LOADED, at_start=True)}
    files = build.compiled(BOARD.module, BOARD.march)
    return [(path, len(data), path.removesuffix(".mpy") in loaded) for path, data in files.items()]


def measure() -> tuple[list[Figure], list[tuple[str, int, bool]]]:
    """Total and loaded bytes, and the files behind them."""
    rows = sizes()
    total = sum(size for _, size, _ in rows)
    loaded = sum(size for _, size, is_loaded in rows if is_loaded)
    count = sum(is_loaded for *_, is_loaded in rows)
    told = f"{count} files of the image for {BOARD.title} that are loaded at its start with {' and '.join(FITTED)}"
    return [
        Figure("mpy_loaded_bytes", loaded, "B", told, target=at_most(60_000)),
        Figure("mpy_total_bytes", total, "B", f"all {len(rows)} files of that image, compiled for {BOARD.march}"),
    ], rows
