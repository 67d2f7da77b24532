"""Put the values of integer constants in the places of their names, across modules."""

import ast
import operator
from collections import Counter
from collections.abc import Callable, Mapping

_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.Pow: operator.pow,
}


def module_name(path: str) -> str:
    """The dotted name of a module's file: "logger/app.py" -> "logger.app"."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def fold(trees: Mapping[str, ast.Module]) -> None:
    """Fold every integer that a module sets once and at its top; its name is gone then."""
    folder = _Folder({module_name(path): tree for path, tree in trees.items()})
    for name in folder.trees:
        folder.module(name)


class _Folder:
    """Modules in the order in which they need each other; `values` are the constants that each one had."""

    def __init__(self, trees: Mapping[str, ast.Module]) -> None:
        self.trees = trees
        self.values: dict[str, dict[str, int]] = {}

    def module(self, name: str) -> dict[str, int]:
        """Fold one module; its constants."""
        if name not in self.values:
            own = self.values[name] = {}
            scope = _Scope(self, own)
            tree = self.trees[name]
            scope.stores = _stores(tree)
            tree.body = [kept for statement in tree.body if (kept := scope.take(statement)) is not None]
            scope.visit(tree)
            _drop_imports(tree, self.trees)
        return self.values[name]


def _stores(tree: ast.Module) -> Counter[str]:
    """How often each name is bound anywhere in the module, as a variable or an argument."""
    found: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found[node.id] += 1
        elif isinstance(node, ast.arg):
            found[node.arg] += 1
    return found


class _Scope(ast.NodeTransformer):
    """What a module's names stand for, as far as they are integers or other modules of the image."""

    def __init__(self, folder: _Folder, own: dict[str, int]) -> None:
        self._folder = folder
        self._own = own
        self._known: dict[str, int] = {}
        self._modules: dict[str, str] = {}
        self.stores: Counter[str] = Counter()

    def take(self, statement: ast.stmt) -> ast.stmt | None:
        """Learn from a statement at the module's top; None when nothing of it has to stay."""
        if isinstance(statement, ast.ImportFrom):
            return self._take_import(statement)
        target = _single_target(statement)
        if target is None or self.stores[target] != 1:
            return statement
        value = self._evaluate(statement.value)  # type: ignore[attr-defined]
        if value is None:
            return statement
        self._own[target] = self._known[target] = value
        return None

    def _take_import(self, statement: ast.ImportFrom) -> ast.ImportFrom | None:
        source = statement.module or ""
        if source == "micropython":
            statement.names = [alias for alias in statement.names if alias.name != "const"]
        elif source in self._folder.trees:
            statement.names = [alias for alias in statement.names if not self._is_folded(source, alias)]
        return statement if statement.names else None

    def _is_folded(self, source: str, alias: ast.alias) -> bool:
        name, full = alias.asname or alias.name, f"{source}.{alias.name}"
        if full in self._folder.trees:
            self._folder.module(full)
            self._modules[name] = full
            return False
        value = self._folder.module(source).get(alias.name)
        if value is None or self.stores[name]:
            return False
        self._known[name] = value
        return True

    def _evaluate(self, node: ast.expr | None) -> int | None:
        if isinstance(node, ast.Constant):
            return node.value if type(node.value) is int else None
        if isinstance(node, ast.Name):
            return self._known.get(node.id)
        if isinstance(node, ast.Attribute):
            return self._attribute(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self._evaluate(node.operand)
            return None if value is None else -value
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "const":
            return self._evaluate(node.args[0])
        return self._binary(node) if isinstance(node, ast.BinOp) else None

    def _binary(self, node: ast.BinOp) -> int | None:
        left, right, work = self._evaluate(node.left), self._evaluate(node.right), _OPERATORS.get(type(node.op))
        return None if left is None or right is None or work is None else work(left, right)

    def _attribute(self, node: ast.Attribute) -> int | None:
        if not isinstance(node.value, ast.Name):
            return None
        return self._folder.values.get(self._modules.get(node.value.id, ""), {}).get(node.attr)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A constant's name becomes its value."""
        if isinstance(node.ctx, ast.Load) and node.id in self._known:
            return ast.Constant(self._known[node.id])
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """A constant of another module becomes its value."""
        value = self._attribute(node)
        return self.generic_visit(node) if value is None else ast.Constant(value)


def _single_target(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target = statement.target
    else:
        return None
    return target.id if isinstance(target, ast.Name) else None


def _drop_imports(tree: ast.Module, modules: Mapping[str, ast.Module]) -> None:
    """Modules of the image that were imported only for their constants."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                block[:] = [one for one in block if not _is_idle_import(one, used, modules)]


def _is_idle_import(statement: ast.stmt, used: set[str], modules: Mapping[str, ast.Module]) -> bool:
    if not isinstance(statement, ast.ImportFrom):
        return False
    statement.names = [
        alias
        for alias in statement.names
        if (alias.asname or alias.name) in used or f"{statement.module}.{alias.name}" not in modules
    ]
    return not statement.names
