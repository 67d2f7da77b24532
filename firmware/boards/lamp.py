"""The light: what the logger says without words. The table for people is in docs/hardware.md.

A flash of 20 ms each 8 s costs a hundredth of what the processor takes for a reading a minute.
"""

from celltrail_protocol import codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# For each pattern how long it is lit and dark in turn, in ms; the sum is its period.
_PATTERNS = {
    codes.LED_OFF: (0, 8000),
    codes.LED_READY: (40, 3960),
    codes.LED_ARMED: (20, 300, 20, 7660),
    codes.LED_LOGGING: (20, 7980),
    codes.LED_ALARM: (40, 160, 40, 160, 40, 3560),
    codes.LED_MARK: (2000, 0),
    codes.LED_FAULT: (600, 3400),
    codes.LED_RADIO: (20, 180, 20, 180, 20, 180, 20, 7380),
}


class Lamp:
    """`switch` lights it or not."""

    def __init__(self, switch: "Callable[[bool], None]") -> None:
        self._switch = switch
        self._pattern = _PATTERNS[codes.LED_OFF]
        self._start_ms = 0
        self._lit = False

    def show(self, pattern: int, now_ms: int) -> None:
        """Begin one of `codes.LED_*`; one that this board does not know stays dark."""
        self._pattern = _PATTERNS.get(pattern, _PATTERNS[codes.LED_OFF])
        self._start_ms = now_ms

    def service(self, now_ms: int) -> int:
        """Set the light for now; the tick at which it has to be set again."""
        at_ms = (now_ms - self._start_ms) % sum(self._pattern)
        lit = True
        for length_ms in self._pattern:
            if at_ms < length_ms:
                break
            at_ms -= length_ms
            lit = not lit
        if lit != self._lit:
            self._lit = lit
            self._switch(lit)
        return now_ms + length_ms - at_ms
