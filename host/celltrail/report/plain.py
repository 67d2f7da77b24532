"""Text that somebody else wrote (marks, names, profiles), made safe to stand in a page: visible, and in its place."""

import unicodedata

REPLACEMENT = "\ufffd"
# First strong isolate and its end: what is written from right to left doesn't turn around what follows it.
_ISOLATE, _END = "\u2068", "\u2069"
_RIGHT_TO_LEFT = ("R", "AL", "AN")
# Letters may carry this many accents; more would climb over the lines above.
_MOST_ACCENTS = 2


def plain(text: object) -> str:
    """One line in which every control character is a visible replacement, and right-to-left text stays apart."""
    shown = _tamed("".join(map(_visible, str(text))))
    turned = any(unicodedata.bidirectional(one) in _RIGHT_TO_LEFT for one in shown)
    return f"{_ISOLATE}{shown}{_END}" if turned else shown


def _visible(one: str) -> str:
    if unicodedata.category(one) == "Zs":
        return " "
    return one if one.isprintable() else REPLACEMENT


def _tamed(text: str) -> str:
    made, accents = [], 0
    for one in text:
        accents = accents + 1 if unicodedata.combining(one) else 0
        if accents <= _MOST_ACCENTS:
            made.append(one)
    return "".join(made)
