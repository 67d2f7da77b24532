"""The three answers to a limit, and how several of them make one."""

from collections.abc import Iterable

IN = "in"
OUT = "out"
UNDECIDABLE = "undecidable"

# Degrees that differ by less are the same; steps of sensors are a million times as large.
SAME_C = 1e-9


def joined(verdicts: Iterable[str]) -> str | None:
    """One is out: out. Else one is undecidable: undecidable. Else in; None when there is nothing to answer."""
    found = set(verdicts)
    return next((word for word in (OUT, UNDECIDABLE, IN) if word in found), None)


def three_valued(least: float, most: float, limit: float) -> str:
    """What is at least `least` and at most `most`, against a limit that counts itself."""
    if least >= limit - SAME_C:
        return OUT
    return IN if most < limit - SAME_C else UNDECIDABLE
