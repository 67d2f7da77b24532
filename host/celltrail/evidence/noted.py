"""The clock pairs in a read-out record: what the reading host noted of the logger's ticks and its own UTC."""

from collections.abc import Mapping
from typing import Any

# Boot, tick_ms, utc_ms, uncertainty_ms, source.
NotedPair = tuple[int, int, int, int, int]

# A tick or a UTC above this many ms is no time (it is 35,000 years).
MOST_MS = 1 << 50
_MOST_PAIRS = 1000


def noted_pairs(record: Mapping[str, Any]) -> list[NotedPair]:
    """The pairs of a read-out record; what is not five sensible integers is left out."""
    pairs = record.get("pairs")
    found = []
    for one in pairs[:_MOST_PAIRS] if isinstance(pairs, list) else []:
        if isinstance(one, list) and len(one) == 5 and all(type(v) is int and 0 <= v <= MOST_MS for v in one):
            boot, tick_ms, utc_ms, uncertainty_ms, source = one
            found.append((boot, tick_ms, utc_ms, uncertainty_ms, source))
    return found
