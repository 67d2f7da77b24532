"""Leave out what nobody reads: parameters of functions, with what callers give for them, and local variables.

Most of it told a person what is wrong, and went with the texts of refusals.
"""

import ast
from collections.abc import Iterator, Mapping

# Calls that only make texts.
_HARMLESS = frozenset({"str", "split"})


def drop(trees: Mapping[str, ast.Module], entries: frozenset[str]) -> None:
    """Take out unread locals and parameters until there are none; functions named in `entries` keep theirs."""
    changed = True
    while changed:
        # Every function has its turn.
        changed = sum(_drop_locals(function) for tree in trees.values() for function in _functions(tree)) > 0
        for function in _called_only(trees, entries):
            changed = _drop_parameters(function, trees) or changed


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _loaded(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}


def _is_pure(value: ast.expr) -> bool:
    """Whether nothing happens when it is not worked out."""
    return not any(_happens(node) for node in ast.walk(value))


def _happens(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return name not in _HARMLESS
    # An attribute may be a property, but not that of a text.
    return isinstance(node, ast.NamedExpr) or (isinstance(node, ast.Attribute) and node.attr not in _HARMLESS)


def _drop_locals(function: ast.FunctionDef) -> bool:
    """Assignments to one name that the function never reads."""
    loaded, changed = _loaded(function), False
    outer = {name for node in ast.walk(function) if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names}
    for node in ast.walk(function):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if not isinstance(block, list) or isinstance(node, ast.ClassDef):
                continue
            kept = [one for one in block if not _is_unread(one, loaded | outer)]
            changed = changed or len(kept) != len(block)
            block[:] = kept
    return changed


def _is_unread(statement: ast.AST, loaded: set[str]) -> bool:
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return False
    target = statement.targets[0]
    return isinstance(target, ast.Name) and target.id not in loaded and _is_pure(statement.value)


def _called_only(trees: Mapping[str, ast.Module], entries: frozenset[str]) -> list[ast.FunctionDef]:
    """Functions of modules that have a name of their own, and of which nothing is done but calling them plainly."""
    defined: dict[str, list[ast.FunctionDef]] = {}
    taken = set(entries)
    for tree in trees.values():
        taken |= _other_names(tree)
        for statement in tree.body:
            if isinstance(statement, ast.FunctionDef) and not statement.decorator_list:
                defined.setdefault(statement.name, []).append(statement)
    return [found[0] for name, found in defined.items() if len(found) == 1 and name not in taken and _takes(found[0])]


def _other_names(tree: ast.Module) -> set[str]:
    """Names that stand for more than a function that is called."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_plain(node)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in called:
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.alias) and node.asname:
            found |= {node.name, node.asname}
    return found


def _is_plain(call: ast.Call) -> bool:
    return not call.keywords and not any(isinstance(one, ast.Starred) for one in call.args)


def _takes(function: ast.FunctionDef) -> bool:
    """Whether it has plain parameters and no others."""
    its = function.args
    return not (its.vararg or its.kwarg or its.kwonlyargs or its.posonlyargs or its.defaults)


def _drop_parameters(function: ast.FunctionDef, trees: Mapping[str, ast.Module]) -> bool:
    loaded = {name for statement in function.body for name in _loaded(statement)}
    unread = [at for at, one in enumerate(function.args.args) if one.arg not in loaded]
    calls = _calls(function.name, trees) if unread else []
    changed = False
    for at in reversed(unread):
        if all(at < len(call.args) and _is_pure(call.args[at]) for call in calls):
            del function.args.args[at]
            for call in calls:
                del call.args[at]
            changed = True
    return changed


def _calls(name: str, trees: Mapping[str, ast.Module]) -> list[ast.Call]:
    return [
        node
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]
