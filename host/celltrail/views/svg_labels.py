"""Labels side by side in a few rows, so that none covers another."""

from collections.abc import Sequence
from dataclasses import dataclass

_CHARACTER_PX = 6.6
_FLAG_PX = 7
_GAP_PX = 8
_LONGEST = 42


@dataclass(frozen=True)
class Label:
    """The row of a label and its text, empty when there is no room; `is_left` says that it ends at its place."""

    row: int
    text: str
    is_left: bool = False


def place_labels(labels: Sequence[tuple[float, str]], rows: int, right: float) -> list[Label]:
    """A place for each (x, text), in pixels; what fits nowhere comes below them, without its text."""
    ends = [0.0] * rows
    placed: dict[int, Label] = {}
    for number in sorted(range(len(labels)), key=lambda i: labels[i][0]):
        x, text = labels[number]
        placed[number] = _place(x, text, ends, right)
    return [placed[number] for number in range(len(labels))]


def _place(x: float, text: str, ends: list[float], right: float) -> Label:
    """Takes the first row with room, and notes in `ends` how far that row is filled."""
    shown = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "\u2026"
    width = len(shown) * _CHARACTER_PX + _FLAG_PX
    is_left = x + width > right
    start, end = (x - width, x + _FLAG_PX) if is_left else (x - _FLAG_PX, x + width)
    for row, filled in enumerate(ends):
        if start >= filled:
            ends[row] = end + _GAP_PX
            return Label(row, shown, is_left)
    return Label(len(ends), "")
