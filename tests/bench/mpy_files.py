"""The firmware as `.mpy` files, as an image has them: which modules a logger loads, and how large they are."""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from celltrail.image import build, firmware
from celltrail.image.targets import TARGETS, Target
from tests.bench.figures import Figure, at_most
from tests.bench.paths import FIRMWARE, PROTOCOL, ROOT

BOARD = TARGETS["pico-w"]
# What a logger loads when it starts: one thermometer's and one accelerometer's driver, and the radio, besides what is
# always there.
FITTED = ("drivers.temp_tmp117", "drivers.accel_adxl372", "boards.ble_link")
# In place of the accelerometer's, where the wiring asks for deep sleep.
DEEP = ("drivers.temp_tmp117", "boards.ble_link", "drivers.clock_ds3231", "logger.deep_app", "boards.esp32_deep")
LOADED = (firmware.ROOT, BOARD.module, *FITTED)
_LARGEST = 60_000


@dataclass(frozen=True)
class File:
    """One `.mpy` of an image; change: in bytes against an earlier revision, None without one."""

    path: str
    size: int
    loaded: bool
    change: int | None = None


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


def _loaded(target: Target, fitted: tuple[str, ...], folders: list[Path] | None = None) -> set[str]:
    """Names of the files that a logger loads at its start."""
    modules = (firmware.ROOT, target.module, *fitted)
    return {path.removesuffix(".py") for path in firmware.sources(modules, folders, at_start=True)}


def sizes(
    target: Target = BOARD, fitted: tuple[str, ...] = FITTED, folders: list[Path] | None = None
) -> list[tuple[str, int, bool]]:
    """Each file's path, its size, and whether it is loaded while logging with the radio on."""
    loaded = _loaded(target, fitted, folders)
    files = build.compiled(target.module, target.march, folders)
    return [(path, len(data), path.removesuffix(".mpy") in loaded) for path, data in files.items()]


def last_revision() -> str | None:
    """What to compare with: the last commit, or the one before when nothing has changed since; None without git."""
    changed = subprocess.run(
        ["git", "-C", str(ROOT), "diff", "--quiet", "HEAD", "--", "firmware", "protocol", "host/celltrail/image"],
        capture_output=True, check=False,
    ).returncode  # fmt: skip
    return {0: "HEAD~1", 1: "HEAD"}.get(changed)


def earlier(revision: str) -> dict[str, int] | None:
    """Sizes of the files of another revision, by path; None when git has none here."""
    with tempfile.TemporaryDirectory(prefix="celltrail-") as folder:
        archive = Path(folder) / "sources.tar"
        command = ["git", "-C", str(ROOT), "archive", "-o", str(archive), revision, "firmware", "protocol"]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return None
        shutil.unpack_archive(archive, folder, filter="data")
        folders = [Path(folder) / "firmware", Path(folder) / "protocol"]
        return {path: size for path, size, _ in sizes(folders=folders)}


def _total(target: Target, fitted: tuple[str, ...]) -> int:
    return sum(size for _, size, is_loaded in sizes(target, fitted) if is_loaded)


def measure(revision: str | None = None) -> tuple[list[Figure], list[File]]:
    """Loaded and total bytes, and the files behind them with their change against a revision."""
    rows = sizes()
    before = earlier(revision) if revision else None
    total = sum(size for _, size, _ in rows)
    loaded = sum(size for _, size, is_loaded in rows if is_loaded)
    count = sum(is_loaded for *_, is_loaded in rows)
    told = f"{count} files of the image for {BOARD.title} that are loaded at its start with {' and '.join(FITTED)}"
    esp32 = TARGETS["esp32"]
    target = at_most(_LARGEST)
    figures = [
        Figure("mpy_loaded_bytes", loaded, "B", told, target=target),
        Figure("mpy_loaded_esp32_bytes", _total(esp32, FITTED), "B", f"the same for {esp32.title}", target=target),
        Figure(
            "mpy_loaded_deep_bytes", _total(esp32, DEEP), "B", f"{esp32.title} with {', '.join(DEEP)}", target=target
        ),
        Figure("mpy_total_bytes", total, "B", f"all {len(rows)} files of the first, compiled for {BOARD.march}"),
    ]
    files = [File(path, size, is_loaded, _change(size, path, before)) for path, size, is_loaded in rows]
    return figures, files


def _change(size: int, path: str, before: dict[str, int] | None) -> int | None:
    return None if before is None else size - before.get(path, 0)
