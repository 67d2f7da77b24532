"""A clock chip keeps the host's time over restarts: set at the begin of a second, read after a restart."""

from celltrail_protocol import codes
from logger.hardware import SensorFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.hardware import Board, ClockChip

_LATEST_MS = 20
_HALF_MS = 500


class Timekeeper:
    """`fault` is what the chip answered when it was last read or set; 0 when all is well, or there is no chip."""

    def __init__(self, board: "Board") -> None:
        self._chip: "ClockChip | None" = board.rtc
        self._pair: "tuple[int, int, int] | None" = None
        self._due_ms = 0
        self.fault = 0

    def take(self, tick_ms: int, utc_ms: int, doubt_ms: int, now_ms: int) -> None:
        """A host says that `tick_ms` was `utc_ms`: set the chip when the next second begins."""
        if self._chip is not None:
            self._pair = (tick_ms, utc_ms, doubt_ms)
            self._plan(utc_ms - tick_ms, now_ms)

    def _plan(self, away_ms: int, now_ms: int) -> None:
        self._due_ms = now_ms + 1000 - (away_ms + now_ms) % 1000

    def poll(self, now_ms: int) -> "int | None":
        """Set the chip when it is time for that; when to come again, or None."""
        chip, pair = self._chip, self._pair
        if chip is None or pair is None:
            return None
        tick_ms, utc_ms, doubt_ms = pair
        late_ms = now_ms - self._due_ms
        if late_ms > _LATEST_MS:
            self._plan(utc_ms - tick_ms, now_ms)
        if now_ms < self._due_ms:
            return self._due_ms
        self._pair = None
        try:
            chip.set((self._due_ms - tick_ms + utc_ms) // 1000, doubt_ms + late_ms)
            self.fault = 0
        except SensorFault as fault:
            self.fault = fault.code
        return None

    def read(self, now_ms: int) -> "tuple[int, int, int, int] | None":
        """(tick, UTC, uncertainty, source) by the chip; None when there is none, or it has no time: see `fault`."""
        self.fault = 0
        if self._chip is None:
            return None
        try:
            utc_s, doubt_ms = self._chip.read()
        except SensorFault as fault:
            self.fault = fault.code
            return None
        # The chip tells no parts of a second: it is the middle of it, within a half.
        return now_ms, utc_s * 1000 + _HALF_MS, doubt_ms + _HALF_MS, codes.CLOCK_CHIP
