"""The few shapes that `svg` draws with: numbers with one decimal, text escaped."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from celltrail.evidence.record import Floats


@dataclass(frozen=True)
class Scale:
    """Maps [low, high] to pixels [start, end]; `end` may be the smaller one."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value, kept within the scale's ends."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


def nice_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from `low` to `high`, at most about `most`."""
    raw = max(high - low, 1e-9) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 9) for number in range(first, last + 1)]


def number(value: float) -> str:
    """A pixel or a label's number without a tail of zeros."""
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, content: str, css: str = "", anchor: str = "start") -> str:
    """A line of text."""
    return f'<text x="{number(x)}" y="{number(y)}" class="{css}" text-anchor="{anchor}">{escape(content)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, css: str, title: str = "") -> str:
    """A straight line; the title shows when the pointer rests on it."""
    ends = f'x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
    return f'<line {ends} class="{css}"/>' if not title else f'<line {ends} class="{css}">{_title(title)}</line>'


def box(x1: float, y1: float, x2: float, y2: float, css: str, title: str = "") -> str:
    """A rectangle between two corners."""
    left, top = min(x1, x2), min(y1, y2)
    size = f'width="{number(abs(x2 - x1))}" height="{number(abs(y2 - y1))}"'
    return f'<rect x="{number(left)}" y="{number(top)}" {size} class="{css}">{_title(title)}</rect>'


def triangle(x: float, y: float, up: bool, css: str, title: str) -> str:
    """A small triangle whose tip is at (x, y)."""
    base = y + 11 if up else y - 11
    points = f"{number(x)},{number(y)} {number(x - 6)},{number(base)} {number(x + 6)},{number(base)}"
    return f'<polygon points="{points}" class="{css}">{_title(title)}</polygon>'


def dot(x: float, y: float, radius: float, css: str, title: str) -> str:
    """A filled circle."""
    return f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}" class="{css}">{_title(title)}</circle>'


def curve(x: Floats, y: Floats, across: Scale, up: Scale, css: str) -> str:
    """A line through all points."""
    points = " ".join(f"{number(across(px))},{number(up(py))}" for px, py in zip(x.tolist(), y.tolist(), strict=True))
    return f'<polyline points="{points}" class="{css}"/>'


def group(label: str, shapes: Iterable[str]) -> list[str]:
    """Shapes that belong together, named for those who can't see them; nothing when there are none."""
    inside = list(shapes)
    return [f'<g role="group" aria-label="{escape(label)}">', *inside, "</g>"] if inside else []


def _title(content: str) -> str:
    return f"<title>{escape(content)}</title>" if content else ""
