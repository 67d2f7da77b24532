"""Shorten names that nobody outside an image sees: those of classes and attributes, private ones, and arguments.

A board keeps each name's text on its heap, and each module's file holds the texts of the names that it uses.
"""

import ast
import builtins
from collections import Counter
from collections.abc import Iterator, Mapping

from celltrail.image.names import FOREIGN, letters


def shorten(trees: Mapping[str, ast.Module], entries: frozenset[str]) -> None:
    """Ours get the same short name in all modules, arguments one of their function's own."""
    _Rename(_short(trees, entries)).apply(trees)
    calls = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.keyword)]
    keywords = {node.arg for node in calls if node.arg}
    for tree in trees.values():
        taken = _module_names(tree)
        for function in _outer_functions(tree):
            _shorten_arguments(function, taken | keywords)


def ours(trees: Mapping[str, ast.Module], entries: frozenset[str]) -> set[str]:
    """Names that the firmware defines and nobody else knows: private ones, and those of classes and attributes."""
    defined: set[str] = set()
    for tree in trees.values():
        defined |= _defined(tree)
    return {name for name in defined if len(name) > 2 and not name.startswith("__")} - entries - FOREIGN


def _short(trees: Mapping[str, ast.Module], entries: frozenset[str]) -> dict[str, str]:
    """New names; the shortest go to those in most modules. All begin with an underscore, as nobody else's do."""
    spread: Counter[str] = Counter()
    for tree in trees.values():
        spread.update(_mentioned(tree))
    ranked = sorted(ours(trees, entries), key=lambda name: (-spread[name], name))
    fresh = (f"_{one}" for one in letters())
    taken = set(spread)
    return {name: next(new for new in fresh if new not in taken) for name in ranked}


def _defined(tree: ast.Module) -> set[str]:
    """What classes and their objects have, and what is private."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found.add(node.name)
            found |= {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
            found |= {name.id for one in node.body for name in _targets(one)}
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("_"):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id.startswith("_"):
            found.add(node.id)
    return found


def _targets(statement: ast.stmt) -> list[ast.Name]:
    if isinstance(statement, ast.Assign):
        return [one for one in statement.targets if isinstance(one, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target]
    return []


def _mentioned(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        for field in ("name", "attr", "id", "arg", "asname"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                names.add(value)
    return names


class _Rename(ast.NodeVisitor):
    """Puts new names in the places of old ones, whatever they name."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def apply(self, trees: Mapping[str, ast.Module]) -> None:
        for tree in trees.values():
            self.visit(tree)

    def generic_visit(self, node: ast.AST) -> None:
        for field in ("name", "attr", "id", "arg", "asname"):
            value = getattr(node, field, None)
            if isinstance(value, str) and value in self._names:
                setattr(node, field, self._names[value])
        if isinstance(node, ast.Global | ast.Nonlocal):
            node.names = [self._names.get(name, name) for name in node.names]
        super().generic_visit(node)


def _module_names(tree: ast.Module) -> set[str]:
    """What is bound in the module itself: an argument of the same name stays as it is."""
    names = set()
    for statement in tree.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.alias):
                names.add(node.asname or node.name)
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            names.add(statement.name)
        else:
            names |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    return names


def _outer_functions(node: ast.AST) -> Iterator[ast.FunctionDef]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield child
        else:
            yield from _outer_functions(child)


def _shorten_arguments(function: ast.FunctionDef, taken: set[str]) -> None:
    """One set of names for the function and all that it nests, so that a closure still means the same."""
    arguments = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)} | arguments
    fresh = (one for one in letters() if one not in names)
    ours = sorted(name for name in arguments - taken - {"self"} if not hasattr(builtins, name))
    new = {name: next(fresh) for name in ours}
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            node.id = new.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = new.get(node.arg, node.arg)
