"""Boards run on CPython, with stand-ins in the places of MicroPython's modules."""

import select
import sys
import time
from collections.abc import Callable

import pytest

from tests.boards import chip as chips

BOARD_MODULES = (
    "boards.chip_board",
    "boards.repl_link",
    "boards.fit",
    "boards.pico_w",
    "boards.esp32",
    "boards.esp32_deep",
)


@pytest.fixture
def modules(monkeypatch) -> Callable:
    """modules(chip, name=module, ...): from now on these are what firmware imports."""

    def put(chip: chips.Chip, **named) -> None:
        for name in BOARD_MODULES:
            monkeypatch.delitem(sys.modules, name, raising=False)
        for name, module in named.items():
            monkeypatch.setitem(sys.modules, name, module)
        for name, function in chips.fake_time(chip).items():
            monkeypatch.setattr(time, name, function, raising=False)
        monkeypatch.setitem(sys.modules, "select", chips.fake_select(chip))
        monkeypatch.setattr(sys, "stdin", chips.Stream(chip))
        monkeypatch.setattr(sys, "stdout", chips.Stream(chip))

    yield put
    assert select.__name__ == "select"
