"""The vectors on disk are what the generator makes from the specification."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import imports

VECTORS = Path(__file__).parents[2] / "protocol" / "vectors"
NAMES = sorted(path.name for path in VECTORS.glob("*.jsonl"))
READERS = {"cpython", "micropython", "construct", "numpy", "host"}


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(VECTORS / "make.py"), *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def test_generator_imports_nothing_of_ours():
    allowed = sys.stdlib_module_names | {"from_spec"}
    modules = [*(VECTORS / "from_spec").glob("*.py"), VECTORS / "make.py"]
    assert len(modules) > 10
    assert {found.top for path in modules for found in imports(path)} <= allowed


def test_vectors_are_as_made():
    checked = make("--check")
    assert (checked.returncode, checked.stdout) == (0, "vectors: as made\n"), checked.stdout + checked.stderr


@pytest.mark.parametrize("change", ["edited", "added", "removed", "file"])
def test_check_sees_a_change(change: str, tmp_path: Path):
    for name in NAMES:
        (tmp_path / name).write_bytes((VECTORS / name).read_bytes())
    path = tmp_path / "series.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    changed = {
        "edited": [lines[0].replace("517", "518"), *lines[1:]],
        "added": [*lines, "{}"],
        "removed": lines[:-1],
    }
    if change == "file":
        path.unlink()
    else:
        path.write_text("\n".join(changed[change]) + "\n", encoding="utf-8")
    checked = make("--check", str(tmp_path))
    assert checked.returncode == 1
    assert "series.jsonl" in checked.stdout


@pytest.mark.parametrize("name", NAMES)
def test_each_vector_says_what_it_is(name: str):
    for line in (VECTORS / name).read_text(encoding="utf-8").splitlines():
        vector = json.loads(line)
        assert vector["since"] == 1
        assert vector["readers"]
        assert set(vector["readers"]) <= READERS
        assert vector.get("error", "a reason")


def test_there_are_enough():
    vectors = [line for name in NAMES for line in (VECTORS / name).read_text(encoding="utf-8").splitlines()]
    invalid = [line for line in vectors if '"error":' in line]
    assert len(invalid) >= 45
    assert len(vectors) - len(invalid) >= 45
