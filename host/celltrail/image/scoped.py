"""Give a module's global names other ones, and leave alone what only looks like them: locals, arguments, attributes."""

import ast
from collections.abc import Callable, Iterator, Mapping

_MODULE = "module:"
Resolve = Callable[[str, str], str | None]
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_Function = ast.FunctionDef | ast.Lambda


class Renamer(ast.NodeTransformer):
    """`names`: what each global name becomes; "module:X" stands for a module of which only attributes are used.

    resolve(module, name): what a name of another module is called, None when it stays where it is.
    `used`: the new names that occur. RuntimeError where a module is used as a value.
    """

    def __init__(self, names: Mapping[str, str], resolve: Resolve) -> None:
        self._names = dict(names)
        self._resolve = resolve
        self._hidden: list[set[str]] = []
        self.used: set[str] = set()

    def _new(self, name: str) -> str | None:
        if any(name in scope for scope in self._hidden):
            return None
        return self._names.get(name)

    def _take(self, new: str) -> str:
        if new.startswith(_MODULE):
            raise RuntimeError(f"{new.removeprefix(_MODULE)} is used as a value; use its attributes")
        self.used.add(new)
        return new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """A use or a binding of a global."""
        new = self._new(node.id)
        if new is not None:
            node.id = self._take(new)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """module.name becomes the name."""
        new = self._new(node.value.id) if isinstance(node.value, ast.Name) else None
        if new is None or not new.startswith(_MODULE):
            return self.generic_visit(node)
        found = self._resolve(new.removeprefix(_MODULE), node.attr)
        if found is None:
            raise RuntimeError(f"{new.removeprefix(_MODULE)} has no {node.attr}")
        return ast.Name(self._take(found), node.ctx)

    def visit_Global(self, node: ast.Global) -> ast.Global:
        """The globals that a function binds."""
        node.names = [self._take(self._names[name]) if name in self._names else name for name in node.names]
        return node

    # Scopes

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Its name and defaults belong to the scope around it."""
        new = self._new(node.name)
        if new is not None:
            node.name = self._take(new)
        return self._visit_inside(node)

    def _visit_inside(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.decorator_list = [self.visit(one) for one in node.decorator_list]
        self._visit_defaults(node.args)
        own = _locals(node.body, node.args)
        imported = self._take_imports(node)
        before = dict(self._names)
        self._names |= imported
        self._hidden.append(own - set(imported))
        node.body = [self.visit(one) for one in node.body]
        self._hidden.pop()
        self._names = before
        return node

    def _take_imports(self, node: ast.FunctionDef) -> dict[str, str]:
        """Drop what a function imports from a module that is here already; what its names stand for."""
        found: dict[str, str] = {}
        for child in ast.walk(node):
            for field in ("body", "orelse", "finalbody"):
                block = getattr(child, field, None)
                if isinstance(block, list):
                    block[:] = [one for one in block if not self._is_taken(one, found)] or [ast.Pass()] * bool(block)
        return found

    def _is_taken(self, statement: ast.stmt, found: dict[str, str]) -> bool:
        if not isinstance(statement, ast.ImportFrom) or not statement.module:
            return False
        new = {one.asname or one.name: self._resolve(statement.module, one.name) for one in statement.names}
        if any(name is None for name in new.values()):
            return False
        found |= {local: name for local, name in new.items() if name is not None}
        return True

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        """Arguments hide globals."""
        self._visit_defaults(node.args)
        self._hidden.append(_arguments(node.args))
        node.body = self.visit(node.body)
        self._hidden.pop()
        return node

    def _visit_defaults(self, arguments: ast.arguments) -> None:
        arguments.defaults = [self.visit(one) for one in arguments.defaults]
        arguments.kw_defaults = [one and self.visit(one) for one in arguments.kw_defaults]

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        """What its body binds are attributes; methods do not see them."""
        new = self._new(node.name)
        if new is not None:
            node.name = self._take(new)
        node.bases = [self.visit(one) for one in node.bases]
        own = _locals(node.body, None)
        for i, statement in enumerate(node.body):
            if isinstance(statement, ast.FunctionDef):
                node.body[i] = self._visit_inside(statement)
            else:
                self._hidden.append(own)
                node.body[i] = self.visit(statement)
                self._hidden.pop()
        return node

    def _visit_comprehension(self, node: _Comprehension) -> ast.AST:
        targets = {name.id for one in node.generators for name in ast.walk(one.target) if isinstance(name, ast.Name)}
        self._hidden.append(targets)
        self.generic_visit(node)
        self._hidden.pop()
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension


def _arguments(arguments: ast.arguments) -> set[str]:
    ours = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return {one.arg for one in ours if one is not None}


def _locals(body: list[ast.stmt], arguments: ast.arguments | None) -> set[str]:
    """What a function or class binds for itself."""
    found = _arguments(arguments) if arguments else set()
    declared: set[str] = set()
    for node in _own_nodes(body):
        if isinstance(node, ast.Global):
            declared |= set(node.names)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
    return found - declared


def _own_nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """All nodes of a scope without those of the scopes inside it."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda | _Comprehension):
            waiting += ast.iter_child_nodes(node)
