"""Pictures of shocks: the events against the product's damage boundary, and the hardest one's response spectrum.

Both read in black and white: axes of the spectrum differ by their dashes and are labelled, and what is beyond the
boundary lies in a framed corner and bears its number.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from celltrail.evaluate.orientation import AXES
from celltrail.evaluate.shocks import DamageResult, ShockResult, Spectrum
from celltrail.evidence.record import Floats
from celltrail.report.page import Figure
from celltrail.report.plot_style import Size, document
from celltrail.report.subject import Subject
from celltrail.views.svg_draw import Scale, box, curve, dot, line, nice_ticks, text

_TOP, _HEIGHT, _BELOW = 22, 210, 40
_ROOM = 1.15
# A decade is labelled at these.
_LOG_TICKS = (1, 2, 5)
# A number of an event takes so many pixels, a line of text as many.
_LABEL_PX, _LINE_PX = 26, 13


def boundary_figure(subject: Subject) -> Figure:
    """All events by velocity change and resultant, with the boundary where the profile has one."""
    say, damage = subject.words, subject.made.damage
    words = say.count("plot.count-shocks", len(subject.made.shocks))
    caption = say("shock-plot.boundary" if damage else "shock-plot.no-boundary")
    pictures = (_picture(_named(size, "damage"), caption, words, _Boundary(subject, size)) for size in subject.sizes)
    return Figure(caption, words, *pictures)


def spectrum_figure(subject: Subject) -> Figure | None:
    """The spectrum of the hardest event of which there is a waveform; None without one."""
    say = subject.words
    hardest = max((one for one in subject.made.shocks if one.shock.waves), key=_resultant_g, default=None)
    spectrum = None if hardest is None else hardest.spectrum
    if hardest is None or spectrum is None:
        return None
    caption = say("shock-plot.spectrum", number=hardest.shock.event)
    at = int(np.argmax(spectrum.highest_g))
    words = say(
        "shock-plot.highest",
        peak=say.number(float(spectrum.highest_g[at]), 1),
        frequency=say.number(float(spectrum.at_Hz[at]), 0),
    )
    pictures = (
        _picture(_named(size, "spectrum"), caption, words, _Spectra(subject, spectrum, size)) for size in subject.sizes
    )
    return Figure(caption, words, *pictures)


def _resultant_g(one: ShockResult) -> float:
    return one.resultant_g


def _named(size: Size, name: str) -> Size:
    return replace(size, name=f"{size.name}-{name}")


def _picture(size: Size, caption: str, words: str, plot: "_Boundary | _Spectra") -> str:
    return "\n".join(document(size, _TOP + _HEIGHT + _BELOW, caption, words, plot.groups())) + "\n"


class _Frame:
    """Where the axes are, and their titles."""

    def __init__(self, subject: Subject, size: Size) -> None:
        self.say = subject.words
        self.left, self.right = size.left, size.width - size.right
        self.top, self.bottom = _TOP, _TOP + _HEIGHT
        self.is_wide = size.is_wide

    def shapes(self, across: str, up: str) -> Iterator[str]:
        """The frame with its titles."""
        yield box(self.left, self.top, self.right, self.bottom, "frame")
        yield text((self.left + self.right) / 2, self.bottom + 34, self.say(across), "small", "middle")
        yield text(self.left, self.top - 8, self.say(up), "small")

    def mark(self, x: float | None, y: float | None, label: str) -> Iterator[str]:
        """A grid line up from x or across from y, with its number."""
        if x is not None:
            yield line(x, self.top, x, self.bottom, "grid")
            yield text(x, self.bottom + 15, label, "small", "middle")
        if y is not None:
            yield line(self.left, y, self.right, y, "grid")
            yield text(self.left - 6, y + 4, label, "small", "end")


class _Boundary:
    """Velocity change to the right, resultant upwards, from nothing to beyond the hardest and the boundary."""

    def __init__(self, subject: Subject, size: Size) -> None:
        self._frame, self._say = _Frame(subject, size), subject.words
        self._events, self._damage = subject.made.shocks, subject.made.damage
        velocities = [one.velocity_change_m_s for one in self._events]
        peaks = [_most_g(one) for one in self._events if math.isfinite(_most_g(one))]
        peaks += [one.resultant_g for one in self._events]
        if self._damage is not None:
            velocities.append(float(self._damage.fragility.critical_m_s))
            peaks.append(float(self._damage.fragility.critical_g))
        self._across = Scale(0.0, max(velocities) * _ROOM or 1.0, self._frame.left, self._frame.right)
        self._up = Scale(0.0, max(peaks) * _ROOM or 1.0, self._frame.bottom, self._frame.top)

    def groups(self) -> Iterator[tuple[str, Iterator[str]]]:
        """Axes, boundary, events."""
        yield self._say("plot.axes"), self._axes()
        if self._damage is not None:
            yield self._say("shock-plot.beyond"), self._corner(self._damage)
        yield self._say("plot.shocks"), self._dots()

    def _axes(self) -> Iterator[str]:
        for tick in nice_ticks(0, self._across.high, 8 if self._frame.is_wide else 4):
            yield from self._frame.mark(self._across(tick), None, self._say.short(tick))
        for tick in nice_ticks(0, self._up.high, 5):
            yield from self._frame.mark(None, self._up(tick), self._say.short(tick))
        yield from self._frame.shapes("shock-plot.velocity", "shock-plot.resultant")

    def _corner(self, damage: DamageResult) -> Iterator[str]:
        x, y = self._across(float(damage.fragility.critical_m_s)), self._up(float(damage.fragility.critical_g))
        yield box(x, y, self._frame.right, self._frame.top, "beyond")
        yield line(x, y, x, self._frame.top, "limit")
        yield line(x, y, self._frame.right, y, "limit")
        yield text(self._frame.right - 4, self._frame.top + 14, self._say("shock-plot.beyond"), "small halo", "end")

    def _dots(self) -> Iterator[str]:
        beyond = () if self._damage is None else self._damage.beyond
        for number, one in enumerate(self._events):
            x, y = self._across(one.velocity_change_m_s), self._up(one.resultant_g)
            most = self._up(min(_most_g(one), self._up.high))
            if y - most > 1:
                yield line(x, y, x, most, "mark")
            yield dot(x, y, 3.2, "flag" if number in beyond or self._damage is None else "open", "")
        yield from self._numbers(beyond)

    def _numbers(self, beyond: tuple[int, ...]) -> Iterator[str]:
        """The events beyond, the hardest first, as far as their numbers don't cover one another."""
        taken: list[tuple[float, float]] = []
        for one in sorted((self._events[number] for number in beyond), key=_resultant_g, reverse=True):
            x, y = self._across(one.velocity_change_m_s), self._up(one.resultant_g)
            if all(abs(x - other_x) > _LABEL_PX or abs(y - other_y) > _LINE_PX for other_x, other_y in taken):
                taken.append((x, y))
                yield text(x + 6, y + 4, str(one.shock.event), "small halo")


