"""Stands in for MicroPython's `micropython` module, so that device code runs on CPython.

Emitter decorators change nothing; what they mark must be code that CPython can run, too.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    _Value = TypeVar("_Value")
    _Function = TypeVar("_Function", bound=Callable[..., Any])


def const(value: "_Value") -> "_Value":
    """The value itself; MicroPython's compiler puts it in place of the name."""
    return value


def native(function: "_Function") -> "_Function":
    """The function itself; MicroPython compiles it to machine code."""
    return function


viper = native


def schedule(function: "Callable[[_Value], object]", argument: "_Value") -> None:
    """Call at once what MicroPython calls as soon as it can."""
    function(argument)


def kbd_intr(character: int) -> None:
    """Choose the link byte that interrupts the program, -1 for none; there is no such link here."""


def opt_level(level: "int | None" = None) -> "int | None":
    """Read (0) or ignore the compiler's level."""
    return 0 if level is None else None


def mem_info(verbose: bool = False) -> None:
    """Print nothing: CPython has no heap of that kind."""


def heap_lock() -> None:
    """Nothing: CPython can't forbid allocation."""


def heap_unlock() -> int:
    """The depth of locks, always 0."""
    return 0
