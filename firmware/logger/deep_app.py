"""The logger on a board whose chip can be powered down between two readings, and wakes as if it had restarted.

Loaded only where the wiring asks for it. What is kept and how it is checked is in `logger.deep_sleep`, which is
loaded for a fall asleep and for a wake.
"""

from celltrail_protocol import codes
from logger.app import App
from logger.forget import forget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from logger.hardware import Board, Retained

# A button whose pin floats ends every sleep, and nobody has pressed it.
_MOST_FALSE_WAKES = 5
_LOOK_AGAIN_MS = 30_000


class DeepApp(App):
    """`retained` is the board's."""

    # The tick and the UTC of a moment at which a second of the clock chip began, and the host's clock pair of then.
    anchor: "tuple[int, int, tuple[int, int] | None] | None" = None
    false_wakes = 0

    def __init__(self, board: "Board", image_hash: "Callable[[], bytes]", retained: "Retained") -> None:
        super().__init__(board, image_hash)
        self.retained = retained

    def mount(self) -> None:
        """Go on where the chip was powered down, if what was kept of it checks; else as after every restart."""
        from logger.deep_sleep import wake

        if not wake(self):
            super().mount()
        forget("logger.deep_sleep")

    def rest(self, until_ms: "int | None") -> None:
        """Power the chip down when that pays and nobody is about; else as other boards."""
        now_ms = self.board.ticks_ms()
        if until_ms is not None and until_ms - now_ms >= self.retained.least_ms and self._may():
            if self._is_quiet():
                from logger.deep_sleep import fall_asleep

                # It comes back only when it could not be done, or when somebody came meanwhile: who must be served.
                fall_asleep(self, until_ms)
                if not self._is_quiet():
                    return
            else:
                # Somebody was here a moment ago.
                until_ms = min(until_ms, now_ms + _LOOK_AGAIN_MS)
        self.board.wait(until_ms)

    def _may(self) -> bool:
        """Whether no shock can be missed, and the light has nothing to tell but that readings are taken."""
        is_logging = self._led == codes.LED_LOGGING
        return is_logging and self.false_wakes < _MOST_FALSE_WAKES and "shock" not in self.trip.plan

    def _is_quiet(self) -> bool:
        """Whether nobody is about."""
        return not self.board.link.connected() and self.retained.is_quiet()

    def _press(self, now_ms: int) -> None:
        # A press that was seen: the pin does not float.
        self.false_wakes = 0
        super()._press(now_ms)
