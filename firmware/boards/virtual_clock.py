"""The virtual board's time: runs with the PC's clock, or stands still and jumps."""

import time

from boards.ticks import LongTicks, ticks_period

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _monotonic_us() -> int:
    return time.monotonic_ns() // 1000


_ticks_us: "Callable[[], int] | None" = getattr(time, "ticks_us", None)
# The PC's monotonic clock, as MicroPython or CPython reads it; only differences mean something.
host_us: "Callable[[], int]" = LongTicks(_ticks_us, ticks_period()).now if _ticks_us else _monotonic_us
# Where integers have 32 bits the PC's counter must be asked in 8.9 minutes.
LONGEST_REST_MS = 300_000


class VirtualClock:
    """Microseconds since virtual power-on.

    While the clock is *held*, no time passes by itself: it is the same trip on a slow PC and on a fast one.
    """

    def __init__(self) -> None:
        self.held = False
        self._virtual_us = 0
        self._host_us = host_us()

    def now_us(self) -> int:
        """The time now."""
        if self.held:
            return self._virtual_us
        return self._virtual_us + host_us() - self._host_us

    def hold(self) -> None:
        """Stand still from now on."""
        self._virtual_us = self.now_us()
        self.held = True

    def run(self) -> None:
        """Go with the PC's clock from now on."""
        self._virtual_us = self.now_us()
        self._host_us = host_us()
        self.held = False

    def jump(self, to_us: int) -> None:
        """Advance a held clock; a time that has passed is ignored."""
        if to_us > self._virtual_us:
            self._virtual_us = to_us

    def spend(self, duration_us: int) -> None:
        """Let a held clock pay for something that takes time on a board, such as a bus transfer."""
        if self.held:
            self._virtual_us += duration_us
