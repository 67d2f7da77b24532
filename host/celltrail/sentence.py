"""Sentences in English that remember what they were made of, so that a report can say them in another language."""

from collections.abc import Mapping
from typing import Any

from celltrail.utc import iso, short, span


class Length(float):
    """Milliseconds that read as people say a length of time."""

    def __format__(self, spec: str) -> str:
        return span(self)


class Utc(int):
    """Milliseconds since 1970 that read as an instant in UTC, to the minute."""

    def __format__(self, spec: str) -> str:
        return f"{short(self)} UTC"


class Second(int):
    """The same to the second."""

    def __format__(self, spec: str) -> str:
        return iso(self)[:19].replace("T", " ") + " UTC"


class Number(str):
    """A number as text, whose point may become a comma."""


class Sentence(str):
    """A text made of a template and its fields: sentences, the kinds above, whole numbers, or words of the record."""

    template: str
    fields: Mapping[str, Any]

    def __new__(cls, template: str, /, **fields: Any) -> "Sentence":
        """The text, filled in."""
        made = super().__new__(cls, template.format(**fields))
        made.template, made.fields = template, fields
        return made


def joined(parts: list[str], separator: str = "; ") -> str:
    """Several sentences as one; nothing for none."""
    if not parts:
        return ""
    made = parts[0]
    for part in parts[1:]:
        made = Sentence("{one}" + separator + "{two}", one=made, two=part)
    return made
