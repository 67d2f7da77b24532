"""The readings of one channel that are judged, and from where to where."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from celltrail.evaluate.levels import Bools, Stretch
from celltrail.evaluate.timeline import ENDLESS, Edge, Timeline, seconds_of
from celltrail.evaluate.uncertainty import Uncertainty
from celltrail.evidence.record import Channel, Floats, Ints


@dataclass(frozen=True)
class Window:
    """The judged part of a trip, from the slot of `start` to before that of `end`; `notes` say what was not possible.

    `goes_on` says that the trip may have gone on behind its last record, unknown for how long.
    """

    start: Edge
    end: Edge
    goes_on: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Series:
    """`slots`, `places` and `celsius` (with the calibration's correction) of readings that may lie in the window.

    `sure` are those that surely do, `judged` those that do as far as the clock tells.
    """

    number: int
    slots: Ints
    places: Ints
    celsius: Floats
    sure: Bools
    judged: Bools
    first: int
    end: int
    period_s: float
    uncertainty: Uncertainty

    def at_most(self, sign: int) -> Stretch:
        """All that may count, with every place that may."""
        return Stretch(self.places, sign * self.celsius, self.first, self.end)

    def at_least(self, sign: int) -> Stretch:
        """What surely counts."""
        return Stretch(self.places[self.sure], sign * self.celsius[self.sure], self.first, self.end)

    def as_read(self, sign: int) -> Stretch:
        """What counts as far as the clock tells."""
        return Stretch(self.places[self.judged], sign * self.celsius[self.judged], self.first, self.end)

    @cached_property
    def judged_slots(self) -> Ints:
        """The slots of the readings that count as far as the clock tells."""
        return np.asarray(self.slots[self.judged])

    @cached_property
    def judged_celsius(self) -> Floats:
        """Their values."""
        return np.asarray(self.celsius[self.judged])

    @cached_property
    def doubts(self) -> tuple[str, ...]:
        """What is doubtful about how far these readings may be off, a sentence each."""
        return self.uncertainty.doubts_of(self.judged_celsius)

    @property
    def unknown_s(self) -> float | None:
        """How long nothing is known within the window; None for a trip whose end is open."""
        return seconds_of(self.end - self.first - len(self.places), self.period_s)


def series_of(channel: Channel, timeline: Timeline, window: Window, uncertainty: Uncertainty) -> Series:
    """The judged readings of a channel."""
    low, high = window.start.earliest, max(window.end.latest, window.start.earliest)
    inside = slice(*np.searchsorted(channel.slots, [low, high]))
    slots = channel.slots[inside]
    end = timeline.place_of(high - 1) + 1 if high > low else timeline.place_of(low)
    return Series(
        number=channel.number,
        slots=slots,
        places=timeline.places_of(slots),
        celsius=uncertainty.corrected(channel.celsius[inside]),
        sure=(slots >= window.start.latest) & (slots < window.end.earliest),
        judged=(slots >= window.start.slot) & (slots < window.end.slot),
        first=timeline.place_of(low),
        end=end + (ENDLESS if window.goes_on else 0),
        period_s=timeline.period_s,
        uncertainty=uncertainty,
    )
