"""Shock events in figures: how hard, how long, which way, from what height, and how far the figures can be trusted."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from celltrail.evaluate.drops import DropHeight, drop_height
from celltrail.evaluate.legs import Leg
from celltrail.evaluate.orientation import Orientation, orientation_of
from celltrail.evaluate.pulse import HALF_SINE_SHARE, Pulse, pulse_of, rest_g, wave_g
from celltrail.evaluate.srs import frequencies, spectra
from celltrail.evaluate.timeline import Moment, Timeline
from celltrail.evaluate.verdicts import IN, OUT, UNDECIDABLE
from celltrail.evidence.record import Floats, Record, Shock
from celltrail.plans.judging import Fragility

# A peak that may be more than this too low is called a lower bound.
TRUSTED_SHARE = 0.1
_NANO = 1e-9


@dataclass(frozen=True)
class ShockResult:
    """One event. g and m/s, away from rest, with the sign of the axis.

    `resultant_g` is that of the stored waveform; without one the largest axis, and `resultant_most_g`, as if all axes
    had peaked at once, bounds it. `duration_ms` is at a tenth of the peak, None without waveform; `active_ms` is from
    the first to the last sample beyond the threshold. `under_read` is the share by which sampling alone may have missed
    the peak of a half-sine of this length.
    """

    shock: Shock
    moment: Moment
    slot: int
    leg: int
    peak_g: tuple[float, float, float]
    resultant_g: float
    resultant_most_g: float
    duration_ms: float | None
    active_ms: float
    velocity_m_s: tuple[float, float, float]
    velocity_change_m_s: float
    orientation: Orientation
    drop: DropHeight
    under_read: float
    remarks: tuple[str, ...]

    @property
    def lower_bound(self) -> bool:
        """Whether the peak may have been clearly higher: clipped, samples lost, or sampled too slowly."""
        return bool(self.remarks) or self.under_read > TRUSTED_SHARE

    @cached_property
    def spectrum(self) -> "Spectrum | None":
        """The shock response spectrum of the stored waveform; None without one."""
        return spectrum_of(self.shock)


@dataclass(frozen=True)
class Spectrum:
    """`axes_g` has a row for each axis, `highest_g` is the largest of them at each frequency. Q is 10."""

    at_Hz: Floats
    axes_g: Floats

    @property
    def highest_g(self) -> Floats:
        """The envelope of the axes."""
        return np.asarray(self.axes_g.max(axis=0))


@dataclass(frozen=True)
class LegShocks:
    """The events of one leg; the figures are None when there are none."""

    leg: int
    count: int
    highest_g: float | None
    highest_velocity_m_s: float | None
    highest_drop_m: float | None


@dataclass(frozen=True)
class DamageResult:
    """Events against the damage boundary of the product (ASTM D3332): damage takes both, the critical velocity change
    and the critical acceleration. `beyond` and `unsure` are the indexes of events.
    """

    fragility: Fragility
    verdict: str
    beyond: tuple[int, ...]
    unsure: tuple[int, ...]


def shocks_of(record: Record, timeline: Timeline, legs: Sequence[Leg]) -> list[ShockResult]:
    """All events in the order of the record."""
    if not record.shocks:
        return []
    boots = np.array([one.at.boot for one in record.shocks])
    moments = timeline.moments(boots, np.array([one.at.tick_ms for one in record.shocks]))
    return [_result(one, moment, timeline, legs) for one, moment in zip(record.shocks, moments, strict=True)]


def _result(shock: Shock, moment: Moment, timeline: Timeline, legs: Sequence[Leg]) -> ShockResult:
    slot = timeline.edge(moment).slot
    pulse = pulse_of(shock)
    x, y, z = ((peak - base) * shock.step_ng * _NANO for peak, base in zip(shock.peak, shock.base, strict=True))
    most_g = math.hypot(x, y, z)
    largest_g = max(abs(x), abs(y), abs(z))
    # A window that was cut short may lack the peak.
    seen_g = max(pulse.resultant_g, largest_g) if pulse else largest_g
    velocity = pulse.velocity_m_s if pulse and pulse.whole else shock.velocity_m_s
    change = math.hypot(*velocity)
    return ShockResult(
        shock=shock,
        moment=moment,
        slot=slot,
        leg=_leg_of(slot, moment, legs),
        peak_g=(x, y, z),
        resultant_g=seen_g,
        resultant_most_g=max(most_g, seen_g),
        duration_ms=pulse.duration_ms if pulse and pulse.whole else None,
        active_ms=shock.duration_ms,
        velocity_m_s=velocity,
        velocity_change_m_s=change,
        orientation=orientation_of(shock, velocity),
        drop=drop_height(change, pulse.fall_s if pulse else None, bool(pulse and pulse.fell_before)),
        under_read=_under_read(shock, pulse),
        remarks=tuple(shock.remarks),
    )


def _leg_of(slot: int, moment: Moment, legs: Sequence[Leg]) -> int:
    """The leg in which an event lies; among those that end at its slot the moments decide."""
    at = bisect_left([leg.end_slot for leg in legs], slot)
    while at + 1 < len(legs) and not (slot < legs[at].end_slot or _is_before(moment, legs[at].end.moment)):
        at += 1
    return min(at, max(len(legs) - 1, 0))


def _is_before(one: Moment, two: Moment) -> bool:
    if one.at is not None and two.at is not None and one.at.boot == two.at.boot:
        return one.at.tick_ms < two.at.tick_ms
    return one.utc_ms is not None and two.utc_ms is not None and one.utc_ms < two.utc_ms


def _under_read(shock: Shock, pulse: Pulse | None) -> float:
    """At the worst phase the nearest sample is half a sample from the top of a half-sine N samples long.

    It reads cos(pi / 2N) of it. N is a sample less than the waveform seems to hold, whose edges lie between samples;
    without a waveform it is the samples beyond the threshold, fewer than the pulse has.
    """
    samples = float(shock.longest)
    if pulse is not None and pulse.whole:
        samples = pulse.duration_ms / 1000 * shock.rate_Hz / HALF_SINE_SHARE - 1
    return 1 - math.cos(math.pi / (2 * max(samples, 1.0)))


def spectrum_of(shock: Shock) -> Spectrum | None:
    """The spectra of the three axes, away from rest; None without a waveform."""
    if not shock.waves or not shock.rate_mHz or not shock.step_ng:
        return None
    at_Hz = frequencies(shock.rate_Hz, shock.window)
    if not len(at_Hz):
        return None
    return Spectrum(at_Hz, spectra(wave_g(shock) - rest_g(shock), shock.rate_Hz, at_Hz))


def leg_shocks(results: Sequence[ShockResult], legs: Sequence[Leg]) -> list[LegShocks]:
    """The events by leg."""
    by_leg: dict[int, list[ShockResult]] = {}
    for one in results:
        by_leg.setdefault(one.leg, []).append(one)
    return [_leg_shocks(leg.number, by_leg.get(leg.number, [])) for leg in legs]


def _leg_shocks(leg: int, mine: Sequence[ShockResult]) -> LegShocks:
    return LegShocks(
        leg,
        len(mine),
        max((one.resultant_g for one in mine), default=None),
        max((one.velocity_change_m_s for one in mine), default=None),
        max((one.drop.highest_m for one in mine), default=None),
    )


def damage_of(results: Sequence[ShockResult], fragility: Fragility | None, watched: bool) -> DamageResult | None:
    """The events against a product's boundary; None without one. Undecidable when shocks were not watched."""
    if fragility is None:
        return None
    g, m_s = float(fragility.critical_g), float(fragility.critical_m_s)
    fast = [(number, one) for number, one in enumerate(results) if one.velocity_change_m_s >= m_s]
    beyond = tuple(number for number, one in fast if one.resultant_g >= g)
    unsure = tuple(number for number, one in enumerate(results) if number not in beyond and _may_be_beyond(one, g, m_s))
    verdict = OUT if beyond else UNDECIDABLE if unsure or not watched else IN
    return DamageResult(fragility, verdict, beyond, unsure)


def _may_be_beyond(one: ShockResult, critical_g: float, critical_m_s: float) -> bool:
    """Whether what the figures may lack could carry an event over the boundary."""
    if one.remarks:
        return True
    highest_g = one.resultant_most_g / (1 - one.under_read) if one.under_read < 1 else math.inf
    return one.velocity_change_m_s >= critical_m_s and highest_g >= critical_g
