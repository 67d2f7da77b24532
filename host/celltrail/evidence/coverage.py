"""Is every slot of the schedule accounted for, exactly once? Counted in runs, not slot by slot."""

from collections.abc import Sequence
from dataclasses import dataclass

from celltrail.evidence.record import Instant, Record, Run

Span = tuple[int, int]


@dataclass(frozen=True)
class Coverage:
    """One channel: slots 0 to expected - 1: so many readings, missing with a reason, or in gaps.

    `holes` are spans [first, end) that nothing accounts for, `twice` those that are there again.
    """

    channel: int
    expected: int
    readings: int
    missing: int
    gaps: int
    holes: tuple[Span, ...]
    twice: tuple[Span, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every slot is accounted for exactly once."""
        return not self.holes and not self.twice

    @property
    def lost(self) -> int:
        """How many slots nothing accounts for."""
        return sum(end - first for first, end in self.holes)


def cover(record: Record, due: int) -> list[Coverage]:
    """The coverage of each channel, when slots 0 to due - 1 at least must be there."""
    return [_cover_channel(record.runs, channel.number, due) for channel in record.all_channels]


def _cover_channel(runs: Sequence[Run], channel: int, due: int) -> Coverage:
    mine = sorted(
        (run for run in runs if run.channel is None or run.channel == channel),
        key=lambda run: (run.first, run.end),
    )
    holes: list[Span] = []
    twice: list[Span] = []
    at = 0
    for run in mine:
        if run.first > at:
            holes.append((at, run.first))
        elif run.first < at:
            twice.append((run.first, min(run.end, at)))
        at = max(at, run.end)
    if due > at:
        holes.append((at, due))
    readings, missing, gaps = (
        sum(run.end - run.first for run in mine if run.kind == kind) for kind in ("reading", "missing", "gap")
    )
    return Coverage(channel, max(at, due), readings, missing, gaps, tuple(holes), tuple(twice))


def due_slots(record: Record, now: Instant) -> int:
    """How many slots must be there at an instant: those that were due a whole period before it."""
    origin = max((one for one in record.origins if one.boot == now.boot), key=lambda one: one.slot0, default=None)
    if origin is None or not record.period_ms:
        return 0
    return origin.slot0 + max(0, (now.tick_ms - origin.tick0_ms) // record.period_ms)
