"""Ticks to UTC, boot by boot, with a bound; ticks themselves are never rewritten.

A boot's clock pairs are the knots of a piecewise linear map. Between knots the logger's crystal may wander,
beyond them it may drift; both widen the bound. A boot without any pair lies between its neighbours, or its time
is unknown.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celltrail.evidence.record import ClockPair, Floats, Instant, Ints, Record
from celltrail.utc import span

# A crystal without temperature compensation: cut, ageing and -20 to 40 degC.
DRIFT_PPM = 50.0
# How far its rate may leave the mean between two knots.
WANDER_PPM = 20.0
SUSPICIOUS_PPM = 200.0
_QUARTER_MS = 15 * 60 * 1000
# Ticks and UTC are whole milliseconds, each rounded down.
_ROUNDING_MS = 2
_PPM = 1e-6
# A crafted file may hold any number of clocks that contradict each other.
_MOST_FLAGS = 100


@dataclass(frozen=True)
class BootMap:
    """One boot: knots of ascending ticks, their UTC and uncertainty in ms; `rate` holds outside them."""

    ticks: Floats
    utc: Floats
    uncertainty: Floats
    rate: float

    def utc_ms(self, ticks: Floats) -> Floats:
        """UTC of ticks."""
        inside = np.interp(ticks, self.ticks, self.utc)
        before = np.minimum(ticks - self.ticks[0], 0) * self.rate
        after = np.maximum(ticks - self.ticks[-1], 0) * self.rate
        return np.asarray(inside + before + after)

    def bound_ms(self, ticks: Floats) -> Floats:
        """How far UTC may be off, either way."""
        after = np.minimum(np.searchsorted(self.ticks, ticks), len(self.ticks) - 1)
        around = np.abs(ticks - self.ticks[np.maximum(after - 1, 0)]), np.abs(ticks - self.ticks[after])
        nearest = np.minimum(*around)
        outside = (ticks < self.ticks[0]) | (ticks > self.ticks[-1])
        ppm = np.where(outside, DRIFT_PPM, WANDER_PPM)
        return np.asarray(np.interp(ticks, self.ticks, self.uncertainty) + nearest * ppm * _PPM)


@dataclass(frozen=True)
class Between:
    """A boot without a pair: the UTC of its tick 0 lies in [earliest, latest]."""

    earliest: float
    latest: float


class Clock:
    """The map of a whole record; `flags` are doubts about it, one sentence each."""

    def __init__(self, record: Record) -> None:
        self.flags: list[str] = []
        self._between: dict[int, Between] = {}
        lengths = {instant.boot: float(instant.tick_ms) for instant in record.last_ticks}
        pairs: dict[int, list[ClockPair]] = {}
        for pair in record.clock_pairs:
            lengths[pair.at.boot] = max(lengths.get(pair.at.boot, 0.0), float(pair.at.tick_ms))
            pairs.setdefault(pair.at.boot, []).append(pair)
        self.synced = {boot: self._map(boot, pairs[boot]) for boot in sorted(pairs)}
        self._place_others(lengths)

    def utc_of(self, boots: Ints, ticks: Ints) -> tuple[Floats, Floats]:
        """UTC in ms and its bound in ms; NaN and infinity where the time is unknown."""
        utc = np.full(len(ticks), np.nan)
        bound = np.full(len(ticks), np.inf)
        order = np.argsort(boots, kind="stable")
        for mine in np.split(order, np.flatnonzero(np.diff(boots[order])) + 1) if len(boots) else []:
            boot = int(boots[mine[0]])
            here = ticks[mine].astype(np.float64)
            if boot in self.synced:
                utc[mine], bound[mine] = self.synced[boot].utc_ms(here), self.synced[boot].bound_ms(here)
            elif boot in self._between:
                gap = self._between[boot]
                utc[mine] = (gap.earliest + gap.latest) / 2 + here
                bound[mine] = (gap.latest - gap.earliest) / 2 + here * DRIFT_PPM * _PPM
        return utc, bound

    def utc_ms(self, at: Instant) -> int | None:
        """UTC of one instant, or None."""
        utc, _ = self.utc_of(np.array([at.boot]), np.array([at.tick_ms]))
        return None if np.isnan(utc[0]) else round(float(utc[0]))

    def bound_ms(self, at: Instant) -> int | None:
        """The bound of one instant's UTC, or None when that is unknown."""
        utc, bound = self.utc_of(np.array([at.boot]), np.array([at.tick_ms]))
        return None if np.isnan(utc[0]) else int(np.ceil(bound[0]))

    def _map(self, boot: int, pairs: Sequence[ClockPair]) -> BootMap:
        kept = _unique(self._without_strangers(boot, sorted(pairs, key=lambda pair: pair.at.tick_ms)))
        excess = [0.0] * len(kept)
        for i, (one, two) in enumerate(zip(kept, kept[1:], strict=False)):
            off = self._flag(boot, one, two)
            excess[i], excess[i + 1] = max(excess[i], off), max(excess[i + 1], off)
        return BootMap(
            ticks=np.array([pair.at.tick_ms for pair in kept], np.float64),
            utc=np.array([pair.utc_ms for pair in kept], np.float64),
            uncertainty=np.array([pair.uncertainty_ms for pair in kept], np.float64) + excess,
            rate=_rate(kept[0], kept[-1]) if not any(excess) else 1.0,
        )

    def _without_strangers(self, boot: int, pairs: Sequence[ClockPair]) -> Sequence[ClockPair]:
        """Read-out pairs that contradict the logger's own record are flagged and left out."""
        recorded = [pair for pair in pairs if pair.recorded]
        if not recorded:
            return pairs
        ticks = [pair.at.tick_ms for pair in recorded]
        kept = []
        for pair in pairs:
            before = recorded[max(0, bisect_right(ticks, pair.at.tick_ms) - 1)]
            if pair.recorded or not self._flag(boot, before, pair):
                kept.append(pair)
        return kept

    def _flag(self, boot: int, one: ClockPair, two: ClockPair) -> float:
        """Say that two pairs contradict each other; by how many ms, 0 when they don't."""
        apart_ms = abs(two.at.tick_ms - one.at.tick_ms)
        off_ms = (two.utc_ms - one.utc_ms) - (two.at.tick_ms - one.at.tick_ms)
        unsure_ms = one.uncertainty_ms + two.uncertainty_ms + _ROUNDING_MS
        if abs(off_ms) - unsure_ms <= apart_ms * SUSPICIOUS_PPM * _PPM:
            return 0.0
        text = f"boot {boot}: two clocks disagree by {span(off_ms)} over {span(apart_ms)}"
        if _near_quarter(off_ms, unsure_ms + apart_ms * DRIFT_PPM * _PPM):
            text += "; a whole number of quarter hours looks like a wrong time zone"
        elif apart_ms:
            text += f", a drift of {(abs(off_ms) - unsure_ms) / apart_ms / _PPM:.0f} ppm or more"
        text += "; the reading computer's is not used" if one.recorded and not two.recorded else ""
        if len(self.flags) < _MOST_FLAGS and text not in self.flags:
            self.flags.append(text)
        return float(abs(off_ms))

    def _place_others(self, lengths: dict[int, float]) -> None:
        """Put boots without a pair between the ends of their neighbours."""
        boots = sorted(lengths)
        earliest: dict[int, float] = {}
        latest: dict[int, float] = {}
        edge = -np.inf
        for boot in boots:
            earliest[boot] = edge
            edge = self._edge(boot, lengths[boot], -1) if boot in self.synced else edge + lengths[boot]
        edge = np.inf
        for boot in reversed(boots):
            latest[boot] = edge - lengths[boot]
            edge = self._edge(boot, 0.0, 1) if boot in self.synced else latest[boot]
        for boot in boots:
            if boot not in self.synced and np.isfinite(earliest[boot]) and np.isfinite(latest[boot]):
                self._between[boot] = Between(earliest[boot], max(earliest[boot], latest[boot]))

    def _edge(self, boot: int, tick_ms: float, side: int) -> float:
        """The earliest (-1) or latest (1) UTC of a tick of a boot that has pairs."""
        at = np.array([tick_ms])
        one = self.synced[boot]
        return float(one.utc_ms(at)[0] + side * one.bound_ms(at)[0])


def _unique(pairs: Sequence[ClockPair]) -> list[ClockPair]:
    """One pair for each tick, the surest."""
    best: dict[int, ClockPair] = {}
    for pair in pairs:
        known = best.get(pair.at.tick_ms)
        if known is None or pair.uncertainty_ms < known.uncertainty_ms:
            best[pair.at.tick_ms] = pair
    return [best[tick] for tick in sorted(best)]


def _rate(first: ClockPair, last: ClockPair) -> float:
    """UTC ms per tick ms between two pairs, when they are far enough apart to tell; else 1."""
    apart_ms = last.at.tick_ms - first.at.tick_ms
    unsure_ms = first.uncertainty_ms + last.uncertainty_ms
    if apart_ms <= 0 or unsure_ms > apart_ms * WANDER_PPM * _PPM:
        return 1.0
    return (last.utc_ms - first.utc_ms) / apart_ms


def _near_quarter(off_ms: float, tolerance_ms: float) -> bool:
    whole = round(off_ms / _QUARTER_MS)
    tolerance_ms = min(tolerance_ms + 1000, _QUARTER_MS / 10)
    return whole != 0 and abs(off_ms - whole * _QUARTER_MS) <= tolerance_ms
