"""Make firmware sources small before they are compiled: what a board never reads takes room on its heap all the same.

All modules of an image are looked at together, since only then is it known who uses what. What only type checkers read
goes, and names of constants (their values take the places), texts that never leave the board, what nobody mentions,
the modules themselves, and the length of names that nobody outside sees. What the code does stays; the tests fly a
whole trip on the result.
"""

import ast
from collections.abc import Mapping

from celltrail.image import firmware, slim_constants, slim_join, slim_names, slim_unread, slim_unused

Trees = dict[str, ast.Module]
_CODES = frozenset("BHIQbhisp*")


def slim(sources: Mapping[str, str], entries: frozenset[str], root: str, also: tuple[str, ...]) -> dict[str, str]:
    """The same firmware, smaller: path to source text.

    `entries` are names that others look up, and that must stay. All that `root` and `also` import at their start
    becomes one module in the place of `root`.
    """
    trees = {path: ast.parse(text, path) for path, text in sorted(sources.items())}
    for tree in trees.values():
        Unread().visit(tree)
        _share_fields(tree)
    slim_constants.fold(trees)
    slim_unread.drop(trees, entries)
    slim_unused.drop(trees, entries)
    slim_join.join(trees, root, also, entries)
    slim_names.shorten(trees, entries)
    return {path: ast.unparse(ast.fix_missing_locations(_complete(tree))) + "\n" for path, tree in trees.items()}


def _complete(tree: ast.Module) -> ast.Module:
    """Blocks that have become empty get a `pass`."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if body == [] and not isinstance(node, ast.Module):
            node.body = [ast.Pass()]  # type: ignore[attr-defined]
    return tree


class Unread(ast.NodeTransformer):
    """Takes out what only type checkers and people read."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        """What is for type checkers, and for who runs a module from its source."""
        self.generic_visit(node)
        return node.orelse if firmware.never_runs(node.test) else node

    def visit_Assign(self, node: ast.Assign) -> ast.Assign | None:
        """The name itself is not needed then."""
        self.generic_visit(node)
        target = node.targets[0]
        return None if isinstance(target, ast.Name) and target.id == "TYPE_CHECKING" else node

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        """Docstrings."""
        self.generic_visit(node)
        return None if isinstance(node.value, ast.Constant) else node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """The text of a refusal: over the link goes its number."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "ProtocolError":
            node.args = []
        return node


def _share_fields(tree: ast.Module) -> None:
    """Tables of records: on a board only the fields' codes count, and equal fields are one object."""
    fields: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple) and _is_table(node):
            node.elts[0] = ast.Constant("")
            inner = node.elts[2]
            assert isinstance(inner, ast.Tuple)
            inner.elts = [_shared(field, fields) for field in inner.elts]
    at = next((i for i, one in enumerate(tree.body) if not isinstance(one, ast.Import | ast.ImportFrom)), 0)
    tree.body[at:at] = [ast.parse(f'{name} = ("", "{code}", "")').body[0] for code, name in fields.items()]


def _shared(field: ast.expr, fields: dict[str, str]) -> ast.expr:
    assert isinstance(field, ast.Tuple)
    assert isinstance(field.elts[1], ast.Constant)
    code = str(field.elts[1].value)
    return ast.Name(fields.setdefault(code, f"_field_{len(fields)}"), ast.Load())


def _is_table(node: ast.Tuple) -> bool:
    """("name", since, (fields)), as `celltrail_protocol.layout` has them."""
    if len(node.elts) != 3 or not isinstance(node.elts[2], ast.Tuple):
        return False
    name, since = node.elts[0], node.elts[1]
    plain = isinstance(name, ast.Constant) and isinstance(since, ast.Constant) and type(since.value) is int
    return plain and all(isinstance(field, ast.Tuple) and _is_field(field) for field in node.elts[2].elts)


def _is_field(node: ast.Tuple) -> bool:
    texts = [one.value for one in node.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if len(node.elts) != 3 or len(texts) != 3:
        return False
    digits, letter = texts[1][:-1], texts[1][-1:]
    return letter in _CODES and (not digits or digits.isdigit())
