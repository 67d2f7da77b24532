"""The words, numbers and dates of one language; the sentences stand in `languages/`, a file for each language."""

import math
import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from celltrail.evaluate.timeline import Moment
from celltrail.evidence.record import Instant
from celltrail.report.plain import plain
from celltrail.sentence import Length, Number, Second, Sentence, Utc
from celltrail.utc import iso

LANGUAGES = ("en", "nl", "fr")
_FIELD = re.compile(r"{\w+}")
_LETTERS = re.compile(r"[^\W\d_]")
_MINUS = "\u2212"
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True)
class Words:
    """`table` maps keys such as "limits.heading" to text with {fields}."""

    language: str
    table: Mapping[str, str]

    def __call__(self, key: str, /, **fields: Any) -> str:
        """The text of a key with its fields filled in."""
        return self.table[key].format(**fields)

    def known(self, group: str, name: str) -> str:
        """A word of the format, such as a mark's kind; one that isn't known as it is."""
        return self.table.get(f"{group}.{name.replace(' ', '-')}") or plain(name)

    def count(self, key: str, count: int, /, **fields: Any) -> str:
        """A text that differs for one and for many."""
        one = count == 1 or (self.language == "fr" and count == 0)
        return self(f"{key}.{'one' if one else 'many'}", count=self.whole(count), **fields)

    def yes(self, truth: bool) -> str:
        """yes or no."""
        return self("word.yes" if truth else "word.no")

    def said(self, text: str) -> str | None:
        """A sentence of the program in this language; None when it is none, or not known here."""
        if not isinstance(text, Sentence):
            return None
        known = self.table.get(f"sentence.{text.template}")
        if known is None and (self.language == "en" or not _LETTERS.search(_FIELD.sub("", text.template))):
            known = text.template
        return None if known is None else known.format(**{name: self._field(one) for name, one in text.fields.items()})

    def _field(self, value: Any) -> str:
        if isinstance(value, Length):
            return self.span(value / 1000)
        if isinstance(value, Utc | Second):
            return f"{self.time(value, isinstance(value, Second))}\u00a0UTC"
        if isinstance(value, Number):
            return value.replace(".", self("number.point")).replace("-", _MINUS)
        return self.said(value) or plain(value)

    # Numbers

    def whole(self, value: int) -> str:
        """7,194."""
        return f"{value:,}".replace(",", self("number.group")).replace("-", _MINUS)

    def number(self, value: float, digits: int = 2) -> str:
        """A number with so many decimals; what rounds to nothing has no sign."""
        text = f"{value:.{digits}f}"
        if not text.strip("-0."):
            text = text.lstrip("-")
        return text.replace(".", self("number.point")).replace("-", _MINUS)

    def within(self, value: float, digits: int = 2) -> str:
        """+-0.31: a bound, rounded up."""
        return f"\u00b1{self.number(math.ceil(value * 10**digits - 1e-6) / 10**digits, digits)}"

    def short(self, value: float) -> str:
        """A limit as it was given: 8, -0.5."""
        return f"{value:.6g}".replace(".", self("number.point")).replace("-", _MINUS)

    def celsius(self, value: float | None, digits: int = 2) -> str:
        """7.25 degC."""
        return self("word.none") if value is None else f"{self.number(value, digits)}\u00a0\u00b0C"

    def percent(self, share: float) -> str:
        """60 %."""
        return f"{self.number(100 * share, 0)}\u00a0%"

    # Time

    def span(self, seconds: float | None) -> str:
        """4 d 3 h; unknown."""
        if seconds is None:
            return self("word.unknown")
        whole = round(abs(seconds))
        if not whole and seconds:
            return f"{self.number(abs(seconds) * 1000, 0)}\u00a0ms"
        parts, left = [], whole
        for size, unit in _UNITS:
            parts.append((left // size, unit))
            left %= size
        first = next((i for i, (count, _) in enumerate(parts) if count), len(parts) - 1)
        said = [f"{count}\u00a0{self('unit.' + unit)}" for count, unit in parts[first : first + 2] if count]
        return " ".join(said) or f"0\u00a0{self('unit.s')}"

    def date(self, utc_ms: float) -> str:
        """2 Jun 2025."""
        text = iso(round(utc_ms))
        return f"{int(text[8:10])}\u00a0{self('month.' + text[5:7])}\u00a0{text[:4]}"

    def time(self, utc_ms: float | None, seconds: bool = False) -> str:
        """2 Jun 2025 06:20; UTC, which a column's title or `utc` says."""
        if utc_ms is None:
            return self("word.unknown")
        return f"{self.date(utc_ms)} {iso(round(utc_ms))[11 : 19 if seconds else 16]}"

    def utc(self, utc_ms: float | None) -> str:
        """2 Jun 2025 06:20 UTC."""
        return self.time(utc_ms) + ("" if utc_ms is None else "\u00a0UTC")

    def moment(self, moment: Moment, seconds: bool = False) -> str:
        """A moment in UTC, or since power-on when its UTC is unknown."""
        if moment.utc_ms is not None:
            return self.time(moment.utc_ms, seconds)
        return self("word.unknown") if moment.at is None else self.tick(moment.at)

    def tick(self, at: Instant) -> str:
        """3:20:15 after power-on 2."""
        seconds = at.tick_ms // 1000
        clock = f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        return self("time.since", time=clock, boot=at.boot)

    def bound(self, ms: float | None) -> str:
        """+-12 s, rounded up."""
        if ms is None:
            return self("word.unknown")
        step_s = next((step for least, step in ((86_400, 3600), (3600, 60), (1, 1)) if ms >= least * 1000), 0.001)
        return f"\u00b1{self.span(math.ceil(ms / 1000 / step_s) * step_s)}"


@cache
def words_of(language: str) -> Words:
    """The words of a language."""
    text = (resources.files("celltrail.report") / "languages" / f"{language}.toml").read_text(encoding="utf-8")
    return Words(language, dict(_flat(tomllib.loads(text))))


def _flat(table: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        found += _flat(value, f"{above}{key}.") if isinstance(value, dict) else [(above + key, value)]
    return found


def fields_of(text: str) -> set[str]:
    """The fields that a text has."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
