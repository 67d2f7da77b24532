"""Ticks to UTC, boot by boot, with a bound; ticks themselves are never rewritten.

`clock_pairs` chooses what to believe of a boot's pairs, `boot_map` maps its ticks and derives the bound. Here boots
are put in order: as the record has them, for their numbers go on from 65,535 with 0. A boot cannot begin before the
one before it has ended, so one without any pair lies between its neighbours, and pairs that say otherwise are wrong.

A boot that ran for L ticks took between L / (1 + D) and L / (1 - D) (`boot_map`), so with `edge` the earliest end of
the boot before, its power-on is not before `edge`, and its own end not before `edge` + L / (1 + D).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celltrail.evidence.boot_map import DRIFT, DRIFT_PPM, WANDER_PPM, BootMap
from celltrail.evidence.clock_pairs import Believed, believe
from celltrail.evidence.record import ClockPair, Floats, Instant, Ints, Record
from celltrail.sentence import Length, Sentence, Utc, joined

__all__ = ["DRIFT_PPM", "WANDER_PPM", "Between", "BootMap", "Clock"]


@dataclass(frozen=True)
class Between:
    """A boot without a pair: the UTC of its tick 0 lies in [earliest, latest]."""

    earliest: float
    latest: float


class Clock:
    """The map of a whole record; `flags` are doubts about it, one sentence each.

    `synced` are the boots with pairs, `unknown` those without a time, `order` all as they followed each other.
    """

    def __init__(self, record: Record) -> None:
        self._recorded = {instant.boot: float(instant.tick_ms) for instant in record.last_ticks}
        pairs: dict[int, list[ClockPair]] = {}
        for pair in record.clock_pairs:
            pairs.setdefault(pair.at.boot, []).append(pair)
        self._lengths = dict(self._recorded)
        for boot, some in pairs.items():
            self._lengths[boot] = max(self._lengths.get(boot, 0.0), *(float(pair.at.tick_ms) for pair in some))
        # A dict keeps its order: those of the record, and after them what only a read-out has seen.
        self.order: Sequence[int] = tuple(self._lengths)
        believed = {boot: believe(pairs[boot], self._lengths[boot]) for boot in self.order if boot in pairs}
        # What has no readings needs no doubts.
        flagged = [boot for boot in self._recorded if boot in believed]
        self.flags: list[str] = [
            Sentence("boot {boot}: {text}", boot=boot, text=text) for boot in flagged for text in believed[boot].flags
        ]
        self.synced = self._possible(believed)
        self._flag_order()
        self._between = self._place_others()
        known = self.synced.keys() | self._between.keys()
        self.unknown = tuple(boot for boot in self._recorded if boot not in known)
        self._flag_unsealed(believed)
        self._flag_unknown()

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
                bound[mine] = (gap.latest - gap.earliest) / 2 + here * DRIFT
        return utc, bound

    def utc_ms(self, at: Instant) -> int | None:
        """UTC of one instant, or None."""
        utc, _ = self.utc_of(np.array([at.boot]), np.array([at.tick_ms]))
        return None if np.isnan(utc[0]) else round(float(utc[0]))

    def bound_ms(self, at: Instant) -> int | None:
        """The bound of one instant's UTC, or None when that is unknown."""
        utc, bound = self.utc_of(np.array([at.boot]), np.array([at.tick_ms]))
        return None if np.isnan(utc[0]) else int(np.ceil(bound[0]))

    # The order of boots

    def _possible(self, believed: dict[int, Believed]) -> dict[int, BootMap]:
        """The maps; one that rests on a read-out's pair alone must fit between those of the record."""
        maps = {boot: one.map for boot, one in believed.items() if one.sealed}
        earliest, latest = self._earliest(maps), self._latest(maps)
        for boot, one in believed.items():
            if one.sealed:
                continue
            too_early = earliest[boot] - self._edge(one.map, 0.0, 1)
            too_late = self._edge(one.map, self._lengths[boot], -1) - latest[boot] - self._shortest(boot)
            if max(too_early, too_late) <= 0:
                maps[boot] = one.map
            elif boot in self._recorded:
                self.flags.append(
                    Sentence(
                        "boot {boot}: by the reading computer's clock it lies {off} {where}; that clock is not used: "
                        "check it, and read the logger out again",
                        boot=boot,
                        off=Length(max(too_early, too_late)),
                        where=Sentence(
                            "before the boot before it ends" if too_early > 0 else "after the boot after it begins"
                        ),
                    )
                )
        return {boot: maps[boot] for boot in self.order if boot in maps}

    def _flag_order(self) -> None:
        """Clocks by which a boot begins before an earlier one has ended."""
        edge, last = -np.inf, None
        for boot in self.order:
            if boot not in self.synced:
                edge += self._shortest(boot)
                continue
            overlap_ms = edge - self._edge(self.synced[boot], 0.0, 1)
            end = self._edge(self.synced[boot], self._lengths[boot], -1)
            if overlap_ms > 0 and last is not None:
                self._doubt_order(last, boot, overlap_ms)
            if end >= edge:
                edge, last = end, boot

    def _doubt_order(self, one: int, two: int, overlap_ms: float) -> None:
        if two in self._recorded:
            self.flags.append(
                Sentence(
                    "boot {two} begins {overlap} before boot {one} ends (boot {one} was told {utc_one}, boot {two} was "
                    "told {utc_two}): the clock of one of them was wrong by at least that; compare the times of both "
                    "with an event whose time you know",
                    one=one,
                    two=two,
                    overlap=Length(overlap_ms),
                    utc_one=self._said(one),
                    utc_two=self._said(two),
                )
            )
        for boot in (one, two):
            self.synced[boot] = self.synced[boot].doubted(overlap_ms)

    def _said(self, boot: int) -> Utc:
        """What a boot's clock was told first."""
        return Utc(round(float(self.synced[boot].utc[0])))

    def _shortest(self, boot: int) -> float:
        return self._lengths[boot] / (1 + DRIFT)

    def _earliest(self, maps: dict[int, BootMap]) -> dict[int, float]:
        """For each boot the earliest UTC of its tick 0 that the boots before it leave."""
        found, edge = {}, -np.inf
        for boot in self.order:
            found[boot] = edge
            end = self._edge(maps[boot], self._lengths[boot], -1) if boot in maps else -np.inf
            edge = max(edge + self._shortest(boot), end)
        return found

    def _latest(self, maps: dict[int, BootMap]) -> dict[int, float]:
        """For each boot the latest UTC of its tick 0 that the boots after it leave."""
        found, edge = {}, np.inf
        for boot in reversed(self.order):
            found[boot] = edge - self._shortest(boot)
            begin = self._edge(maps[boot], 0.0, 1) if boot in maps else np.inf
            edge = min(found[boot], begin)
        return found

    def _edge(self, one: BootMap, tick_ms: float, side: int) -> float:
        """The earliest (-1) or latest (1) UTC of a tick."""
        at = np.array([tick_ms])
        return float(one.utc_ms(at)[0] + side * one.bound_ms(at)[0])

    # Boots without a clock

    def _place_others(self) -> dict[int, Between]:
        """Boots without a pair, between the ends of their neighbours."""
        earliest, latest = self._earliest(self.synced), self._latest(self.synced)
        found = {}
        for boot in self.order:
            if boot not in self.synced and np.isfinite(earliest[boot]) and np.isfinite(latest[boot]):
                low, high = sorted((earliest[boot], latest[boot]))
                found[boot] = Between(low, high)
        return found

    def _flag_unsealed(self, believed: dict[int, Believed]) -> None:
        boots = [boot for boot in self._recorded if boot in self.synced and not believed[boot].sealed]
        if boots:
            self.flags.append(
                Sentence(
                    "{boots}: only the clock of the computer that read the logger out tells the time, and no seal "
                    "covers it; make sure that it was right",
                    boots=_named(boots),
                )
            )

    def _flag_unknown(self) -> None:
        boots = self.unknown
        if boots:
            where = Sentence("the whole trip") if len(boots) == len(self._recorded) else _named(boots)
            self.flags.append(
                Sentence(
                    "{where}: no clock was set, so the times are unknown; the readings keep their order and their "
                    "distances, and an event whose time you know dates them",
                    where=where,
                )
            )


def _named(boots: Sequence[int]) -> str:
    named = joined([Sentence("boot {boot}", boot=boot) for boot in boots[:3]], ", ")
    more = len(boots) - 3
    return Sentence("{boots} and {more} more", boots=named, more=more) if more > 0 else named
