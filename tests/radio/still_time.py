"""An asyncio loop whose time jumps to the next timer as soon as nothing else is to be done."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Jump(selectors.SelectSelector):
    """Does not wait: lets the loop's time pass instead."""

    def __init__(self):
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None):
        found = super().select(0)
        if not found and timeout is None:
            # Somebody waits for a thread.
            return super().select(1.0)
        if not found and timeout:
            self.now_s += timeout
        return found


class StillTimeLoop(asyncio.SelectorEventLoop):
    """Simulated seconds take as long as their work does."""

    def __init__(self):
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now_s


def run(work: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run, in simulated time."""
    with asyncio.Runner(loop_factory=StillTimeLoop) as runner:
        return runner.run(work)
