"""The trip as a plot in the terminal: temperature with its limits, alarms, marks and shocks."""

from typing import Any

import numpy as np
import plotext

from celltrail.evidence.limits import limits_of
from celltrail.evidence.record import Floats, Instant
from celltrail.views.axis import extremes
from celltrail.views.summary import Summary

_HEIGHT = 20
_NARROWEST = 40
_MARGIN_C = 0.5


def plot_lines(summary: Summary, width: int, colors: bool) -> list[str]:
    """The plot as lines of at most `width` columns; nothing when there is nothing to show."""
    curves = _curves(summary)
    if not curves:
        return []
    width = max(width, _NARROWEST)
    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, _HEIGHT)
    low = min(float(x[0]) for x, _ in curves)
    high = max(float(x[-1]) for x, _ in curves)
    _draw_limits(figure, summary, curves)
    _draw_events(figure, summary, curves)
    for x, y in curves:
        thin_x, thin_y = extremes(x, y, 2 * width)
        figure.draw(figure.signal(thin_x.tolist(), thin_y.tolist(), marker="braille").lines())
    ticks = summary.axis.tick_labels(low, high, max(2, width // 16))
    figure.ruler("x").ticks([place for place, _ in ticks], [text for _, text in ticks])
    text = figure.build().string() if colors else plotext.uncolorize(figure.build().string())
    figure.clear()
    return [line.rstrip() for line in text.rstrip("\n").split("\n")]


def _curves(summary: Summary) -> list[tuple[Floats, Floats]]:
    """Time and temperature of each channel, where the time is known."""
    record = summary.checked.record
    found = []
    for channel in record.channels:
        x = summary.axis.of(*record.instants_of(channel.slots))
        known = ~np.isnan(x)
        if known.any():
            found.append((x[known], channel.celsius[known]))
    return found


def _draw_limits(figure: Any, summary: Summary, curves: list[tuple[Floats, Floats]]) -> None:
    """Limits near the curve; a limit far away would press the curve flat."""
    low = min(float(y.min()) for _, y in curves)
    high = max(float(y.max()) for _, y in curves)
    room = max(high - low, _MARGIN_C)
    for limit_c in sorted({limit.limit_c for limit in limits_of(summary.checked.record)}):
        if low - room <= limit_c <= high + room:
            figure.line(limit_c, orientation="horizontal", style="dotted")


def _draw_events(figure: Any, summary: Summary, curves: list[tuple[Floats, Floats]]) -> None:
    """A letter for each event, in rows below the curve: M mark, A alarm, S shock."""
    foot = min(float(y.min()) for _, y in curves)
    row = (max(float(y.max()) for _, y in curves) - foot) / _HEIGHT or 1.0
    record = summary.checked.record
    events: list[tuple[str, Instant]] = [("M", mark.at) for mark in record.marks]
    events += [("A", alarm.at) for alarm in record.alarms] + [("S", shock.at) for shock in record.shocks]
    rows = sorted({letter for letter, _ in events}, key="MAS".index)
    for letter, at in events:
        place = summary.axis.at(at)
        if place is not None:
            figure.draw(figure.text(place, foot - row * (1 + rows.index(letter)), letter))
