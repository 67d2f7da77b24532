"""What every file of ours must say, and what none may."""

import ast
import re
from pathlib import Path

import pytest

from tests.house.tree import ROOT, parse, project_files, python_files

TEXT_SUFFIXES = {"", ".cfg", ".html", ".ini", ".md", ".py", ".pyi", ".sh", ".toml", ".yaml", ".yml"}
# Written in two pieces, so that this file doesn't hold what it looks for.
LEFTOVER = re.compile(r"\b(TO" + "DO|FIX" + r"ME)\b")
PERSONAL_PATH = re.compile(r"(?<![\w./<-])(/home/|/Users/|/root/|[A-Z]:\\Users\\)\w+")


def modules() -> list[Path]:
    """Every module with content; an empty `__init__.py` needs no words."""
    return [path for path in python_files("firmware", "host", "protocol") if path.stat().st_size]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_module_says_what_it_is_for(path: Path):
    docstring = ast.get_docstring(parse(path)) or ""
    assert docstring.split("\n")[0].strip(), "the first line of a module says what it is for"


def test_no_leftovers_and_no_personal_paths():
    tracked = project_files()
    if tracked is None:
        pytest.skip("needs git and a clone to tell the project's files from others")
    texts = [path for path in tracked if path.suffix in TEXT_SUFFIXES and path.name != "LICENSE"]
    findings = [finding for path in texts for finding in _findings(path)]
    assert findings == []


def _findings(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for number, line in enumerate(lines, 1)
        if LEFTOVER.search(line) or PERSONAL_PATH.search(line)
    ]


@pytest.mark.parametrize("line", ["see /home" + "/ann/x", "TO" + "DO: later", "C:" + "\\Users\\ann"])
def test_findings_are_found(line: str, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tests.house.test_words.ROOT", tmp_path)
    (tmp_path / "note.md").write_text(line, encoding="utf-8")
    assert len(_findings(tmp_path / "note.md")) == 1
