"""The picture of the first page: temperature with limits, legs, excursions, marks, time without readings, and shocks.

It is drawn as wide as it will be shown, since letters must stay readable. Nothing is told by colour alone: legs and
excursions have numbers, limits and channels are labelled, and areas are hatched, so it prints in black and white.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from celltrail.evaluate.evaluation import Evaluation
from celltrail.evaluate.legs import GUESSED
from celltrail.evaluate.timeline import Moment
from celltrail.evidence.outages import Outage
from celltrail.evidence.record import Floats, Ints
from celltrail.report.plain import plain
from celltrail.report.plot_style import Size, document
from celltrail.report.words import Words
from celltrail.views.axis import Axis, extremes, stretches
from celltrail.views.svg_draw import Scale, box, curve, dot, line, nice_ticks, text
from celltrail.views.svg_labels import Label, place_labels
from celltrail_protocol.names import MARK_NAMES

_LEGS_TOP, _LEGS_BOTTOM = 4, 22
_MARKS_TOP, _MARK_ROW = 30, 15
_SHOCKS = 84
_MARGIN_C, _NEAR_LIMITS_C = 0.5, 6.0
_NAMED_SHOCKS = 3
_SHOCK_LABEL_PX = 56
# A label of an excursion or a leg takes so many pixels.
_NUMBER_PX = 20


@dataclass(frozen=True)
class Content:
    """What is drawn."""

    made: Evaluation
    axis: Axis
    outages: tuple[Outage, ...]
    words: Words
    title: str
    text: str


def draw(content: Content, size: Size) -> str:
    """The whole picture as SVG."""
    return "\n".join(_Plot(content, size).lines()) + "\n"


class _Plot:
    """One picture with its scales."""

    def __init__(self, content: Content, size: Size) -> None:
        self._content, self._size, self._words = content, size, content.words
        self._made, self._axis = content.made, content.axis
        self._left, self._right = size.left, size.width - size.right
        self._curves = [
            (one.series.number, *self._places(one.series.slots, one.series.celsius)) for one in self._made.channels
        ]
        self._curves = [one for one in self._curves if len(one[1])]
        self._limits = sorted({(one.is_high, one.limit_c) for one in self._made.rules.limits})
        self._across = Scale(*self._time_range(), self._left, self._right)
        self._marks = self._placed_marks()
        rows = 1 + max((label.row for _, _, label in self._marks), default=-1)
        self._top = _MARKS_TOP + rows * _MARK_ROW + 14
        self._bottom = self._top + size.height
        self._up = Scale(*self._temperature_range(), self._bottom, self._top)
        self._strip = self._bottom + 5
        shocks = self._made.shocks
        self._shock_top = self._strip + 44
        self._end = self._shock_top + _SHOCKS if shocks else self._strip + 14
        largest = max((one.resultant_g for one in shocks), default=1.0)
        self._shock_up = Scale(0.0, largest * 1.25 or 1.0, self._end, self._shock_top)

    # Places

    def _places(self, slots: Ints, celsius: Floats) -> tuple[Floats, Floats]:
        x = self._axis.of(*self._made.record.instants_of(slots))
        known = ~np.isnan(x)
        return x[known], celsius[known]

    def _at(self, moment: Moment) -> float | None:
        if self._axis.is_utc:
            return moment.utc_ms
        return None if moment.at is None else self._axis.at(moment.at)

    def _time_range(self) -> tuple[float, float]:
        record = self._made.record
        places = [float(x[end]) for _, x, _ in self._curves for end in (0, -1)]
        instants = [mark.at for mark in record.marks] + [alarm.at for alarm in record.alarms]
        places += [place for at in instants if (place := self._axis.at(at)) is not None]
        places += [place for one in self._made.shocks if (place := self._at(one.moment)) is not None]
        low, high = (min(places), max(places)) if places else (0.0, 1.0)
        return (low, high) if high > low else (low, low + max(record.period_ms, 1))

    def _temperature_range(self) -> tuple[float, float]:
        values = [float(value) for _, _, y in self._curves for value in (y.min(), y.max())] or [0.0, 1.0]
        low, high = min(values), max(values)
        near = [limit for _, limit in self._limits if low - _NEAR_LIMITS_C <= limit <= high + _NEAR_LIMITS_C]
        low, high = min([low, *near]), max([high, *near])
        margin = max(_MARGIN_C, 0.06 * (high - low))
        return low - margin, high + margin

    def _placed_marks(self) -> list[tuple[float, int, Label]]:
        found = [(self._axis.at(mark.at), number) for number, mark in enumerate(self._made.record.marks)]
        known = [(self._across(place), number) for place, number in found if place is not None]
        labels = place_labels([(x, self._mark_text(number)) for x, number in known], 4, self._right + 30)
        return [(x, number, label) for (x, number), label in zip(known, labels, strict=True)]

    def _mark_text(self, number: int) -> str:
        if not self._size.is_wide:
            return f"M{number + 1}"
        mark = self._made.record.marks[number]
        place = f" {plain(mark.place)}" if mark.place else ""
        return f"M{number + 1} {self._words.known('mark', MARK_NAMES.get(mark.kind, str(mark.kind)))}{place}"

    # Shapes

    def lines(self) -> Iterator[str]:
        """Everything, from the ground up."""
        yield from document(
            self._size, self._end + 42, self._content.title, self._content.text, self._groups(), self._empty()
        )

    def _empty(self) -> str:
        if self._curves:
            return ""
        middle = (self._left + self._right) / 2, (self._top + self._bottom) / 2
        return text(*middle, self._words("plot.empty"), anchor="middle")

    def _groups(self) -> Iterator[tuple[str, Iterator[str]]]:
        say = self._words
        yield say("plot.axes"), self._axes()
        yield say("plot.limits"), self._limit_lines()
        yield say("plot.unread"), self._unread()
        yield say("plot.legs"), self._legs()
        yield say("plot.marks"), self._mark_flags()
        for channel, x, y in self._curves:
            yield say("channel", number=channel), self._curve(channel, x, y)
        yield say("plot.excursions"), self._excursions()
        if self._made.shocks:
            yield say("plot.shocks"), self._shocks()

    def _axes(self) -> Iterator[str]:
        most = 9 if self._size.is_wide else 3
        for place, label in self._axis.tick_labels(self._across.low, self._across.high, most):
            x = self._across(place)
            yield line(x, self._top, x, self._bottom, "grid")
            yield text(x, self._end + 15, self._time_label(place, label), "small", "middle")
            if self._made.shocks:
                yield line(x, self._shock_top, x, self._end, "grid")
        for celsius in nice_ticks(self._up.low, self._up.high, 8 if self._size.is_wide else 6):
            yield line(self._left, self._up(celsius), self._right, self._up(celsius), "grid")
            yield text(self._left - 6, self._up(celsius) + 4, self._words.short(celsius), "small", "end")
        yield text(self._left - 6, self._top - 5, "\u00b0C", "small", "end")
        yield box(self._left, self._top, self._right, self._bottom, "frame")
        unit = "plot.utc" if self._axis.is_utc else "plot.ticks"
        yield text((self._left + self._right) / 2, self._end + 34, self._words(unit), "small", "middle")

    def _time_label(self, place: float, label: str) -> str:
        if not self._axis.is_utc:
            return label
        date, clock = self._words.date(place).rsplit("\u00a0", 1)[0], label[6:]
        return f"{date} {clock}".strip()

    def _limit_lines(self) -> Iterator[str]:
        low, high = self._up.low, self._up.high
        for is_high in (True, False):
            shown = [limit for side, limit in self._limits if side == is_high and low <= limit <= high]
            if shown:
                innermost = min(shown) if is_high else max(shown)
                edge = self._top if is_high else self._bottom
                yield box(self._left, self._up(innermost), self._right, edge, "beyond")
            for limit in shown:
                y = self._up(limit)
                yield line(self._left, y, self._right, y, "limit")
                yield text(self._right + 4, y + 4, f"{self._words.short(limit)} \u00b0C", "small strong")

    def _unread(self) -> Iterator[str]:
        for one in self._content.outages:
            start, end = self._axis.at(one.start), self._axis.at(one.end)
            if start is None or end is None:
                continue
            x1, x2 = self._across(start), self._across(end)
            length = self._words.span((end - start) / 1000)
            yield box(
                x1, self._top, max(x2, x1 + 2), self._bottom, "unread", self._words("plot.unread-one", length=length)
            )
            if x2 - x1 > 60:
                yield text((x1 + x2) / 2, self._top + 16, length, "small halo", "middle")

    def _legs(self) -> Iterator[str]:
        for leg in self._made.legs:
            start, end = self._at(leg.start.moment), self._at(leg.end.moment)
            if start is None or end is None:
                continue
            x1, x2 = self._across(start), self._across(end)
            guessed = " guessed" if leg.basis == GUESSED else ""
            yield box(x1, _LEGS_TOP, x2, _LEGS_BOTTOM, ("leg odd" if leg.number % 2 else "leg") + guessed)
            if x2 - x1 > _NUMBER_PX - 6:
                label = f"~{leg.number}" if guessed else str(leg.number)
                yield text((x1 + x2) / 2, _LEGS_BOTTOM - 5, label, "small halo", "middle")
        if self._made.legs:
            yield text(self._left - 6, _LEGS_BOTTOM - 5, self._words("plot.leg"), "small", "end")

    def _mark_flags(self) -> Iterator[str]:
        for x, number, label in self._marks:
            y = _MARKS_TOP + label.row * _MARK_ROW
            yield line(x, y + 5, x, self._bottom, "mark")
            yield dot(x, y + 5, 3.5, "flag" if self._made.record.marks[number].proven else "open", "")
            if label.text:
                at = x - 7 if label.is_left else x + 7
                yield text(at, y + 9, label.text, "small", "end" if label.is_left else "start")

    def _curve(self, channel: int, x: Floats, y: Floats) -> Iterator[str]:
        """One line for each stretch without readings lacking; no extreme is lost on the way to pixels."""
        for part_x, part_y in stretches(x, y, self._made.record.period_ms):
            share = (part_x[-1] - part_x[0]) / (self._across.high - self._across.low)
            thin_x, thin_y = extremes(part_x, part_y, max(1, int(share * (self._right - self._left))))
            yield curve(thin_x, thin_y, self._across, self._up, f"curve c{channel}")
            if len(part_x) == 1:
                yield dot(self._across(float(part_x[0])), self._up(float(part_y[0])), 1.2, "tip", "")
        if len(self._curves) > 1:
            label = self._words("channel", number=channel)
            yield text(self._right - 4, self._up(float(y[-1])) - 5, label, "small halo", "end")

    def _excursions(self) -> Iterator[str]:
        taken = 0.0
        for number, one in enumerate(self._made.excursions, 1):
            start, end = self._at(one.start), self._at(one.end)
            if start is None or end is None:
                continue
            x1, x2 = self._across(start), max(self._across(end), self._across(start) + 3)
            yield box(x1, self._strip, x2, self._strip + 8, "outside" if one.sure else "maybe")
            middle = (x1 + x2) / 2
            if middle - _NUMBER_PX / 2 >= taken:
                yield text(middle, self._strip + 21, f"E{number}", "small strong", "middle")
                taken = middle + _NUMBER_PX / 2 + 4

    def _shocks(self) -> Iterator[str]:
        yield box(self._left, self._shock_top, self._right, self._end, "frame")
        yield text(self._left, self._shock_top - 6, self._words("plot.shock-unit"), "small")
        for tick in nice_ticks(0, self._shock_up.high, 3):
            yield text(self._left - 6, self._shock_up(tick) + 4, self._words.short(tick), "small", "end")
        named = self._named_shocks()
        for number, one in enumerate(self._made.shocks):
            place = self._at(one.moment)
            if place is None:
                continue
            x, y = self._across(place), self._shock_up(one.resultant_g)
            yield line(x, self._end, x, y, "needle")
            yield dot(x, y, 2.2, "tip", "")
            if number in named:
                at, anchor = (x - 6, "end") if self._is_left(x) else (x + 6, "start")
                yield text(at, y + 2, f"{self._words.number(one.resultant_g, 1)} g", "small halo", anchor)

    def _is_left(self, x: float) -> bool:
        """Whether the label of a shock stands left of it: at the end there is no room."""
        return x > self._right - _SHOCK_LABEL_PX

    def _named_shocks(self) -> set[int]:
        """The largest few whose labels don't cover one another, by their places in the record."""
        named: dict[int, float] = {}
        shocks = self._made.shocks
        for number in sorted(range(len(shocks)), key=lambda number: -shocks[number].resultant_g):
            place = self._at(shocks[number].moment)
            if place is None:
                continue
            x = self._across(place)
            start = x - _SHOCK_LABEL_PX if self._is_left(x) else x
            if all(abs(start - other) > _SHOCK_LABEL_PX for other in named.values()):
                named[number] = start
            if len(named) == _NAMED_SHOCKS:
                break
        return set(named)
