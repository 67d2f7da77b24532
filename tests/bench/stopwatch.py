"""Times things against each other: all in turn, several rounds, so that a busy machine disturbs them alike."""

import gc
import time
from collections.abc import Callable, Mapping

from tests.bench.figures import median


def seconds(action: Callable[[], object]) -> float:
    """How long one call takes; the collector stays out of it."""
    gc.collect()
    gc.disable()
    try:
        began_s = time.perf_counter()
        action()
        return time.perf_counter() - began_s
    finally:
        gc.enable()


def rounds(actions: Mapping[str, Callable[[], object]], count: int) -> dict[str, list[float]]:
    """Seconds of each action in each round, after one round that does not count."""
    for action in actions.values():
        action()
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(count):
        for name, action in actions.items():
            taken[name].append(seconds(action))
    return taken


def median_ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the rounds' ratios."""
    return median([mine / other for mine, other in zip(ours, theirs, strict=True)])
