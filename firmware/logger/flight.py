"""Whether the logger may be in the air: two independent sources, pressure and motion (SPEC.md section 8.1).

Any of them suspends the radio; only both together, quiet for a while, let it go on.
"""

from celltrail_protocol import codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Flight:
    """`why` is what has spoken for a flight last, `pressure_Pa` what the barometer said, 0 for nothing.

    look_ms: how often `take` is called. suspended: whether it begins so. is_doubtful: it shook, and a knock would do as
    well: ask again soon.
    """

    def __init__(self, settings: "Sequence[int]", look_ms: int, suspended: bool, now_ms: int) -> None:
        self._change_Pa, within_s, self._floor_Pa, self._motion_mg, still_s = settings
        self._still_ms = still_s * 1000
        self._kept = within_s * 1000 // look_ms + 1
        self._look_ms = look_ms
        self._history: "list[int]" = []
        self._kept_ms = now_ms - look_ms
        self.is_doubtful = False
        self._spoke_ms = now_ms
        self.is_suspended = suspended
        self.why = codes.FLIGHT_RESTART if suspended else 0
        self.pressure_Pa = 0

    def take(self, pressure_Pa: "int | None", motion_mg: "int | None", now_ms: int) -> None:
        """What the sources say now; None: nothing."""
        self.pressure_Pa = pressure_Pa or 0
        why = self._by_pressure(pressure_Pa, now_ms)
        shakes = motion_mg is not None and motion_mg >= self._motion_mg
        if motion_mg is None:
            why |= codes.FLIGHT_NO_MOTION
        elif shakes and (self.is_doubtful or self.is_suspended):
            why |= codes.FLIGHT_MOTION
        self.is_doubtful = shakes and not self.is_suspended and not why
        if why:
            self._spoke_ms = now_ms
            self.is_suspended = True
            self.why = why
        elif self.is_suspended and now_ms - self._spoke_ms >= self._still_ms:
            self.is_suspended = False
            self.why = 0

    def _by_pressure(self, pressure_Pa: "int | None", now_ms: int) -> int:
        if pressure_Pa is None:
            return codes.FLIGHT_NO_PRESSURE
        history = self._history
        if now_ms - self._kept_ms >= self._look_ms:
            self._kept_ms = now_ms
            history.append(pressure_Pa)
            del history[: -self._kept]
        changed = max(history) - min(history) >= self._change_Pa
        return (codes.FLIGHT_LOW if pressure_Pa < self._floor_Pa else 0) | (codes.FLIGHT_CHANGE if changed else 0)
