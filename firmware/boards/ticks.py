"""Time that does not wrap, from a counter that does, such as MicroPython's `time.ticks_ms` and `time.ticks_us`.

MicroPython's tick counters start again at 0 after 2^30 (12.4 days of ms, 17.9 minutes of us) where integers have 32
bits. A board counts on in Python, and the logger sees 64-bit ticks only.

The counter must be read once in less than half its period. So a board's `wait` ends no sleep later than `longest` says
and asks for the time then, also when the logic has nothing to do for longer or at all. A counter that stands still
while the chip sleeps is the wrong one: such a board takes one that the sleep leaves alone.

When nobody has asked for longer than that, a difference cannot be told from one that goes back. Time then stands still
until the counter has come past the last value read, and is late by whole periods from there on. It never goes back,
and never jumps ahead: nothing that is due gets lost, and the host sees two clocks of one boot that disagree by days.
Why not trust the difference? A read that an interrupt has overtaken looks the same, and would cost a jump of 12 days.
"""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# The counters of 32-bit chips.
CHIP_PERIOD = 1 << 30
_add: "Callable[[int, int], int] | None" = getattr(time, "ticks_add", None)


def ticks_period() -> int:
    """The period of this runtime's own tick counters: 2^30 on 32-bit chips, 2^62 on PCs."""
    return CHIP_PERIOD if _add is None else _add(0, -1) + 1


class LongTicks:
    """Counts on where `read` wraps: `now` starts at the counter's first value and never goes back.

    period: of the counter, a power of two; ValueError. No interrupt may call `now`.
    """

    def __init__(self, read: "Callable[[], int]", period: int) -> None:
        if period < 4 or period & (period - 1):
            raise ValueError("the period of a tick counter is a power of two, at least 4")
        self._read = read
        self._mask = period - 1
        self._half = period >> 1
        self._last = read() & self._mask
        self._now = self._last

    def now(self) -> int:
        """Counts since the counter stood at 0."""
        raw = self._read() & self._mask
        # As time.ticks_diff: from -half to half - 1.
        passed = ((raw - self._last + self._half) & self._mask) - self._half
        if passed > 0:
            self._last = raw
            self._now += passed
        return self._now

    def go_on(self, now: int) -> None:
        """It is `now`: the counter has started anew while nobody could ask it."""
        self.now()
        self._now = now

    def longest(self) -> int:
        """How far a sleep may go: a quarter of a period, because sleeps end late and work follows them."""
        return self.now() + (self._half >> 1)
