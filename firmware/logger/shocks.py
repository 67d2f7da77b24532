"""Shock events from the accelerometer's FIFO: threshold, peak, duration, velocity change, window (SPEC.md 3).

The detector takes samples in the order in which the chip took them and knows nothing of waiting. All buffers
are made once.
"""

from array import array

from celltrail_protocol import frames
from celltrail_protocol.plan import PRE_KEPT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST = 65535


class Detector:
    """`done` holds whether an event has ended; its figures are in the attributes until the next `feed`."""

    def __init__(self, settings: "Sequence[int]", step_ng: int, rate_mHz: int, range_raw: int) -> None:
        threshold_mg, min_us, quiet_ms, self.pre_wanted, self.post_wanted, _ = settings
        self.rate_mHz = rate_mHz
        self._range = range_raw
        # The smallest count that is at least the threshold.
        self._threshold = -(-threshold_mg * 1000000 // step_ng)
        self._least = max(1, -(-min_us * rate_mHz // 1000000000))
        self._quiet = max(1, quiet_ms * rate_mHz // 1000000)
        self._kept = array("h", [0] * (3 * PRE_KEPT))
        self.window = [array("h", [0] * (self.pre_wanted + self.post_wanted)) for _ in range(3)]
        self._sums = [0, 0, 0]
        self.done = False
        self.started_at = -1
        self.begin()

    def begin(self) -> None:
        """Forget the samples so far: they do not touch those that come."""
        self._forget_rest()
        self._in_event = False
        self._calm = 0

    def _forget_rest(self) -> None:
        self._count = self._next = 0
        sums = self._sums
        sums[0] = sums[1] = sums[2] = 0

    def calm(self) -> bool:
        """Whether no event is under way and the time of quiet has passed since the last active sample."""
        return not self._in_event and self._calm >= self._quiet

    def feed(self, samples: "array[int]", first: int, sets: int, lost: bool) -> int:
        """Take `sets` xyz sets from `samples` on from set `first`; stop early when an event has ended (`done`).

        Returns how many sets were taken. When an event begins, `started_at` is its set's number in `samples`.
        """
        self.done = False
        if lost and self._in_event:
            self.flags |= frames.SHOCK_LOST
        elif lost:
            self.begin()
        for i in range(first, first + sets):
            x, y, z = samples[3 * i], samples[3 * i + 1], samples[3 * i + 2]
            if self._in_event:
                self._go_on(x, y, z)
                if self.done:
                    return i + 1 - first
            elif self._is_active_at_rest(x, y, z):
                self.started_at = i
                self._start(x, y, z)
            else:
                self._keep(x, y, z)
                self._calm += 1
        return sets

    def _is_active_at_rest(self, x: int, y: int, z: int) -> bool:
        count = self._count
        if count == 0:
            return False
        sums, threshold = self._sums, self._threshold
        return (
            abs(x - sums[0] // count) >= threshold
            or abs(y - sums[1] // count) >= threshold
            or abs(z - sums[2] // count) >= threshold
        )

    def _keep(self, x: int, y: int, z: int) -> None:
        kept, sums, at = self._kept, self._sums, 3 * self._next
        if self._count == PRE_KEPT:
            sums[0] -= kept[at]
            sums[1] -= kept[at + 1]
            sums[2] -= kept[at + 2]
        else:
            self._count += 1
        kept[at] = x
        kept[at + 1] = y
        kept[at + 2] = z
        sums[0] += x
        sums[1] += y
        sums[2] += z
        self._next = (self._next + 1) % PRE_KEPT

    def _start(self, x: int, y: int, z: int) -> None:
        self.base = [total // self._count for total in self._sums]
        self.peak = list(self.base)
        self.velocity = [0, 0, 0]
        self.duration = 0
        self.longest = 0
        self.flags = 0
        self.pre = min(self.pre_wanted, self._count)
        self.stored = 0
        for back in range(self.pre, 0, -1):
            at = 3 * ((self._next - back) % PRE_KEPT)
            self._store(self._kept[at], self._kept[at + 1], self._kept[at + 2])
        self._sum = [0, 0, 0]
        self._length = 0
        self._run = 0
        self._in_event = True
        self._go_on(x, y, z)

    def _store(self, x: int, y: int, z: int) -> None:
        at = self.stored
        if at < self.pre + self.post_wanted:
            window = self.window
            window[0][at] = x
            window[1][at] = y
            window[2][at] = z
            self.stored = at + 1

    def _go_on(self, x: int, y: int, z: int) -> None:
        self._store(x, y, z)
        self._length += 1
        base, total, peak = self.base, self._sum, self.peak
        active = False
        for axis in range(3):
            value = x if axis == 0 else y if axis == 1 else z
            away = value - base[axis]
            total[axis] += away
            if abs(away) > abs(peak[axis] - base[axis]):
                peak[axis] = value
            if abs(away) >= self._threshold:
                active = True
            if abs(value) >= self._range:
                self.flags |= frames.SHOCK_CLIPPED
        if active:
            self._note_active()
        else:
            self._run = 0
            self._calm += 1
            # The quiet after an event is the rest before the next one.
            self._keep(x, y, z)
        if self._calm >= self._quiet or self._length == _LONGEST:
            self._end()

    def _note_active(self) -> None:
        self._run += 1
        self._calm = 0
        if self._count:
            self._forget_rest()
        self.longest = max(self.longest, self._run)
        self.duration = self._length
        self.velocity[:] = self._sum

    def _end(self) -> None:
        if self._length == _LONGEST:
            self.flags |= frames.SHOCK_CUT
        if self.pre < self.pre_wanted or self.duration > self.post_wanted:
            self.flags |= frames.SHOCK_SHORT
        self._in_event = False
        self.done = self.longest >= self._least
