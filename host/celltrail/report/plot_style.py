"""How the pictures of a report look: lines and hatches that read in black and white, and on a white page only."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from celltrail.views.svg_draw import group

_RULES = (
    "text{font:12px FONT;fill:#111}",
    ".small{font-size:11px}",
    ".strong{font-weight:bold}",
    ".halo{paint-order:stroke;stroke:#fff;stroke-width:3px}",
    ".frame{fill:none;stroke:#444}",
    ".grid{stroke:#ddd}",
    ".limit{stroke:#8c1515;stroke-width:1.4;stroke-dasharray:7 4}",
    ".beyond{fill:#b02020;fill-opacity:0.06}",
    ".unread{fill:url(#NAME-hatch)}",
    ".leg{fill:#fff;stroke:#555}",
    ".odd{fill:#dde3ea}",
    ".guessed{stroke-dasharray:3 3}",
    ".mark{stroke:#555;stroke-dasharray:2 3}",
    ".flag{fill:#333}",
    ".open{fill:#fff;stroke:#333}",
    ".outside{fill:#111}",
    ".maybe{fill:url(#NAME-dots);stroke:#111}",
    ".needle{stroke:#111;stroke-width:1.6}",
    ".tip{fill:#111}",
    ".curve{fill:none;stroke-width:1.6;stroke-linejoin:round}",
    ".c0{stroke:#0f3f73}",
    ".c1{stroke:#9a5b0c;stroke-dasharray:6 3}",
    ".c2{stroke:#2f7040;stroke-dasharray:2 2}",
    ".c3{stroke:#6a4a9c;stroke-dasharray:9 3 2 3}",
)


@dataclass(frozen=True)
class Size:
    """How wide, how high the temperature is, and the name that its parts have in a page; `is_wide`: marks get words."""

    name: str
    width: int
    height: int
    left: int
    right: int
    is_wide: bool
    font: str = "system-ui, 'DejaVu Sans', Verdana, sans-serif"


WIDE = Size("wide", 1000, 300, 58, 62, True)
NARROW = Size("narrow", 400, 240, 40, 56, False)
# Libertinus comes with the program that sets the PDF.
PAPER = Size("paper", 820, 230, 58, 58, True, "'Libertinus Serif'")


def style(name: str, font: str) -> str:
    """The rules of one picture; its name keeps them from another one's in the same page."""
    return "".join(f".{name} {rule}" for rule in _RULES).replace("FONT", font).replace("NAME", name)


def hatches(name: str) -> str:
    """The patterns that it fills areas with."""
    return (
        f'<defs><pattern id="{name}-hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="7" height="7" fill="#fff"/>'
        '<line x1="0" y1="0" x2="0" y2="7" stroke="#777" stroke-width="1.6"/></pattern>'
        f'<pattern id="{name}-dots" width="4" height="4" patternUnits="userSpaceOnUse">'
        '<rect width="4" height="4" fill="#fff"/><circle cx="1.5" cy="1.5" r="1" fill="#111"/></pattern></defs>'
    )


def titled(tag: str, key: str, content: str) -> str:
    """A title or a description, for those who can't see the picture."""
    return f'<{tag} id="{key}">{escape(content)}</{tag}>'


def document(
    size: Size, height: float, title: str, words: str, groups: Iterable[tuple[str, Iterable[str]]], over: str = ""
) -> Iterator[str]:
    """The lines of an SVG: named groups of shapes, and what lies over them; `words` tell those who can't see it."""
    name = size.name
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{name}" role="img" '
        f'viewBox="0 0 {size.width} {height:g}" aria-labelledby="{name}-title {name}-text">'
    )
    yield titled("title", f"{name}-title", title)
    yield titled("desc", f"{name}-text", words)
    yield f"<style>{style(name, size.font)}</style>"
    yield hatches(name)
    for label, shapes in groups:
        yield from group(label, shapes)
    if over:
        yield over
    yield "</svg>"
