"""Which clock pairs of one boot to believe, when they contradict each other, and how to say so.

Pairs that one crystal can explain belong together; of several such groups the one counts that the logger's record
itself holds most of, then the largest, then the one that began first. What is left out is said. Nobody can tell which
clock was right, so the bound is widened as far as the recorded ones disagree: it holds if any of them was right. A
read-out's own pair is under no seal: against the record it counts for nothing.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celltrail.evidence.boot_map import DRIFT, ROUNDING_MS, BootMap, map_through
from celltrail.evidence.record import ClockPair
from celltrail.sentence import Length, Sentence, Utc, joined

SUSPICIOUS_PPM = 200.0
# No crystal is that bad: somebody set a clock.
_STEP_PPM = 1000.0
_PPM = 1e-6
_QUARTER_MS = 15 * 60 * 1000
# The most that drift may add to quarter hours, and the most where drift alone might be the reason.
_QUARTER_SLACK_MS = 90_000
_NARROW_SLACK_MS = 60_000
# Two pairs say nothing of the rate when they are nearer than this many times their uncertainty.
_NEAR = 10
_MOST_GROUPS = 16
_MOST_FLAGS = 10
_TIME_ZONE = Sentence("a whole number of quarter hours looks like a wrong time zone")
_COMPARE = Sentence("compare the times with an event whose time you know")
_NOT_USED = Sentence("the reading computer's is not used: check its clock, and read the logger out again")


@dataclass(frozen=True)
class Disagreement:
    """Two pairs of one boot: by how much their UTC differs from their ticks, and how much of it is uncertainty."""

    one: ClockPair
    two: ClockPair

    @property
    def apart_ms(self) -> int:
        """Ticks between them."""
        return abs(self.two.at.tick_ms - self.one.at.tick_ms)

    @property
    def off_ms(self) -> int:
        """How far the second clock is ahead of the first, if the crystal keeps time."""
        return (self.two.utc_ms - self.one.utc_ms) - (self.two.at.tick_ms - self.one.at.tick_ms)

    @property
    def unsure_ms(self) -> float:
        """What the stated uncertainties explain."""
        return self.one.uncertainty_ms + self.two.uncertainty_ms + ROUNDING_MS

    @property
    def unexplained_ms(self) -> float:
        """What they do not explain."""
        return max(0.0, abs(self.off_ms) - self.unsure_ms)

    @property
    def beyond_drift(self) -> bool:
        """Whether a good crystal cannot explain it either."""
        return self.unexplained_ms > self.apart_ms * DRIFT

    @property
    def like_time_zone(self) -> bool:
        """Whether it is very near to whole quarter hours, which no good crystal makes in less than 200 days."""
        whole = round(self.off_ms / _QUARTER_MS)
        rest_ms = abs(self.off_ms - whole * _QUARTER_MS)
        most_ms = _QUARTER_SLACK_MS if self.beyond_drift else _NARROW_SLACK_MS
        slack_ms = min(self.unsure_ms + self.apart_ms * DRIFT + 1000, most_ms)
        return whole != 0 and self.unexplained_ms > 0 and rest_ms <= slack_ms

    @property
    def may_hide_a_quarter(self) -> bool:
        """Whether a clock that is quarter hours wrong explains what a good crystal does not."""
        return self.beyond_drift and abs(self.off_ms) + self.unsure_ms + self.apart_ms * DRIFT >= _QUARTER_MS

    @property
    def suspicious(self) -> bool:
        """Whether people must know."""
        much = self.unexplained_ms > self.apart_ms * SUSPICIOUS_PPM * _PPM
        return much or self.like_time_zone or self.may_hide_a_quarter

    @property
    def is_step(self) -> bool:
        """Whether no crystal, only a clock that was set, makes such a difference."""
        return self.unexplained_ms > self.apart_ms * _STEP_PPM * _PPM or self.like_time_zone

    def text(self) -> str:
        """What people must know."""
        text = Sentence(
            "two clocks disagree by {off} over {apart} (at {one} and {two})",
            off=Length(self.off_ms),
            apart=Length(self.apart_ms),
            one=Utc(self.one.utc_ms),
            two=Utc(self.two.utc_ms),
        )
        if self.like_time_zone:
            return joined([text, _TIME_ZONE])
        if self.is_step:
            return text
        ppm = f"{self.unexplained_ms / self.apart_ms / _PPM:.0f}"
        return Sentence("{text}, a drift of {ppm} ppm or more", text=text, ppm=ppm)


@dataclass(frozen=True)
class Believed:
    """The map of one boot, doubts about it as sentences, and whether it rests on the logger's own record."""

    map: BootMap
    flags: tuple[str, ...]
    sealed: bool


