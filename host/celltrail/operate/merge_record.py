"""The read-out record of a merged file: made from those of all that was read from the logger, however often merged."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from celltrail import __version__
from celltrail.evidence.noted import NotedPair, noted_pairs
from celltrail.operate.merge_source import Source

_BOOTS = 1 << 16
_NEVER = (-_BOOTS, -1)


def record_of(sources: Sequence[Source], end: Source | None, operator: str) -> dict[str, Any]:
    """META of the file that these sources make; `end` is the one that gives the open end, if there is one."""
    base = _first_boot(sources)
    origins = {one["sha256"]: one for source in sources for one in source.origins}
    ordered = [origins[digest] for digest in sorted(origins)]
    newest = max(ordered, key=lambda one: (_age(one["status"], base), one["sha256"]))
    status = newest["status"] if end is None else end.status
    names = [str(source.trail.meta.get("name", "")) for source in sources]
    return {
        "uid": sources[0].trail.uid,
        "name": max(names),
        "trip": sources[0].trail.trip,
        "host": f"celltrail {__version__}",
        "operator": operator,
        "status": status,
        "pairs": [list(pair) for pair in _pairs(ordered, status if end is not None else None, base)],
        "sources": ordered,
    }


def _pairs(origins: Iterable[Mapping[str, Any]], status: Mapping[str, Any] | None, base: int) -> list[NotedPair]:
    """In the order of time, each once.

    With an open end of this status, what other read-outs noted after it is left out: nothing of the record is that
    young, and whoever verifies the file would take the end for one that is presented as newer than it is. So is what
    is older than the record, which it says nothing about.
    """
    kept: set[NotedPair] = set()
    for one in origins:
        is_own = status is None or one["status"] == status
        kept |= {
            pair for pair in noted_pairs(one) if is_own or _age_of(pair[0], pair[1], base) <= _age(status or {}, base)
        }
    found = sorted(kept, key=lambda pair: (_age_of(pair[0], pair[1], base), pair))
    return [pair for pair in found if _age_of(pair[0], pair[1], base) >= (0, 0)]


def _first_boot(sources: Sequence[Source]) -> int:
    """The boot of the earliest sector's header, from which the others count; their numbers wrap."""
    return min((source.start for source in sources if source.start is not None), default=(0, 0))[1]


def _age(status: Mapping[str, Any], base: int) -> tuple[int, int]:
    boot, tick_ms = status.get("boot"), status.get("tick")
    return _age_of(boot, tick_ms, base) if type(boot) is int and type(tick_ms) is int else _NEVER


def _age_of(boot: int, tick_ms: int, base: int) -> tuple[int, int]:
    """Ascends with time; negative before the boot `base`."""
    return (boot - base + _BOOTS // 2) % _BOOTS - _BOOTS // 2, tick_ms
