"""Text from loggers and files as a terminal may see it: nothing that steers it or turns the writing around."""

from typing import Any

_REPLACEMENT = "\ufffd"


def printable(text: str, most: int | None = None) -> str:
    """Control, format (bidi) and unassigned characters as replacement signs; at most `most` characters."""
    cut = text if most is None else text[:most]
    return cut if cut.isprintable() else "".join(one if one.isprintable() else _REPLACEMENT for one in cut)


def plain(value: Any) -> str:
    """The text itself; ValueError when it is none, or holds such characters."""
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("text that can't be printed")
    return value


def printable_lines(text: str) -> str:
    """The same for text of several lines."""
    return "\n".join(printable(line) for line in text.split("\n"))


def printable_values(value: Any) -> Any:
    """The same for all texts in lists and maps."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [printable_values(one) for one in value]
    if isinstance(value, dict):
        return {printable_values(key): printable_values(one) for key, one in value.items()}
    return value