def believe(pairs: Sequence[ClockPair], length_ms: float) -> Believed:
    """Choose among a boot's pairs (at least one); `length_ms` is the last tick known of it."""
    groups = _groups(_telling(pairs))
    best = max(groups, key=lambda group: (sum(pair.recorded for pair in group), len(group)))
    links = [Disagreement(one, two) for one, two in zip(best, best[1:], strict=False)]
    left_out = _left_out(pairs, best)
    flags = [joined([link.text(), _COMPARE]) for link in links if link.suspicious]
    sealed = any(pair.recorded for pair in best)
    flags += [_text_of_left_out(one, sealed) for one in left_out if one.suspicious]
    # Against the record a read-out's pair, which is under no seal, does not weigh.
    doubtful = any(link.suspicious for link in links) or any(one.two.recorded or not sealed for one in left_out)
    doubt_ms = _spread_ms(pairs, best) + length_ms * DRIFT if doubtful else 0.0
    made = map_through(best, [0.0] * len(best) if doubtful else _excess_ms(links), doubt_ms)
    return Believed(made, _few(flags), sealed)


def _telling(pairs: Sequence[ClockPair]) -> list[ClockPair]:
    """Those that say more than their neighbours and a good crystal do, by ascending ticks."""
    kept: list[ClockPair] = []
    ticks: list[int] = []
    for pair in sorted(pairs, key=lambda pair: (pair.uncertainty_ms, not pair.recorded, pair.at.tick_ms)):
        at = bisect_left(ticks, pair.at.tick_ms)
        if not any(_tells_nothing(near, pair) for near in kept[max(0, at - 1) : at + 1]):
            kept.insert(at, pair)
            ticks.insert(at, pair.at.tick_ms)
    return kept


def _tells_nothing(known: ClockPair, pair: ClockPair) -> bool:
    link = Disagreement(known, pair)
    unsure_ms = known.uncertainty_ms + pair.uncertainty_ms
    near = link.apart_ms <= _NEAR * unsure_ms
    return link.apart_ms == 0 or near or known.uncertainty_ms + link.apart_ms * DRIFT <= pair.uncertainty_ms


def _groups(pairs: Sequence[ClockPair]) -> list[list[ClockPair]]:
    """Pairs that one crystal, good or bad, can explain, together; in the order in which the groups begin."""
    groups: list[list[ClockPair]] = []
    for pair in pairs:
        mine = next((group for group in groups if _fits(group[-1], pair)), None)
        if mine is not None:
            mine.append(pair)
        elif len(groups) < _MOST_GROUPS:
            groups.append([pair])
    return groups


def _fits(one: ClockPair, two: ClockPair) -> bool:
    """Whether one crystal explains both; a bad one only when both lie under the record's seals."""
    link = Disagreement(one, two)
    return not (link.is_step if one.recorded and two.recorded else link.suspicious)


def _left_out(pairs: Sequence[ClockPair], best: Sequence[ClockPair]) -> list[Disagreement]:
    """The pairs that contradict the nearest of the believed ones."""
    ticks = [pair.at.tick_ms for pair in best]
    chosen = set(map(id, best))
    found = []
    for pair in pairs:
        at = bisect_left(ticks, pair.at.tick_ms)
        near = min(best[max(0, at - 1) : at + 1], key=lambda one: abs(one.at.tick_ms - pair.at.tick_ms))
        link = Disagreement(near, pair)
        if id(pair) not in chosen and link.beyond_drift:
            found.append(link)
    return found


def _text_of_left_out(link: Disagreement, sealed: bool) -> str:
    return joined([link.text(), _COMPARE if link.two.recorded or not sealed else _NOT_USED])


def _excess_ms(links: Sequence[Disagreement]) -> list[float]:
    """For each pair what lies between it and its neighbours beyond a good crystal's drift, whoever is wrong."""
    excess = [0.0] * (len(links) + 1)
    for i, link in enumerate(links):
        if link.beyond_drift:
            off_ms = abs(link.off_ms) + link.apart_ms * DRIFT
            excess[i], excess[i + 1] = max(excess[i], off_ms), max(excess[i + 1], off_ms)
    return excess


def _spread_ms(pairs: Sequence[ClockPair], best: Sequence[ClockPair]) -> float:
    """How far the clocks that count lie apart, at most."""
    sealed = any(pair.recorded for pair in best)
    counted = [*best, *(pair for pair in pairs if pair.recorded or not sealed)]
    offsets = np.array([pair.utc_ms - pair.at.tick_ms for pair in counted], np.float64)
    return float(offsets.max() - offsets.min()) + max(pair.uncertainty_ms for pair in counted)


def _few(flags: Sequence[str]) -> tuple[str, ...]:
    distinct = list(dict.fromkeys(flags))
    more = len(distinct) - _MOST_FLAGS
    return (
        *distinct[:_MOST_FLAGS],
        *([Sentence("and {more} more such contradictions", more=more)] if more > 0 else []),
    )
