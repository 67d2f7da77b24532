"""Legs: the time between two custody events. What was measured and what was guessed never look the same.

Events come from the record's marks, from a milestones file, or, where both are missing, from what the sensors show.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from celltrail.evaluate.timeline import Moment, Timeline
from celltrail.evidence.record import Record
from celltrail_protocol.names import MARK_NAMES

RECORD = "record"
MARK = "mark"
MILESTONE = "milestone"
INFERRED = "inferred"
# How a leg is known, from the weaker of its two ends.
MEASURED, STATED, GUESSED = "measured", "stated", "inferred"
_BASIS = {RECORD: MEASURED, MARK: MEASURED, MILESTONE: STATED, INFERRED: GUESSED}
_ORDER = (MEASURED, STATED, GUESSED)


@dataclass(frozen=True)
class Milestone:
    """A custody event. `source` is `record` (its ends), `mark`, `milestone` (a file) or `inferred`.

    `confidence` from 0 to 1 is given for what was inferred, with `evidence` in words. `zone` is the place's offset from
    UTC, such as +01:00, where a file tells it. `mark` is the number of the record's mark.
    """

    moment: Moment
    name: str
    source: str
    place: str = ""
    note: str = ""
    zone: str = ""
    confidence: float | None = None
    evidence: str = ""
    mark: int | None = None


@dataclass(frozen=True)
class Leg:
    """From one milestone to the next; slots [first_slot, end_slot)."""

    number: int
    start: Milestone
    end: Milestone
    first_slot: int
    end_slot: int

    @property
    def basis(self) -> str:
        """measured, stated or inferred: what the weaker of its ends rests on."""
        return max((_BASIS[self.start.source], _BASIS[self.end.source]), key=_ORDER.index)

    @property
    def confidence(self) -> float | None:
        """That of an inferred leg: the lower one of its ends."""
        known = [one.confidence for one in (self.start, self.end) if one.confidence is not None]
        return min(known) if known else None

    @property
    def length_s(self) -> float | None:
        """How long it took; None when an end has no time."""
        start, end = self.start.moment, self.end.moment
        if start.at is not None and end.at is not None and start.at.boot == end.at.boot:
            return (end.at.tick_ms - start.at.tick_ms) / 1000
        return None if start.utc_ms is None or end.utc_ms is None else (end.utc_ms - start.utc_ms) / 1000

    @property
    def name(self) -> str:
        """packed Leipzig to handed-over LEJ."""
        return f"{_said(self.start)} to {_said(self.end)}"


def _said(one: Milestone) -> str:
    return f"{one.name} {one.place}".rstrip()


def marks_of(record: Record, timeline: Timeline) -> list[Milestone]:
    """The marks of a record as milestones."""
    return [
        Milestone(
            timeline.moment(mark.at), MARK_NAMES.get(mark.kind, f"mark {mark.kind}"), MARK, mark.place, mark.note,
            mark=number,
        )
        for number, mark in enumerate(record.marks)
    ]  # fmt: skip


def events_of(known: Sequence[Milestone], timeline: Timeline) -> list[tuple[int, Milestone]]:
    """Everything that begins or ends a leg, with its slot: what is known, and the ends of the record."""
    start = Milestone(_moment(timeline, 0, 0), "start", RECORD)
    end = Milestone(_moment(timeline, timeline.end - 1, 1), "end", RECORD)
    placed = [(0, start), *((timeline.edge(one.moment).slot, one) for one in known), (timeline.end, end)]
    # What has the same slot goes by UTC, and what has none by its place in the record.
    return sorted(placed, key=lambda pair: (pair[0], pair[1].moment.utc_ms or 0.0))


def legs_of(events: Sequence[tuple[int, Milestone]]) -> list[Leg]:
    """The legs between events in their order."""
    pairs = [(one, two) for one, two in pairwise(events) if one[0] < two[0] or _apart(one[1].moment, two[1].moment)]
    return [Leg(number, one, two, first, last) for number, ((first, one), (last, two)) in enumerate(pairs)]


def _moment(timeline: Timeline, slot: int, later: int) -> Moment:
    return timeline.moments_of(np.array([max(slot, 0)], np.int64), later)[0]


def _apart(one: Moment, two: Moment) -> bool:
    return one.at != two.at if one.at and two.at else one.utc_ms != two.utc_ms
