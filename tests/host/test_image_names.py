"""What an image renames is nobody else's, and what it joins still means the same."""

import ast

import pytest
from foreign_names import foreign

from celltrail.image import firmware, slim_names
from celltrail.image.names import letters
from celltrail.image.slim import Unread, slim

BOARDS = ("boards.pico_w", "boards.esp32", "boards.virtual")


@pytest.mark.parametrize("board", BOARDS)
def test_no_name_that_others_know_is_shortened(board):
    trees = {path: ast.parse(text) for path, text in firmware.sources((firmware.ROOT, board)).items()}
    for tree in trees.values():
        Unread().visit(tree)
    known = slim_names.ours(trees, firmware.ENTRIES) & foreign()
    assert {name for name in known if not name.startswith("_")} == set()


def test_short_names_are_no_keywords_and_never_end():
    row = letters()
    names = [next(row) for _ in range(5000)]
    assert len(set(names)) == 5000
    assert "as" not in names
    assert "is" not in names
    assert names[0] == "a"


def run(sources: dict[str, str], *also: str) -> dict:
    """What the joined module binds under the names that stay; the modules beside it can be imported."""
    small = slim(sources, frozenset({"answer", "later"}), "main", also)
    space: dict = {"__name__": "main"}
    exec(compile(small["main.py"], "main.py", "exec"), space)
    space["small"] = small
    return space


def test_modules_become_one_and_each_name_keeps_its_meaning():
    sources = {
        "main.py": (
            "from pack import one, two\nfrom pack.one import value as taken, Thing\n\n_local = 3\n\n"
            "def answer(value):\n    one_ = [two.value(value) for value in (value, _local)]\n"
            "    return one_, taken(), one.value(), Thing(4).value, two.total\n"
            'if __name__ == "__main__":\n    raise ValueError\n'
        ),
        "pack/__init__.py": "",
        "pack/one.py": (
            "_local = [1]\n\n\ndef value():\n    _local.append(2)\n    return list(_local)\n\n\n"
            "class Thing:\n    value = 9\n\n    def __init__(self, value):\n        self.value = value + Thing.value\n"
        ),
        "pack/two.py": (
            "from pack.one import value as _other\ntotal = 0\n\n\ndef value(_other_=5):\n    global total\n"
            "    total += 1\n    return _other_ * 10 + len(_other())\n"
        ),
    }
    space = run(sources)
    assert space["answer"](7) == ([72, 33], [1, 2, 2, 2], [1, 2, 2, 2, 2], 13, 2)
    assert set(space["small"]) == {"main.py", "pack/__init__.py"}
    assert "__main__" not in space["small"]["main.py"]


def test_what_is_loaded_later_imports_from_the_joined_one():
    sources = {
        "main.py": "from base import Root\n\n\ndef answer():\n    from late import Leaf\n\n    return Leaf, Root\n",
        "base.py": "LIMIT = [5]\n\n\nclass Root:\n    def limit(self):\n        return LIMIT[0]\n",
        "late.py": "import base\nfrom base import Root\n\n\nclass Leaf(Root):\n    pass\n",
    }
    small = run({**sources, "late.py": "import base\n\n\nclass Leaf(base.Root):\n    top = base.LIMIT\n"})["small"]
    assert "import base" not in small["late.py"]
    sources["late.py"] = "from base import LIMIT, Root\n\n\nclass Leaf(Root):\n    top = LIMIT\n"
    small = run(sources)["small"]
    assert set(small) == {"main.py", "late.py"}
    first = small["late.py"].splitlines()[0]
    assert first.startswith("from main import ")
    assert "LIMIT" not in small["late.py"]


def test_a_circle_of_imports_is_told():
    with pytest.raises(RuntimeError, match="imports itself"):
        run(
            {
                "main.py": "import a\n\na.x()\n",
                "a.py": "import b\n\n\ndef x():\n    b.y()\n",
                "b.py": "import a\n\n\ndef y():\n    a.x()\n",
            }
        )


def test_a_module_as_a_value_is_told():
    with pytest.raises(RuntimeError, match="used as a value"):
        run({"main.py": "import a\n\n\ndef answer():\n    return a\n", "a.py": "x = []\n"})
