"""A trip as one SVG picture: temperature with limits, alarms, marks and outages, and the shocks below it.

Written by hand, without a plotting library, so that the bytes are the same everywhere. Nothing is told by colour alone:
channels and limits are labelled, outages are hatched, so it reads in black and white.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from celltrail.evidence.limits import limits_of
from celltrail.evidence.record import Channel, Floats, Shock
from celltrail.files import write_atomic
from celltrail.utc import short, span
from celltrail.views.axis import extremes, stretches
from celltrail.views.summary import Summary, alarm_text, mark_text, whose
from celltrail.views.svg_draw import Scale, box, curve, dot, group, line, nice_ticks, text, triangle
from celltrail.views.svg_labels import place_labels
from celltrail.views.verdict_text import headline

WIDTH = 1200
_LEFT, _RIGHT = 62, WIDTH - 62
_LABELS_TOP, _LABEL_HEIGHT, _LABEL_ROWS = 66, 15, 4
_TOP = _LABELS_TOP + _LABEL_ROWS * _LABEL_HEIGHT + 14
_BOTTOM = _TOP + 340
_NAMED_SHOCKS = 3
# The width that the label of a shock takes.
_SHOCK_LABEL = 70
_SHOCK_TOP = _BOTTOM + 34
_SHOCK_BOTTOM = _SHOCK_TOP + 100
_MARGIN_C = 0.5
_NEAR_LIMITS_C = 6.0
_AXES = "xyz"
_STYLE = """
text { font: 12px 'DejaVu Sans', Verdana, sans-serif; fill: #222 }
.title { font-size: 18px; font-weight: bold }
.small { font-size: 11px; }
.bad { font-weight: bold }
.frame { fill: none; stroke: #444 } .grid { stroke: #ddd } .limit { stroke: #a02020; stroke-dasharray: 7 4 }
.beyond { fill: #c03030; fill-opacity: 0.07 } .outage { fill: url(#hatch) } .restart { stroke: #666; stroke-width: 2 }
.mark { stroke: #555; stroke-dasharray: 2 3 } .flag { fill: #555 } .open { fill: #fff; stroke: #555 }
.alarm { fill: #c03030; stroke: #400 } .needle { stroke: #222; stroke-width: 1.6 } .tip { fill: #222 }
polyline { fill: none; stroke-width: 1.5; stroke-linejoin: round }
.c0 { stroke: #0f3f73 } .c1 { stroke: #c77a20 } .c2 { stroke: #5fa36c } .c3 { stroke: #a58acb }
""".strip()
_HATCH = (
    '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="7" height="7" fill="#fff" fill-opacity="0.6"/><line x1="0" y1="0" x2="0" y2="7" stroke="#777"'
    ' stroke-width="1.6"/></pattern></defs>'
)


def write_svg(summary: Summary, path: Path) -> None:
    """Draw a trip into a file; UsageFault."""
    write_atomic(path, svg_text(summary).encode(), source=summary.checked.trail.path)


def svg_text(summary: Summary) -> str:
    """The whole picture."""
    picture = _Picture(summary)
    height = (_SHOCK_BOTTOM if picture.has_shocks else _BOTTOM) + 48
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" aria-labelledby="title desc">'
    )
    shapes = [f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>', *picture.shapes()]
    return "\n".join([head, *picture.words(), f"<style>{_STYLE}</style>", _HATCH, *shapes, "</svg>"]) + "\n"


class _Picture:
    """One trip with its scales."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._record = summary.checked.record
        self._curves = [(channel, *self._places(channel)) for channel in self._record.channels]
        self._curves = [one for one in self._curves if len(one[1])]
        self._limits = limits_of(self._record)
        self.has_shocks = bool(self._record.shocks)
        low, high = self._time_range()
        self._across = Scale(low, high, _LEFT, _RIGHT)
        self._up = Scale(*self._temperature_range(), _BOTTOM, _TOP)
        largest = max((shock.largest[1] for shock in self._record.shocks), default=1.0)
        self._shock_up = Scale(0.0, largest * 1.25 or 1.0, _SHOCK_BOTTOM, _SHOCK_TOP)

    def _places(self, channel: Channel) -> tuple[Floats, Floats]:
        x = self._summary.axis.of(*self._record.instants_of(channel.slots))
        known = ~np.isnan(x)
        return x[known], channel.celsius[known]

    def _time_range(self) -> tuple[float, float]:
        """All readings and all events, so that nothing is drawn at a wrong place."""
        places = [float(x[end]) for _, x, _ in self._curves for end in (0, -1)]
        instants = [one.at for one in self._record.marks] + [one.at for one in self._record.alarms]
        instants += [one.at for one in self._record.shocks]
        places += [place for at in instants if (place := self._summary.axis.at(at)) is not None]
        low, high = (min(places), max(places)) if places else (0.0, 1.0)
        return (low, high) if high > low else (low, low + max(self._record.period_ms, 1))

    def _temperature_range(self) -> tuple[float, float]:
        """The readings, and the limits that are near them."""
        values = [float(value) for _, _, y in self._curves for value in (y.min(), y.max())] or [0.0, 1.0]
        low, high = min(values), max(values)
        near = [one.limit_c for one in self._limits if low - _NEAR_LIMITS_C <= one.limit_c <= high + _NEAR_LIMITS_C]
        low, high = min([low, *near]), max([high, *near])
        margin = max(_MARGIN_C, 0.06 * (high - low))
        return low - margin, high + margin

    def words(self) -> list[str]:
        """Title and description, for those who can't see the picture."""
        lines = [headline(self._summary.checked.verdict)]
        for one in self._summary.statistics:
            if one.lowest_c is not None and one.highest_c is not None:
                lines.append(f"Channel {one.channel.number} from {one.lowest_c:.2f} to {one.highest_c:.2f} degC.")
        counts = ((self._record.alarms, "alarm"), (self._record.marks, "mark"), (self._record.shocks, "shock"))
        lines.append(", ".join(f"{len(some)} {name}{'' if len(some) == 1 else 's'}" for some, name in counts) + ".")
        plain = [text(0, 0, one).split(">", 1)[1].removesuffix("</text>") for one in (self._title(), " ".join(lines))]
        return [f'<title id="title">{plain[0]}</title>', f'<desc id="desc">{plain[1]}</desc>']

    def shapes(self) -> Iterator[str]:
        """Everything, from the ground up."""
        yield from self._head()
        yield from group("axes", self._axes_shapes())
        yield from group("limits", self._limit_shapes())
        yield from group("outages", self._outage_shapes())
        yield from group("marks", self._mark_shapes())
        for channel, x, y in self._curves:
            yield from group(f"temperature of channel {channel.number}", self._curve_shapes(channel, x, y))
        yield from group("alarms", self._alarm_shapes())
        if self.has_shocks:
            yield from group("shocks", self._shock_shapes())
        if not self._curves:
            yield text((_LEFT + _RIGHT) / 2, (_TOP + _BOTTOM) / 2, "no readings with a known time", anchor="middle")

    def _title(self) -> str:
        record = self._record
        profile = record.plan.get("profile") if record.plan else None
        simulated = " (simulated)" if record.simulated else ""
        return whose(record, "Trip") + simulated + (f": {profile}" if profile else "")

    def _head(self) -> Iterator[str]:
        verdict = self._summary.checked.verdict
        yield text(_LEFT, 28, self._title(), "title")
        yield text(_LEFT, 48, headline(verdict), "" if verdict.intact else "bad")
        if verdict.first_utc_ms is not None and verdict.last_utc_ms is not None:
            length = span(verdict.last_utc_ms - verdict.first_utc_ms)
            when = f"{short(verdict.first_utc_ms)} to {short(verdict.last_utc_ms)} UTC, {length}"
            yield text(_RIGHT, 28, when, anchor="end")

    def _limit_shapes(self) -> Iterator[str]:
        low, high = self._up.low, self._up.high
        for is_high in (True, False):
            shown = {one.limit_c for one in self._limits if one.is_high == is_high and low <= one.limit_c <= high}
            if shown:
                innermost = min(shown) if is_high else max(shown)
                yield box(_LEFT, self._up(innermost), _RIGHT, _TOP if is_high else _BOTTOM, "beyond")
            for limit_c in sorted(shown):
                yield line(_LEFT, self._up(limit_c), _RIGHT, self._up(limit_c), "limit")
                yield text(_RIGHT + 5, self._up(limit_c) + 4, f"{limit_c:.4g} \u00b0C", "small")

    def _axes_shapes(self) -> Iterator[str]:
        bottom = _SHOCK_BOTTOM if self.has_shocks else _BOTTOM
        for place, label in self._summary.axis.tick_labels(self._across.low, self._across.high, 11):
            x = self._across(place)
            yield line(x, _TOP, x, _BOTTOM, "grid")
            yield text(x, bottom + 17, label, "small", "middle")
            if self.has_shocks:
                yield line(x, _SHOCK_TOP, x, _SHOCK_BOTTOM, "grid")
        for celsius in nice_ticks(self._up.low, self._up.high, 8):
            yield line(_LEFT, self._up(celsius), _RIGHT, self._up(celsius), "grid")
            yield text(_LEFT - 6, self._up(celsius) + 4, f"{celsius:g}", "small", "end")
        yield text(_LEFT, _TOP - 6, "\u00b0C", "small", "end")
        yield box(_LEFT, _TOP, _RIGHT, _BOTTOM, "frame")
        unit = "UTC" if self._summary.axis.is_utc else "time since power-on (the clock was never set)"
        yield text((_LEFT + _RIGHT) / 2, bottom + 35, unit, "small", "middle")

    def _outage_shapes(self) -> Iterator[str]:
        for one in self._summary.outages:
            start, end = self._summary.axis.at(one.start), self._summary.axis.at(one.end)
            if start is None or end is None:
                continue
            x1, x2 = self._across(start), self._across(end)
            who = "" if one.channel is None else f"channel {one.channel}: "
            title = f"{who}{one.reason}, {span(end - start)}, from {self._summary.axis.label(start)}"
            yield box(x1, _TOP, max(x2, x1 + 2), _BOTTOM, "outage", title)

    def _mark_shapes(self) -> Iterator[str]:
        found = [(self._summary.axis.at(mark.at), mark) for mark in self._record.marks]
        known = [(self._across(place), mark) for place, mark in found if place is not None]
        labels = place_labels([(x, mark_text(mark)) for x, mark in known], _LABEL_ROWS, _RIGHT)
        for (x, mark), label in zip(known, labels, strict=True):
            y = _LABELS_TOP + label.row * _LABEL_HEIGHT
            yield line(x, y + 5, x, _BOTTOM, "mark", mark_text(mark))
            yield dot(x, y + 5, 3.5, "flag" if mark.proven else "open", mark_text(mark))
            if label.text:
                yield text(
                    x - 7 if label.is_left else x + 7, y + 9, label.text, "small", "end" if label.is_left else "start"
                )

    def _curve_shapes(self, channel: Channel, x: Floats, y: Floats) -> Iterator[str]:
        """One line for each stretch without an outage of more than a few slots."""
        for part_x, part_y in stretches(x, y, self._record.period_ms):
            share = (part_x[-1] - part_x[0]) / (self._across.high - self._across.low)
            bins = max(1, int(share * (_RIGHT - _LEFT)))
            thin_x, thin_y = extremes(part_x, part_y, bins)
            yield curve(thin_x, thin_y, self._across, self._up, f"c{channel.number}")
            if len(part_x) == 1:
                yield dot(self._across(float(part_x[0])), self._up(float(part_y[0])), 1.2, "tip", "")
        if len(self._curves) > 1:
            yield text(_RIGHT - 4, self._up(float(y[-1])) - 5, f"channel {channel.number}", "small", "end")

    def _alarm_shapes(self) -> Iterator[str]:
        sides = {limit.alarm: limit.is_high for limit in self._limits}
        for alarm in self._record.alarms:
            place = self._summary.axis.at(alarm.at)
            if place is None or alarm.channel >= len(self._record.channels):
                continue
            celsius = self._record.channels[alarm.channel].sensor.celsius(alarm.value_raw)
            x, y = self._across(place), self._up(celsius)
            is_high = sides.get(alarm.alarm, True)
            title = f"alarm {alarm.alarm}: {alarm_text(self._summary, alarm)}, {self._summary.axis.label(place)}"
            yield triangle(x, y - 3 if is_high else y + 3, not is_high, "alarm", title)
            right = x > _RIGHT - 60
            label_x, anchor = (x - 9, "end") if right else (x + 9, "start")
            yield text(label_x, y - 5 if is_high else y + 14, f"alarm {alarm.alarm}", "small", anchor)

    def _shock_shapes(self) -> Iterator[str]:
        yield box(_LEFT, _SHOCK_TOP, _RIGHT, _SHOCK_BOTTOM, "frame")
        yield text(_LEFT, _SHOCK_TOP - 6, "shocks, g", "small")
        for tick in nice_ticks(0, self._shock_up.high, 3):
            yield text(_LEFT - 6, self._shock_up(tick) + 4, f"{tick:g}", "small", "end")
        named = self._named_shocks()
        for shock in self._record.shocks:
            yield from self._needle(shock, shock in named)

    def _named_shocks(self) -> list[Shock]:
        """The largest few whose labels don't cover one another."""
        named: list[Shock] = []
        places: list[float] = []
        for shock in sorted(self._record.shocks, key=lambda shock: -shock.largest[1]):
            place = self._summary.axis.at(shock.at)
            if place is None or any(abs(self._across(place) - other) < _SHOCK_LABEL for other in places):
                continue
            named.append(shock)
            places.append(self._across(place))
            if len(named) == _NAMED_SHOCKS:
                break
        return named

    def _needle(self, shock: Shock, named: bool) -> Iterator[str]:
        place = self._summary.axis.at(shock.at)
        if place is None:
            return
        axis, away_g = shock.largest
        x, y = self._across(place), self._shock_up(away_g)
        title = f"shock {shock.event}: {away_g:.1f} g on {_AXES[axis]}, {shock.duration_ms:.1f} ms, "
        yield line(x, _SHOCK_BOTTOM, x, y, "needle", title + self._summary.axis.label(place))
        yield dot(x, y, 2.6, "tip", "")
        if named:
            right = x > _RIGHT - 70
            yield text(
                x - 6 if right else x + 6, y + 4, f"{away_g:.1f} g {_AXES[axis]}", "small", "end" if right else "start"
            )
