"""Front end of the modelled accelerometers: filter, sample grid and quantisation, computed when needed.

Sample k is taken k periods after power-on. The input runs through a two-pole Butterworth low-pass (bilinear
transform with its corner kept in place) at four times the sample rate, of which every fourth output is a
sample. Where the input stands still and the filter has settled, nothing is computed: such a stretch is one
run of equal samples.
"""

import math
from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class AccelerationSignal(Protocol):
        def active(self, t_us: float) -> "tuple[int, int] | None": ...
        def at(self, t_us: float) -> "tuple[float, float, float]": ...


_OVERSAMPLING = 4
_BLOCK = 256
_SETTLED_STEPS = 0.01
# After so many periods of the corner frequency the filter has forgotten full scale: e ** (-sqrt(2) * pi * 4)
# is 2e-8.
_MEMORY = 4


class Run:
    """Samples first <= k < end: x, y, z from `codes[(k - first) * stride]` on; stride 0: all are equal."""

    def __init__(self, first: int, end: int, codes: "array[int]", stride: int) -> None:
        self.first = first
        self.end = end
        self.codes = codes
        self.stride = stride


class SampledAcceleration:
    """Runs of samples of `signal`, generated from left to right.

    rate_mHz: samples a second, times 1000. corner: of the filter, as a fraction of the sample rate. step_g:
    of one code. low, high: where codes clip. begin: the first sample that anybody wants; what came long
    before is skipped.
    """

    def __init__(
        self,
        signal: "AccelerationSignal",
        rate_mHz: int,
        corner: float,
        step_g: float,
        low: int,
        high: int,
        begin: int,
    ) -> None:
        self._signal = signal
        self._step_g = step_g
        self._low = low
        self._high = high
        self._period_us = 1e9 / (rate_mHz * _OVERSAMPLING)
        self._memory_us = _MEMORY * self._period_us * _OVERSAMPLING / corner
        self._coefficients = butterworth(corner / _OVERSAMPLING)
        self._runs: "list[Run]" = []
        # The filter's next step, and the first sample that is not yet generated.
        self._step = self._first_step(begin * _OVERSAMPLING)
        self.end = -(-self._step // _OVERSAMPLING)
        # When the segment ends that is being filtered; None while the input stands still.
        self._end_us: "int | None" = None
        self._settle(signal.at(self._step * self._period_us))

    def _first_step(self, wanted: int) -> int:
        """A step from which the filter, settled on the input, gives the right output at step `wanted`."""
        period_us = self._period_us
        begin_us = 0.0
        segment = self._signal.active(begin_us)
        while segment is not None and segment[1] + self._memory_us < wanted * period_us:
            forgotten_us = segment[1] + self._memory_us
            segment = self._signal.active(segment[1] + 1)
            if segment is None or segment[0] > forgotten_us + period_us:
                begin_us = forgotten_us
        return math.ceil(begin_us / period_us)

    # --- for the chips ---

    def run_at(self, k: int) -> Run:
        """The run that holds sample k, which must be generated and not released."""
        for run in self._runs:
            if k < run.end:
                return run
        raise IndexError(k)

    def code_at(self, k: int, axis: int) -> int:
        """One axis (0 is x) of sample k, which must be generated and not released."""
        run = self.run_at(k)
        return run.codes[(k - run.first) * run.stride + axis]

    def reach(self, end: int) -> None:
        """Generate all samples before `end`."""
        while self.end < end:
            self.extend(end)

    def release(self, k: int) -> None:
        """Forget the samples before k, as far as whole runs go."""
        while self._runs and self._runs[0].end <= k:
            self._runs.pop(0)

    def extend(self, end: int) -> None:
        """Generate some samples, not beyond `end`; there must be some to generate."""
        if self._end_us is None:
            self._stand_still(end)
        else:
            self._filter(end, self._end_us)

    # --- stretches where nothing moves ---

    def _settle(self, held: "tuple[float, float, float]") -> None:
        """Put the filter into the state that it has after a long time of constant input."""
        b0, b1, b2, a1, a2 = self._coefficients
        self._held = held
        self._state = [(value * (1 - b0), value * (b2 - a2)) for value in held]

    def _stand_still(self, end: int) -> None:
        """One run of equal samples, up to the next segment, or the beginning of that segment."""
        now_us = self._step * self._period_us
        segment = self._signal.active(now_us)
        stop = end * _OVERSAMPLING
        if segment is not None:
            if segment[0] <= now_us:
                self._end_us = segment[1]
                return
            stop = min(stop, math.ceil(segment[0] / self._period_us))
        last = -(-stop // _OVERSAMPLING)
        self._step = stop
        if last > self.end:
            self._append(Run(self.end, last, array("h", [self._code(value) for value in self._held]), 0))

    def _append(self, run: Run) -> None:
        runs = self._runs
        if run.stride == 0 and runs and runs[-1].stride == 0 and runs[-1].codes == run.codes:
            runs[-1].end = run.end
        else:
            runs.append(run)
        self.end = run.end

    def _code(self, value_g: float) -> int:
        return min(max(math.floor(value_g / self._step_g + 0.5), self._low), self._high)

    # --- stretches where something moves ---

    def _filter(self, end: int, end_us: int) -> None:
        """One run of at most _BLOCK samples; ends early where the filter has settled after the segment."""
        # Everything is local and written out per axis: this loop takes most of a replay's time.
        b0, b1, b2, a1, a2 = self._coefficients
        (x1, x2), (y1, y2), (z1, z2) = self._state
        at, period_us, code = self._signal.at, self._period_us, self._code
        step, stop = self._step, _OVERSAMPLING * min(end, self.end + _BLOCK)
        tolerance_g = _SETTLED_STEPS * self._step_g
        codes = array("h", bytes(6 * _BLOCK))
        index = 0
        quiet = 0
        while step < stop and quiet < 2:
            now_us = step * period_us
            x, y, z = at(now_us)
            fx = b0 * x + x1
            x1 = b1 * x - a1 * fx + x2
            x2 = b2 * x - a2 * fx
            fy = b0 * y + y1
            y1 = b1 * y - a1 * fy + y2
            y2 = b2 * y - a2 * fy
            fz = b0 * z + z1
            z1 = b1 * z - a1 * fz + z2
            z2 = b2 * z - a2 * fz
            if not step % _OVERSAMPLING:
                codes[index] = code(fx)
                codes[index + 1] = code(fy)
                codes[index + 2] = code(fz)
                index += 3
            if now_us > end_us:
                end_us = self._end_after(now_us, end_us)
                # Twice in a row, so that an overshoot that passes through the input's value doesn't count.
                near = abs(fx - x) < tolerance_g and abs(fy - y) < tolerance_g and abs(fz - z) < tolerance_g
                quiet = quiet + 1 if near and now_us > end_us else 0
            step += 1
        self._step = step
        self._state = [(x1, x2), (y1, y2), (z1, z2)]
        self._end_us = end_us
        if quiet == 2:
            self._end_us = None
            self._settle((x, y, z))
        if index:
            self._append(Run(self.end, self.end + index // 3, codes, 3))

    def _end_after(self, now_us: float, end_us: int) -> int:
        """End of the segment that goes on at `now_us`, or `end_us` when there is none."""
        segment = self._signal.active(now_us)
        if segment is None or segment[0] > now_us:
            return end_us
        return segment[1]


def butterworth(corner: float) -> "tuple[float, float, float, float, float]":
    """b0, b1, b2, a1, a2 of a two-pole Butterworth low-pass; `corner` as a fraction of its rate, below 0.5.

    Bilinear transform of 1 / (s^2 + sqrt(2) s + 1) with s = (1 - 1/z) / (1 + 1/z) / tan(pi * corner).
    """
    k = math.tan(math.pi * corner)
    norm = 1 + math.sqrt(2) * k + k * k
    b0 = k * k / norm
    return b0, 2 * b0, b0, 2 * (k * k - 1) / norm, (1 - math.sqrt(2) * k + k * k) / norm
