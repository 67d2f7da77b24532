"""What the modelled chips sense, as functions of time since power-on."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def last_at_or_before(times_us: "Sequence[int]", t_us: float, guess: int) -> int:
    """Index of the last of the sorted times that is <= t_us, 0 if none is; quick when it is near `guess`."""
    last = len(times_us) - 1
    index = guess
    if times_us[index] > t_us:
        index = 0
    steps = 0
    while index < last and times_us[index + 1] <= t_us:
        index += 1
        steps += 1
        if steps > 8:
            return _bisect(times_us, t_us, index)
    return index


def _bisect(times_us: "Sequence[int]", t_us: float, low: int) -> int:
    high = len(times_us)
    while high - low > 1:
        middle = (low + high) // 2
        if times_us[middle] <= t_us:
            low = middle
        else:
            high = middle
    return low


class HeldTemperature:
    """Sample and hold: the last value at or before a time; before the first time, the first value.

    times_us: sorted. values: degC, or None while the probe is unplugged.
    """

    def __init__(self, times_us: "Sequence[int]", values: "Sequence[float | None]") -> None:
        if not times_us or len(times_us) != len(values):
            raise ValueError("a temperature signal needs as many values as times, and at least one")
        self._times_us = times_us
        self._values = values
        self._index = 0

    def celsius(self, t_us: int) -> "float | None":
        """Temperature, or None while the probe is unplugged."""
        self._index = last_at_or_before(self._times_us, t_us, self._index)
        return self._values[self._index]


class Segment:
    """Rows of one recording: sorted times and the accelerations x, y, z in g, all of one length."""

    def __init__(
        self,
        times_us: "Sequence[int]",
        x: "Sequence[float]",
        y: "Sequence[float]",
        z: "Sequence[float]",
    ) -> None:
        if not times_us or not len(times_us) == len(x) == len(y) == len(z):
            raise ValueError("a segment needs as many accelerations as times, and at least one")
        self.times_us = times_us
        self.x = x
        self.y = y
        self.z = z
        self.start_us = times_us[0]
        self.end_us = times_us[-1]


class RecordedAcceleration:
    """Linear between the rows of a segment; its last row holds until the next segment.

    segments: sorted, without overlap; before them all, the first row holds. rest: what is felt, in g, when
    there is no segment at all.
    """

    def __init__(self, segments: "list[Segment]", rest: "tuple[float, float, float]" = (0.0, 0.0, 1.0)) -> None:
        for i in range(1, len(segments)):
            if segments[i].start_us <= segments[i - 1].end_us:
                raise ValueError("segments must be sorted and may not overlap")
        self.segments = segments
        self._rest = rest
        self._segment = 0
        self._row = 0

    def active(self, t_us: float) -> "tuple[int, int] | None":
        """(start_us, end_us) of the segment that contains `t_us`, or of the next one; None after the last."""
        index = self._segment
        if index >= len(self.segments) or t_us < self.segments[index].start_us:
            index = 0
        for segment in self.segments[index:]:
            if t_us <= segment.end_us:
                return segment.start_us, segment.end_us
        return None

    def at(self, t_us: float) -> "tuple[float, float, float]":
        """(x_g, y_g, z_g) at `t_us`."""
        if not self.segments:
            return self._rest
        segment = self._find(t_us)
        times_us = segment.times_us
        if t_us >= segment.end_us:
            return segment.x[-1], segment.y[-1], segment.z[-1]
        if t_us <= segment.start_us:
            return segment.x[0], segment.y[0], segment.z[0]
        i = self._row = last_at_or_before(times_us, t_us, self._row)
        share = (t_us - times_us[i]) / (times_us[i + 1] - times_us[i])
        x, y, z = segment.x, segment.y, segment.z
        return (
            x[i] + (x[i + 1] - x[i]) * share,
            y[i] + (y[i + 1] - y[i]) * share,
            z[i] + (z[i + 1] - z[i]) * share,
        )

    def _find(self, t_us: float) -> Segment:
        """The segment that `t_us` is in or after, or the first one."""
        segments = self.segments
        index = self._segment
        if t_us < segments[index].start_us:
            index = 0
        while index + 1 < len(segments) and segments[index + 1].start_us <= t_us:
            index += 1
        if index != self._segment:
            self._segment = index
            self._row = 0
        return segments[index]
