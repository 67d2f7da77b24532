"""What the readings of a channel come to: extremes, mean, spread, percentiles, and MKT for information."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from celltrail.evaluate.mkt import highest_mkt, mkt
from celltrail.evidence.record import Floats, Ints

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)


@dataclass(frozen=True)
class Statistics:
    """In degC; None where there are no readings. `sd_c` is that of a sample. `covered_s`: a period for each reading."""

    readings: int
    covered_s: float
    lowest_c: float | None = None
    highest_c: float | None = None
    mean_c: float | None = None
    sd_c: float | None = None
    percentiles_c: Mapping[int, float] | None = None
    mkt_c: float | None = None


@dataclass(frozen=True)
class KineticMean:
    """MKT over the window of the product, for information: the highest one, `whole` False when the trip is shorter.

    Then it is that of all readings. `reference_c` is what it is compared with, if anything.
    """

    window_s: int
    value_c: float
    whole: bool
    reference_c: float | None


def statistics_of(celsius: Floats, period_s: float) -> Statistics:
    """The figures of readings that each stand for a period."""
    count = len(celsius)
    if not count:
        return Statistics(0, 0.0)
    return Statistics(
        readings=count,
        covered_s=count * period_s,
        lowest_c=float(celsius.min()),
        highest_c=float(celsius.max()),
        mean_c=float(celsius.mean()),
        sd_c=float(celsius.std(ddof=1)) if count > 1 else 0.0,
        percentiles_c=dict(zip(PERCENTILES, _percentiles(celsius), strict=True)),
        mkt_c=mkt(celsius),
    )


def _percentiles(celsius: Floats) -> list[float]:
    """With straight lines between readings in order of size, as numpy's own, which takes ten times as long."""
    places = np.array(PERCENTILES) / 100 * (len(celsius) - 1)
    return np.interp(places, np.arange(len(celsius)), np.sort(celsius)).tolist()  # type: ignore[no-any-return]


def kinetic_mean(
    places: Ints, celsius: Floats, period_s: float, window_s: int, reference_c: float | None
) -> KineticMean | None:
    """MKT over a product's window; None when there are no readings or MKT says nothing about it."""
    if not window_s or not len(celsius):
        return None
    highest = highest_mkt(places, celsius, math.ceil(window_s / period_s))
    if highest is None:
        return KineticMean(window_s, mkt(celsius), False, reference_c)
    return KineticMean(window_s, highest, True, reference_c)
