"""The trip that a report is about, with what all its sections ask of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from celltrail.evaluate.evaluation import Evaluation
from celltrail.evaluate.legs import GUESSED, RECORD, Leg, Milestone
from celltrail.evaluate.rules import Rule
from celltrail.evidence.record import Instant, Record
from celltrail.evidence.verdict import Verdict
from celltrail.report.page import Cell, Text
from celltrail.report.plain import plain
from celltrail.report.plot_style import Size
from celltrail.report.words import Words
from celltrail.views.summary import Summary, summarize
from celltrail_protocol.names import MARK_NAMES

# So many rows of a kind are shown; nobody reads more, and the exports have all.
MOST_ROWS = 1000


@dataclass(frozen=True)
class Subject:
    """An evaluated trip in one language; `made_utc_ms` is when the report is made, `sizes` those of its pictures."""

    made: Evaluation
    words: Words
    made_utc_ms: int
    sizes: tuple[Size, Size]

    @cached_property
    def summary(self) -> Summary:
        """The figures of `celltrail show`."""
        return summarize(self.made.checked)

    @property
    def record(self) -> Record:
        """The record."""
        return self.made.checked.record

    @property
    def verdict(self) -> Verdict:
        """What verification says."""
        return self.made.checked.verdict

    @property
    def name(self) -> str:
        """CT-3F2A91."""
        record = self.record
        return plain(record.name) or (record.uid.hex() if any(record.uid) else self.words("word.unknown-logger"))

    def instant(self, at: Instant, seconds: bool = False) -> str:
        """An instant in UTC, or since power-on."""
        utc_ms = self.made.checked.clock.utc_ms(at)
        return self.words.tick(at) if utc_ms is None else self.words.time(utc_ms, seconds)

    def mark_kind(self, kind: int) -> str:
        """handed over."""
        return self.words.known("mark", MARK_NAMES.get(kind, str(kind)))

    def milestone(self, one: Milestone) -> str:
        """handed over LEJ."""
        if one.source == RECORD:
            return self.words(f"leg.record-{one.name}")
        return " ".join(part for part in (self.words.known("mark", one.name), plain(one.place)) if part)

    def leg_name(self, leg: Leg) -> str:
        """packed Leipzig to handed over LEJ."""
        return self.words("leg.name", start=self.milestone(leg.start), end=self.milestone(leg.end))

    def leg_number(self, number: int) -> Cell:
        """3; ~3 and marked when the leg was inferred."""
        return Text(f"~{number}") if self.made.legs[number].basis == GUESSED else str(number)

    def legs_text(self, numbers: Iterable[int]) -> str:
        """0, 1."""
        return ", ".join(map(str, numbers)) or self.words("word.none")

    def limit(self, channel: int, is_high: bool, limit_c: float) -> str:
        """channel 0 at or above 8 degC; the channel only when there are several."""
        text = self.words("limit.high" if is_high else "limit.low", limit=self.words.short(limit_c))
        if len(self.record.channels) < 2:
            return text
        return self.words("limit.of-channel", number=channel, limit=text)

    def rule(self, rule: Rule) -> str:
        """The same for a rule."""
        return self.limit(rule.channel, rule.is_high, rule.limit_c)

    def allowed(self, is_cumulative: bool, delay_s: float) -> str:
        """30 min at a stretch."""
        if not delay_s:
            return self.words("limit.at-once")
        key = "limit.in-all" if is_cumulative else "limit.at-a-stretch"
        return self.words(key, length=self.words.span(delay_s))

    def said(self, text: str) -> Cell:
        """A sentence of the program; one that it has in English only says that it is English."""
        known = self.words.said(text)
        if known is not None:
            return known
        return plain(text) if self.words.language == "en" or not text else Text(plain(text), lang="en")
