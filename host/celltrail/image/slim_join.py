"""Join the modules that a logger loads at its start into one: each file has a table of names and its own imports.

Every name that a joined module binds at its top gets a new, short one, so that none meets another. What is loaded later
(a driver, the radio) stays a module and imports from the joined one.
"""

import ast
import builtins
import keyword
from collections.abc import Iterable, Iterator

from celltrail.image.names import letters
from celltrail.image.scoped import Renamer
from celltrail.image.slim_constants import module_name

Trees = dict[str, ast.Module]


def join(trees: Trees, root: str, also: tuple[str, ...], entries: frozenset[str]) -> None:
    """Replace `root`, `also` and all that they import at their start by one module in the place of `root`.

    `entries` keep their names. Raises RuntimeError for what can't be joined: a module that is used as a value.
    """
    joiner = _Joiner({module_name(path): tree for path, tree in trees.items()}, entries)
    joined = joiner.order((root, *also))
    body = joiner.joined_body(joined)
    for path in list(trees):
        name = module_name(path)
        if name in joined:
            del trees[path]
        else:
            joiner.redirect(name, root)
    trees[root.replace(".", "/") + ".py"] = ast.Module(body, [])


class _Joiner:
    """`modules`: the trees by their dotted names."""

    def __init__(self, modules: dict[str, ast.Module], entries: frozenset[str]) -> None:
        self.modules = modules
        self._entries = entries
        self._joined: list[str] = []
        # (module, name) of what is bound, and its new name; external imports as ("", text).
        self._new: dict[tuple[str, str], str] = {}
        taken = _all_names(modules.values()) | entries
        self._fresh = (name for name in letters() if name not in taken)

    # What is joined, in which order

    def order(self, roots: tuple[str, ...]) -> list[str]:
        """Each after all that it imports."""
        waiting: list[str] = []
        for name in roots:
            self._visit(name, waiting)
        return self._joined

    def _visit(self, name: str, above: list[str]) -> None:
        if name in self._joined:
            return
        if name in above:
            raise RuntimeError(f"{name} imports itself by way of {', '.join(above)}")
        for statement in self.modules[name].body:
            for needed in self._needs(statement):
                self._visit(needed, [*above, name])
        self._joined.append(name)

    def _needs(self, statement: ast.stmt) -> Iterator[str]:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names if alias.name in self.modules)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            for alias in statement.names:
                full = f"{statement.module}.{alias.name}"
                if full in self.modules:
                    yield full
                elif statement.module in self.modules:
                    yield statement.module

    # The joined module

    def joined_body(self, joined: list[str]) -> list[ast.stmt]:
        """The imports of what is not ours, and then all modules' statements."""
        own = {name: self._renamed(self.modules[name]) for name in joined}
        self._new = {(name, old): new for name in joined for old, new in own[name].items()}
        imports: dict[str, ast.stmt] = {}
        body: list[ast.stmt] = []
        for name in joined:
            tree = self.modules[name]
            names = self._names_of(tree, imports) | own[name]
            tree.body = [one for one in tree.body if not _is_import(one)]
            Renamer(names, self._resolve).visit(tree)
            body += tree.body
        return [*imports.values(), *body]

    def _renamed(self, tree: ast.Module) -> dict[str, str]:
        return {name: name if name in self._entries else next(self._fresh) for name in _bound(tree)}

    def _names_of(self, tree: ast.Module, imports: dict[str, ast.stmt]) -> dict[str, str]:
        """What the imports at a module's top stand for: new names, or "module:" and a module."""
        names: dict[str, str] = {}
        for statement in tree.body:
            if isinstance(statement, ast.Import):
                for alias in statement.names:
                    names[alias.asname or alias.name] = self._imported(alias, imports)
            elif isinstance(statement, ast.ImportFrom):
                for alias in statement.names:
                    names[alias.asname or alias.name] = self._imported_from(statement, alias, imports)
        return names

    def _imported(self, alias: ast.alias, imports: dict[str, ast.stmt]) -> str:
        if alias.name in self.modules:
            return f"module:{alias.name}"
        key = ("", alias.name)
        if key not in self._new:
            self._new[key] = next(self._fresh)
            imports[alias.name] = ast.Import([ast.alias(alias.name, self._new[key])])
        return self._new[key]

    def _imported_from(self, statement: ast.ImportFrom, alias: ast.alias, imports: dict[str, ast.stmt]) -> str:
        found = self._resolve(statement.module or "", alias.name)
        if found is not None:
            return found
        text = f"{statement.module} {alias.name}"
        key = ("", text)
        if key not in self._new:
            self._new[key] = next(self._fresh)
            imports[text] = ast.ImportFrom(statement.module, [ast.alias(alias.name, self._new[key])], 0)
        return self._new[key]

    def _resolve(self, module: str, name: str) -> str | None:
        """What `name` of a joined module is called now; None for modules that are not joined."""
        full = f"{module}.{name}"
        if full in self._joined:
            return f"module:{full}"
        if module not in self._joined:
            return None
        if (module, name) not in self._new:
            raise RuntimeError(f"{module} has no {name} of its own; import it from where it is defined")
        return self._new[module, name]

    # The others

    def redirect(self, name: str, root: str) -> None:
        """Let a module that is not joined import from the joined one."""
        tree = self.modules[name]
        names: dict[str, str] = {}
        kept: list[ast.stmt] = []
        for statement in tree.body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                found = {one.asname or one.name: self._found(statement, one) for one in statement.names}
                names |= {local: new for local, new in found.items() if new is not None}
                statement.names = [one for one in statement.names if found[one.asname or one.name] is None]
                if not statement.names:
                    continue
            kept.append(statement)
        renamer = Renamer(names, self._resolve)
        tree.body = kept
        renamer.visit(tree)
        if renamer.used:
            wanted = [ast.alias(new) for new in sorted(renamer.used)]
            tree.body.insert(0, ast.ImportFrom(root, wanted, 0))

    def _found(self, statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> str | None:
        """What an import of a joined module stands for; None for others."""
        if isinstance(statement, ast.ImportFrom):
            return self._resolve(statement.module or "", alias.name)
        return f"module:{alias.name}" if alias.name in self._joined else None


def _is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _bound(tree: ast.Module) -> list[str]:
    """Names that a module's own statements bind, imports apart."""
    found: dict[str, None] = {}
    waiting: list[ast.AST] = [one for one in tree.body if not _is_import(one)]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = None
            continue
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found[node.id] = None
        waiting += ast.iter_child_nodes(node)
    return list(found)


def _all_names(trees: Iterable[ast.Module]) -> set[str]:
    """Every identifier that a function may use for itself, and the language's own."""
    found = {*dir(builtins), *keyword.kwlist}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.alias):
                found.add(node.asname or node.name)
    return found
