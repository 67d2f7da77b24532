"""What verification finds, with its cause and its place."""

import math
from dataclasses import dataclass
from typing import Any

from celltrail.evidence import causes
from celltrail.evidence.causes import Cause
from celltrail.evidence.scan import Sector
from celltrail.evidence.trail_parser import Damage


@dataclass(frozen=True)
class Finding:
    """One thing found.

    The place, where known: sector and offset, and the bytes [first_byte, end_byte) of the file.
    """

    cause: Cause
    text: str
    sector: int | None = None
    offset: int | None = None
    first_byte: int | None = None
    end_byte: int | None = None

    @property
    def kind(self) -> str:
        """altered, missing, unproven or note."""
        return self.cause.kind

    @property
    def place(self) -> str:
        """sector 4, offset 1234 (file bytes 17734 to 17800)."""
        words = [] if self.sector is None else [f"sector {self.sector}"]
        words += [] if self.offset is None else [f"offset {self.offset}"]
        where = ", ".join(words)
        if self.first_byte is None or self.end_byte is None:
            return where
        span = f"file bytes {self.first_byte} to {max(self.first_byte, self.end_byte - 1)}"
        return f"{where} ({span})" if where else span

    def weight(self) -> tuple[int, float]:
        """Sorts the most telling cause first, among equals the one about the fewest bytes of the file."""
        known = self.first_byte is not None and self.end_byte is not None
        size = (self.end_byte or 0) - (self.first_byte or 0) if known else math.inf
        return causes.RANK[self.cause], size

    @property
    def line(self) -> str:
        """The finding in one line."""
        named = self.place and self.cause != causes.SECTORS
        return f"{self.place}: {self.text}" if named else self.text

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "kind": self.kind,
            "cause": self.cause.name,
            "text": self.text,
            "sector": self.sector,
            "offset": self.offset,
            "first_byte": self.first_byte,
            "end_byte": self.end_byte,
        }


def at_sector(cause: Cause, text: str, sector: Sector, start: int, end: int) -> Finding:
    """A finding about the bytes [start, end) of a sector."""
    return Finding(cause, text, sector.index, start, sector.place(start), sector.place(end))


def of_damage(damage: Damage) -> Finding:
    """Damage of the file: cut off means that parts are missing, all else that it was altered."""
    cause = causes.CUT if damage.cut else causes.FILE
    return Finding(cause, damage.text, first_byte=damage.start, end_byte=damage.end)
