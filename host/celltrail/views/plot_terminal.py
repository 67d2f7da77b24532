"""The trip as a plot in the terminal: temperature with its limits, alarms, marks and shocks."""

from typing import Any

import numpy as np
import plotext

from celltrail.evidence.limits import limits_of
from celltrail.evidence.record import Floats, Instant
from celltrail.views.axis import extremes, stretches
from celltrail.views.show_text import wrapped
from celltrail.views.summary import Summary

_HEIGHT = 20
_NARROWEST = 40
_MARGIN_C = 0.5
_AS_ASCII = str.maketrans("┌┐└┘├┤┬┴┼─│┈┊", "+++++++++-|.:")


def plot_lines(summary: Summary, width: int, colors: bool, is_ascii: bool = False) -> list[str]:
    """The plot as lines of at most `width` columns, and its legend; nothing when there is nothing to show."""
    curves = _curves(summary)
    if not curves:
        return []
    width = max(width, _NARROWEST)
    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, _HEIGHT)
    low = min(float(x[0]) for x, _ in curves)
    high = max(float(x[-1]) for x, _ in curves)
    for limit_c in _near_limits(summary, curves):
        figure.line(limit_c, orientation="horizontal", style="dotted")
    _draw_events(figure, summary, curves)
    for x, y in curves:
        for part_x, part_y in stretches(x, y, summary.checked.record.period_ms):
            thin_x, thin_y = extremes(part_x, part_y, 2 * width)
            points = figure.signal(thin_x.tolist(), thin_y.tolist(), marker="*" if is_ascii else "braille")
            figure.draw(points.lines())
    ticks = summary.axis.tick_labels(low, high, max(2, width // 16))
    figure.ruler("x").ticks([place for place, _ in ticks], [text for _, text in ticks])
    text = figure.build().string() if colors else plotext.uncolorize(figure.build().string())
    figure.clear()
    text = text.translate(_AS_ASCII) if is_ascii else text
    return [line.rstrip() for line in text.rstrip("\n").split("\n")] + wrapped(_legend(summary, curves, low), width)


def _legend(summary: Summary, curves: list[tuple[Floats, Floats]], low: float) -> list[str]:
    """What the axes, the letters and the dotted lines are."""
    record = summary.checked.record
    kinds = (("M mark", record.marks), ("A alarm", record.alarms), ("S shock", record.shocks))
    letters = [word for word, events in kinds if events]
    limits = [f"{limit_c:.4g}" for limit_c in _near_limits(summary, curves)]
    lines = ["; ".join([", ".join(letters)] * bool(letters) + [f"degC from {summary.axis.label(low)} on"])]
    return lines + ([f"dotted: limits of {' and '.join(limits)} degC"] if limits else [])


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


def _near_limits(summary: Summary, curves: list[tuple[Floats, Floats]]) -> list[float]:
    """Limits near the curve; a limit far away would press the curve flat."""
    low = min(float(y.min()) for _, y in curves)
    high = max(float(y.max()) for _, y in curves)
    room = max(high - low, _MARGIN_C)
    limits = sorted({limit.limit_c for limit in limits_of(summary.checked.record)})
    return [limit_c for limit_c in limits if low - room <= limit_c <= high + room]


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
