"""A measured figure, its target and its peer; the table and the file that the bench makes of them."""

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

AT_MOST = "<="
AT_LEAST = ">="
NO_TARGET = ""


@dataclass(frozen=True)
class Target:
    """The bound that a figure should keep."""

    side: str
    bound: float

    def met(self, value: float) -> bool:
        """Whether the value keeps the bound."""
        return value <= self.bound if self.side == AT_MOST else value >= self.bound

    def text(self) -> str:
        """`<= 0.8`."""
        return f"{self.side} {number(self.bound)}"


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    value: None when it could not be measured; `how` says why. peer_value: measured in the same run, or as published
    when `how` or `peer` says so; None when there is none.
    """

    name: str
    value: float | None
    unit: str
    how: str
    peer: str = ""
    peer_value: float | None = None
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's."""
        if self.value is None or not self.peer_value:
            return None
        return self.value / self.peer_value

    @property
    def verdict(self) -> str:
        """pass, MISS, or nothing when there is no target."""
        if self.value is None:
            return "not available"
        if self.target is None:
            return NO_TARGET
        return "pass" if self.target.met(self.value) else "MISS"

    def as_dict(self) -> dict[str, object]:
        """The entry of bench.json."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "peer": self.peer,
            "peer_value": self.peer_value,
            "how": self.how,
        }


def at_most(bound: float) -> Target:
    """A figure that should be small."""
    return Target(AT_MOST, bound)


def at_least(bound: float) -> Target:
    """A figure that should be large."""
    return Target(AT_LEAST, bound)


def number(value: float | None) -> str:
    """Three significant digits or all digits before the point, in groups of three."""
    if value is None:
        return "-"
    if value == 0 or abs(value) >= 1000 or float(value).is_integer():
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


def median(values: Sequence[float]) -> float:
    """The middle one; the mean of two for an even count."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def write_json(path: Path, figures: Sequence[Figure]) -> None:
    """The list that scripts read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = [figure.as_dict() for figure in figures]
    path.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)
