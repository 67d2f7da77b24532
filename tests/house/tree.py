"""Find the project's own files and read what they import; shared by the tests of this folder."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Import:
    """One imported module: its full dotted name, and whether only type checkers import it."""

    module: str
    for_types_only: bool

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


def python_files(*folders: str) -> list[Path]:
    """All Python files below the folders (relative to the root), sorted."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def project_files() -> list[Path] | None:
    """All files that git tracks or would track; None outside of a clone."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, encoding="utf-8").stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> list[Import]:
    """Everything that a file imports, at its top or deeper; relative imports give absolute names."""
    return list(_imports_below(parse(path), path, for_types_only=False))


def _imports_below(node: ast.AST, path: Path, for_types_only: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, for_types_only) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (Import(name, for_types_only) for name in _names_from(node, path))
    elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        for child in node.body:
            yield from _imports_below(child, path, for_types_only=True)
        for child in node.orelse:
            yield from _imports_below(child, path, for_types_only)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _imports_below(child, path, for_types_only)


def _names_from(node: ast.ImportFrom, path: Path) -> list[str]:
    """Names that `from X import a, b` may bind as modules: X.a and X.b, whose first part is what counts."""
    base = node.module or ""
    if node.level:
        package = package_of(path)
        base = ".".join([*package[: len(package) - node.level + 1], *base.split(".")]).strip(".")
    return [f"{base}.{alias.name}" for alias in node.names]


def package_of(path: Path) -> list[str]:
    """The dotted package of a file of ours, as a list; its room (`firmware`, `host`) is no part of it."""
    return list(path.relative_to(ROOT).parent.parts[1:])
