"""One boot's ticks to UTC: a piecewise linear map through clock pairs, and how far it may be off.

The model. The logger's ticks count a crystal whose frequency is 1 + e of its nominal one, with |e| at most D
(DRIFT_PPM), and e stays within a band W wide (WANDER_PPM) as long as the boot lasts. So the true UTC U(t) of tick t has
the slope 1 / (1 + e), which is off 1 by at most D / (1 - D), and stays within a band at most W / (1 - D)^2 wide. A pair
(t_i, u_i, s_i) says that |u_i - U(t_i)| <= s_i, and ticks and UTC are cut to whole ms (_ROUNDING_MS).

Between two pairs, L ticks apart, the map is the chord. Its ends are off by at most s_1 and s_2, so the chord is off by
at most what lies on the straight line between these. The true curve leaves its own chord by at most w x (L - x) / L at
x ticks from an end, where w is the width of the band of slopes: if the chord's slope lies at the share p of the band
above its low end, the curve rises above the chord by at most min(x (1 - p) w, (L - x) p w), because it meets the chord
at both ends; that is largest for p = x / L. The same holds below.

Outside the pairs the map goes on with the rate between the first and the last pair (the mean of the true slopes, off by
at most (s_1 + s_n) / L), if that says more than the nominal rate does; the slope is off by at most that and w. Else it
goes on with the nominal rate, off by at most D / (1 - D).

One pair alone: |U(t) - map| <= s_1 + |t - t_1| D / (1 - D).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from celltrail.evidence.record import ClockPair, Floats

# A crystal without temperature compensation: cut, ageing and -20 to 40 degC.
DRIFT_PPM = 50.0
# How wide the band is in which its rate stays while one boot lasts.
WANDER_PPM = 20.0
_PPM = 1e-6
# Each of the two ticks and the UTC is rounded down to a whole ms; of these, two at most add up.
ROUNDING_MS = 2.0
# UTC ms per tick ms.
DRIFT = DRIFT_PPM * _PPM / (1 - DRIFT_PPM * _PPM)
WANDER = WANDER_PPM * _PPM / (1 - DRIFT_PPM * _PPM) ** 2


@dataclass(frozen=True)
class BootMap:
    """Knots of ascending ticks, their UTC and uncertainty in ms.

    Outside them `rate` holds, and the bound grows by `outside` a tick. `doubt_ms` widens it everywhere.
    """

    ticks: Floats
    utc: Floats
    uncertainty: Floats
    rate: float
    outside: float
    doubt_ms: float = 0.0

    def utc_ms(self, ticks: Floats) -> Floats:
        """UTC of ticks."""
        inside = np.interp(ticks, self.ticks, self.utc)
        before = np.minimum(ticks - self.ticks[0], 0) * self.rate
        after = np.maximum(ticks - self.ticks[-1], 0) * self.rate
        return np.asarray(inside + before + after)

    def bound_ms(self, ticks: Floats) -> Floats:
        """How far UTC may be off, either way."""
        after = np.clip(np.searchsorted(self.ticks, ticks), 1, max(1, len(self.ticks) - 1))
        low, high = self.ticks[after - 1], self.ticks[np.minimum(after, len(self.ticks) - 1)]
        apart = np.maximum(high - low, 1)
        bow = np.maximum((ticks - low) * (high - ticks), 0) / apart * WANDER
        beyond = np.maximum(np.maximum(self.ticks[0] - ticks, ticks - self.ticks[-1]), 0) * self.outside
        known = np.interp(ticks, self.ticks, self.uncertainty)
        return np.asarray(known + bow + beyond + ROUNDING_MS + self.doubt_ms)

    def doubted(self, doubt_ms: float) -> "BootMap":
        """The same map with a wider bound."""
        return replace(self, doubt_ms=self.doubt_ms + doubt_ms)


def map_through(pairs: Sequence[ClockPair], excess_ms: Sequence[float], doubt_ms: float) -> BootMap:
    """The map through pairs of ascending ticks; `excess_ms` is added to the uncertainty of each."""
    rate, outside = _outside(pairs) if not doubt_ms and not any(excess_ms) else (1.0, DRIFT)
    return BootMap(
        ticks=np.array([pair.at.tick_ms for pair in pairs], np.float64),
        utc=np.array([pair.utc_ms for pair in pairs], np.float64),
        uncertainty=np.array([pair.uncertainty_ms for pair in pairs], np.float64) + np.asarray(excess_ms, np.float64),
        rate=rate,
        outside=outside,
        doubt_ms=doubt_ms,
    )


def _outside(pairs: Sequence[ClockPair]) -> tuple[float, float]:
    """The rate outside the pairs and how far it may be off."""
    first, last = pairs[0], pairs[-1]
    apart_ms = last.at.tick_ms - first.at.tick_ms
    unsure_ms = first.uncertainty_ms + last.uncertainty_ms + ROUNDING_MS
    if apart_ms <= 0 or unsure_ms / apart_ms + WANDER >= DRIFT:
        return 1.0, DRIFT
    return (last.utc_ms - first.utc_ms) / apart_ms, WANDER + unsure_ms / apart_ms