def _most_g(one: ShockResult) -> float:
    """As hard as it may have been."""
    return one.resultant_most_g / (1 - one.under_read) if one.under_read < 1 else math.inf


class _Spectra:
    """Natural frequency to the right, highest answer upwards, both as logarithms."""

    def __init__(self, subject: Subject, spectrum: Spectrum, size: Size) -> None:
        self._frame, self._say, self._spectrum = _Frame(subject, size), subject.words, spectrum
        highest = float(spectrum.axes_g.max()) or 1.0
        # Three decades show all that matters; an axis that was at rest would need endless ones.
        lowest = max(float(spectrum.axes_g.min()), highest / 1000)
        at_Hz = spectrum.at_Hz
        self._across = Scale(*_logs(float(at_Hz[0]), float(at_Hz[-1])), self._frame.left, self._frame.right)
        self._up = Scale(*_logs(lowest / _ROOM, highest * _ROOM), self._frame.bottom, self._frame.top)

    def groups(self) -> Iterator[tuple[str, Iterator[str]]]:
        """Axes, then a curve for each axis of the sensor."""
        yield self._say("plot.axes"), self._axes()
        for axis in range(len(AXES)):
            yield AXES[axis], self._curve(axis)
        yield self._say("plot.axes"), self._names()

    def _axes(self) -> Iterator[str]:
        for tick in _log_ticks(self._across):
            yield from self._frame.mark(self._across(math.log10(tick)), None, self._say.short(tick))
        for tick in _log_ticks(self._up):
            yield from self._frame.mark(None, self._up(math.log10(tick)), self._say.short(tick))
        yield from self._frame.shapes("shock-plot.frequency", "shock-plot.answer")

    def _curve(self, axis: int) -> Iterator[str]:
        yield curve(np.log10(self._spectrum.at_Hz), self._high(axis), self._across, self._up, f"curve c{axis}")

    def _high(self, axis: int) -> Floats:
        return np.asarray(np.log10(np.maximum(self._spectrum.axes_g[axis], 10.0**self._up.low)))

    def _names(self) -> Iterator[str]:
        """At the ends of the curves, pushed apart."""
        ends = sorted((self._up(float(self._high(axis)[-1])), name) for axis, name in enumerate(AXES))
        last = -math.inf
        for y, name in ends:
            last = max(y, last + _LINE_PX)
            yield text(self._frame.right + 6, last + 4, name, "strong")


def _logs(low: float, high: float) -> tuple[float, float]:
    """Their logarithms, kept apart."""
    return math.log10(low), max(math.log10(high), math.log10(low) + 0.1)


def _log_ticks(scale: Scale) -> list[float]:
    decades = range(math.floor(scale.low), math.ceil(scale.high) + 1)
    ticks = [factor * 10.0**decade for decade in decades for factor in _LOG_TICKS]
    return [one for one in ticks if scale.low <= math.log10(one) <= scale.high]
