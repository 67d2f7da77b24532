"""The virtual board's time: runs with the PC's clock, or stands still and jumps."""

import sys
import time

if sys.implementation.name == "micropython":

    def host_us() -> int:
        """The PC's monotonic clock; only differences mean something."""
        return time.ticks_us()

else:

    def host_us() -> int:
        """The PC's monotonic clock; only differences mean something."""
        return time.monotonic_ns() // 1000


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
