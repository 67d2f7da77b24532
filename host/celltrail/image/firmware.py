"""Which firmware modules an image holds: those that the board's file and the logger reach by their imports."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from celltrail.firmware_files import firmware_path

# What the starter of an image calls.
ENTRIES = frozenset({"main", "make_board"})
ROOT = "main"


def sources(modules: Iterable[str], folders: list[Path] | None = None, *, at_start: bool = False) -> dict[str, str]:
    """The text of `modules` and of all that they import, packages too: path within the firmware to source.

    at_start: only what is imported with the modules themselves, not what their functions import.
    """
    places = firmware_path() if folders is None else folders
    found: dict[str, str] = {}
    waiting = list(modules)
    missing = [name for name in waiting if _find(name, places) is None]
    if missing:
        raise RuntimeError(f"the firmware has no module {', '.join(missing)}")
    while waiting:
        name = waiting.pop()
        place = _find(name, places)
        if place is None or place[0] in found:
            continue
        path, file = place
        found[path] = file.read_text(encoding="utf-8")
        waiting += _imports(ast.parse(found[path]), at_start)
        waiting += _parents(name)
    return found


def _find(name: str, places: list[Path]) -> tuple[str, Path] | None:
    """A module's path and file; None for what is not ours."""
    for path in (name.replace(".", "/") + ".py", name.replace(".", "/") + "/__init__.py"):
        for place in places:
            if (place / path).is_file():
                return path, place / path
    return None


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _imports(tree: ast.AST, at_start: bool) -> Iterator[str]:
    """Names that the module may import when it runs; not those for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and never_runs(node.test):
            continue
        if at_start and isinstance(node, ast.FunctionDef):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from _imports(node, at_start)


def never_runs(test: ast.expr) -> bool:
    """`TYPE_CHECKING`, and `__name__ == "__main__"`: an image has a starter of its own."""
    if isinstance(test, ast.Compare):
        test = test.left
    return isinstance(test, ast.Name) and test.id in ("TYPE_CHECKING", "__name__")
