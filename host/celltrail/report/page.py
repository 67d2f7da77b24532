"""What a report is made of, whatever it is rendered as: sections of paragraphs, facts, tables and pictures.

All text is in the report's language already and is plain: a renderer escapes it, and nothing in it is markup.
"""

from dataclasses import dataclass
from typing import TypeAlias

GOOD, BAD, OPEN = "good", "bad", "open"


@dataclass(frozen=True)
class Text:
    """Text that isn't like the text around it: in another language, code (hashes, ids), or strong."""

    text: str
    lang: str = ""
    code: bool = False
    strong: bool = False


Cell: TypeAlias = str | Text


@dataclass(frozen=True)
class Paragraph:
    """Some sentences."""

    text: Cell


@dataclass(frozen=True)
class Points:
    """A list, an entry for each point."""

    entries: tuple[Cell, ...]


@dataclass(frozen=True)
class Facts:
    """Names and what they are, a pair for each row."""

    rows: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True)
class Column:
    """A column's title; numbers stand at the right, and a wide one gets what room is left."""

    title: str
    number: bool = False
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """A caption, columns and rows as wide as these; the first cell of a row names it."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A picture as SVG for wide pages and, for narrow windows, another one; the text says what it shows."""

    caption: str
    text: str
    wide: str
    narrow: str


Block: TypeAlias = Paragraph | Points | Facts | Table | Figure


@dataclass(frozen=True)
class Section:
    """A heading with what belongs to it; `key` names it in links."""

    key: str
    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """`answer` in one line, with `kind` GOOD, BAD or OPEN; `first` is the first page, `sections` all that follow it.

    `made_utc_ms`: when it was made. `labels` are the few words that a renderer adds by itself.
    """

    language: str
    title: str
    subtitle: str
    kind: str
    answer: str
    points: tuple[Cell, ...]
    first: tuple[Block, ...]
    sections: tuple[Section, ...]
    footer: str
    made_utc_ms: int
    labels: dict[str, str]
