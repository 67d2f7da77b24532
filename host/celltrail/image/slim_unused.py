"""Leave out what no module of an image mentions: functions, classes and tables that only the host uses."""

import ast
from collections import Counter
from collections.abc import Mapping


def drop(trees: Mapping[str, ast.Module], entries: frozenset[str]) -> None:
    """Take out unmentioned definitions until there are none; `entries` stay."""
    changed = True
    while changed:
        mentions = _mentions(trees)
        # Every module has its turn.
        changed = sum(_drop_once(tree, mentions, entries) for tree in trees.values()) > 0


def _mentions(trees: Mapping[str, ast.Module]) -> Counter[str]:
    """How often each name stands anywhere but where it is defined."""
    found: Counter[str] = Counter()
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                found[node.id] += 1
            elif isinstance(node, ast.Attribute):
                found[node.attr] += 1
            elif isinstance(node, ast.alias):
                found[node.name] += 1
    return found


def _drop_once(tree: ast.Module, mentions: Counter[str], entries: frozenset[str]) -> bool:
    before = len(tree.body)
    tree.body = [one for one in tree.body if not _is_idle(one, mentions, entries)]
    return _drop_unused_names(tree) or len(tree.body) != before


def _is_idle(statement: ast.stmt, mentions: Counter[str], entries: frozenset[str]) -> bool:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        name = statement.name
    elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        name = statement.targets[0].id
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        name = statement.target.id
    else:
        return False
    return not mentions[name] and name not in entries and not name.startswith("__")


def _drop_unused_names(tree: ast.Module) -> bool:
    """Names that the module imports and does not use any more; the modules stay."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    changed = False
    for statement in list(tree.body):
        if isinstance(statement, ast.ImportFrom):
            kept = [alias for alias in statement.names if (alias.asname or alias.name) in used]
            changed = changed or len(kept) != len(statement.names)
            statement.names = kept
            if not kept:
                tree.body.remove(statement)
    return changed
