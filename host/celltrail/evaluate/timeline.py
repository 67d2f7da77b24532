"""One axis for everything in a record: slots of its schedule, as places a period apart.

A restart skips no slot but takes time, so the places behind it move on by the periods that it may have taken at most:
what nobody measured is unknown, also when no slot tells of it.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from celltrail.evidence.clock import Clock
from celltrail.evidence.record import Floats, Instant, Ints, Record
from celltrail.utc import iso

# More places than any rule counts: an outage of unknown length.
ENDLESS = 1 << 40


def seconds_of(places: int, period_s: float) -> float | None:
    """How long so many places are; None when an outage of unknown length is among them."""
    return None if places >= ENDLESS >> 1 else places * period_s


@dataclass(frozen=True)
class Moment:
    """When something was: on the logger's ticks, or only in UTC; None is unknown."""

    at: Instant | None
    utc_ms: float | None
    bound_ms: float | None

    @property
    def utc(self) -> str | None:
        """ISO 8601."""
        return None if self.utc_ms is None else iso(round(self.utc_ms))


@dataclass(frozen=True)
class Edge:
    """Where a moment lies among slots: `slot` is the first at or after it, as far as the clock tells.

    It lies somewhere from `earliest` to `latest`; these differ for a moment in UTC.
    """

    slot: int
    earliest: int
    latest: int

    def moved(self, slots: int) -> "Edge":
        """So many slots later."""
        return Edge(self.slot + slots, self.earliest + slots, self.latest + slots)


class Timeline:
    """`end` is behind the last slot that the record accounts for or should."""

    def __init__(self, record: Record, clock: Clock, end: int) -> None:
        self._record, self._clock, self.end = record, clock, end
        self._period_ms = max(1, record.period_ms)
        self.period_s = self._period_ms / 1000
        self._origins = record.origins
        self._starts = np.array([one.slot0 for one in self._origins], np.int64)
        self._moved = np.cumsum([0, *(self._lost(i) for i in range(1, len(self._origins)))], dtype=np.int64)

    # Slots and places

    def places_of(self, slots: Ints) -> Ints:
        """The places of slots."""
        if not len(self._starts):
            return slots.astype(np.int64)
        return np.asarray(slots + self._moved[np.maximum(np.searchsorted(self._starts, slots, side="right") - 1, 0)])

    def place_of(self, slot: int) -> int:
        """The place of one slot."""
        return int(self.places_of(np.array([slot], np.int64))[0])

    def _lost(self, i: int) -> int:
        """The places between two origins of the schedule beyond the one period that lies between two slots."""
        before, after = self._origins[i - 1], self._origins[i]
        last = Instant(before.boot, before.tick0_ms + (after.slot0 - 1 - before.slot0) * self._period_ms)
        first = Instant(after.boot, after.tick0_ms)
        if before.boot == after.boot:
            apart_ms = float(first.tick_ms - last.tick_ms)
        else:
            one, two = self.moment(last), self.moment(first)
            if one.utc_ms is None or two.utc_ms is None:
                return ENDLESS
            apart_ms = two.utc_ms - one.utc_ms + (one.bound_ms or 0.0) + (two.bound_ms or 0.0)
        # Half a period more is a late reading, not a lost one.
        return min(max(0, math.ceil(apart_ms / self._period_ms - 1.5)), ENDLESS)

    # Moments

    def moment(self, at: Instant) -> Moment:
        """An instant of the record with its UTC."""
        return self.moments(np.array([at.boot]), np.array([at.tick_ms]))[0]

    def moments(self, boots: Ints, ticks: Ints) -> list[Moment]:
        """Many instants; a boot below 0 is none."""
        utc, bound = self._clock.utc_of(boots, ticks)
        found = zip(boots.tolist(), ticks.tolist(), utc.tolist(), bound.tolist(), strict=True)
        return [_moment(boot, tick_ms, utc_ms, bound_ms) for boot, tick_ms, utc_ms, bound_ms in found]

    def moments_of(self, slots: Ints, later: int = 0) -> list[Moment]:
        """When slots are due, or so many periods later by the ticks of the same boot."""
        boots, ticks = self._record.instants_of(slots)
        return self.moments(boots, ticks + later * self._period_ms)

    def edge(self, moment: Moment) -> Edge:
        """Where a moment lies among the slots; one of unknown time lies anywhere."""
        if moment.at is not None:
            slot = self.slot_of(moment.at)
            return Edge(slot, slot, slot)
        if moment.utc_ms is None or not len(self._known):
            return Edge(0, 0, self.end)
        bound = moment.bound_ms or 0.0
        slot = self._behind(self._utc, moment.utc_ms)[1]
        earliest = self._behind(self._latest, moment.utc_ms - bound)[0]
        return Edge(slot, min(earliest, slot), max(self._behind(self._earliest, moment.utc_ms + bound)[1], slot))

    def _behind(self, utc: Floats, at_ms: float) -> tuple[int, int]:
        """The slots right behind the last known one before a time, and of the first known one from then on."""
        found = int(np.searchsorted(utc, at_ms))
        low = int(self._known[found - 1]) + 1 if found else 0
        return low, int(self._known[found]) if found < len(self._known) else self.end

    def slot_of(self, at: Instant) -> int:
        """The first slot that is due at an instant or after it."""
        found = 0
        place = {one.boot: i for i, one in enumerate(self._record.last_ticks)}
        for i, origin in enumerate(self._origins):
            limit = self._origins[i + 1].slot0 if i + 1 < len(self._origins) else self.end
            if origin.boot == at.boot:
                if at.tick_ms <= origin.tick0_ms:
                    return max(found, origin.slot0)
                periods = -(-(at.tick_ms - origin.tick0_ms) // self._period_ms)
                found = min(origin.slot0 + periods, limit)
            elif place.get(origin.boot, -1) < place.get(at.boot, -1):
                found = limit
        return min(found, self.end)

    @cached_property
    def _times(self) -> tuple[Ints, Floats, Floats]:
        slots = [channel.slots for channel in self._record.all_channels]
        known = np.unique(np.concatenate(slots)) if slots else np.zeros(0, np.int64)
        utc, bound = self._clock.utc_of(*self._record.instants_of(known))
        dated = np.isfinite(utc)
        return known[dated], utc[dated], bound[dated]

    @property
    def _known(self) -> Ints:
        return self._times[0]

    @cached_property
    def _utc(self) -> Floats:
        return np.asarray(np.maximum.accumulate(self._times[1]))

    @cached_property
    def _latest(self) -> Floats:
        return np.asarray(np.maximum.accumulate(self._times[1] + self._times[2]))

    @cached_property
    def _earliest(self) -> Floats:
        return np.asarray(np.minimum.accumulate((self._times[1] - self._times[2])[::-1])[::-1])


def _moment(boot: int, tick_ms: int, utc_ms: float, bound_ms: float) -> Moment:
    at = Instant(boot, tick_ms) if boot >= 0 else None
    return Moment(at, None, None) if np.isnan(utc_ms) else Moment(at, utc_ms, bound_ms)
