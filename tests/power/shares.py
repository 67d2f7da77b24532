"""The single cuts of the suite, in shares that take about the same time, so that two processes end together."""

from collections.abc import Iterator
from pathlib import Path

from tests.power.campaign import Campaign

# Into how many shares the cuts of each kind of work are dealt.
PARTS = {
    "readings": 1,
    "pack": 1,
    "marks": 2,
    "roll": 6,
    "journal": 2,
    "keys": 6,
    "store": 3,
    "worn-seal": 8,
    "worn-stop": 8,
    "stop": 2,
    "provision": 1,
    "rotate": 2,
    "rotate-idle": 1,
    "calibrate": 2,
    "self-test": 8,
    "read": 1,
    "read-stopped": 1,
    "first-arm": 5,
    "arm": 4,
    "erase": 1,
    "wrap": 8,
    "restart": 2,
    "restart-roll": 7,
    "restart-fill": 7,
}
# Only each so many-th share of these, the dearest kinds of work: most of their steps are those of other work, or tear
# the same write a bit further on. `make soak` takes all.
EVERY = {
    "roll": 2,
    "keys": 2,
    "worn-seal": 8,
    "worn-stop": 8,
    "arm": 2,
    "self-test": 2,
    "restart-roll": 2,
    "restart-fill": 2,
    "wrap": 2,
    "first-arm": 2,
}


def shares() -> Iterator[tuple[str, int]]:
    """(kind of work, number of the share)."""
    for name, parts in PARTS.items():
        for part in range(0, parts, EVERY.get(name, 1)):
            yield name, part


def run_share(name: str, part: int, keys: Path) -> Campaign:
    """Every cut of one share."""
    return Campaign(keys).once(name, PARTS[name], part)
