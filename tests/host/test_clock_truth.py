"""The clock against random truths: crystals, restarts, and hosts that are honest about their uncertainty, or not."""

import os
from types import SimpleNamespace

import numpy as np
from crystal_board import Crystal
from hypothesis import event, given, settings
from hypothesis import strategies as st

from celltrail.evidence.clock import Clock
from celltrail.evidence.record import ClockPair, Instant

# CELLTRAIL_LONG_TRIPS=1: overnight.
EXAMPLES = 20_000 if os.environ.get("CELLTRAIL_LONG_TRIPS") else 300
UTC = 1_740_816_000_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MOST_MS = 60 * DAY_MS

# A rate that stays in a band of 20 ppm, all of it within 50 ppm, in pieces.
RATES = st.tuples(
    st.integers(-40_000, 40_000), st.lists(st.tuples(st.integers(1, MOST_MS), st.integers(-10_000, 10_000)), max_size=5)
)
# When in the boot (a share of its length), how unsure, how wrong (a share of that), and in the record or not.
SYNCS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 20_000), st.floats(-1, 1), st.booleans()), min_size=0, max_size=5
)
BOOTS = st.lists(st.tuples(RATES, st.integers(0, MOST_MS), SYNCS, st.integers(0, MOST_MS)), min_size=1, max_size=4)
FIRST_BOOT = st.sampled_from([1, 65_533, 65_535])


def crystal_of(base, changes):
    rates = {0: base} | {at: base + swing for at, swing in changes}
    return Crystal(sorted(rates.items()))


class Truth:
    """Boots end to end with time without power between them."""

    def __init__(self, boots, first):
        self.pairs, self.lengths, self.on_ms, self.crystals = [], {}, {}, {}
        at_ms = 0
        for i, ((base, changes), length_ms, syncs, off_ms) in enumerate(boots):
            boot = (first + i) & 0xFFFF
            crystal = crystal_of(base, changes)
            self.on_ms[boot], self.crystals[boot] = at_ms, crystal
            self.lengths[boot] = crystal.ticks_ms(length_ms * 1000)
            for share, unsure_ms, wrong, recorded in syncs:
                self.pair(boot, round(share * length_ms * 1000), unsure_ms, wrong, recorded)
            at_ms += length_ms + off_ms

    def pair(self, boot, true_us, unsure_ms, wrong, recorded):
        # A host says whole ms, cut off, as the logger does.
        utc_ms = UTC + int(self.on_ms[boot] + true_us / 1000 + wrong * unsure_ms)
        tick_ms = self.crystals[boot].ticks_ms(true_us)
        self.pairs.append(ClockPair(Instant(boot, tick_ms), utc_ms, unsure_ms, 1, recorded))

    def clock(self):
        last = [Instant(boot, length) for boot, length in self.lengths.items()]
        return Clock(SimpleNamespace(clock_pairs=tuple(self.pairs), last_ticks=last))

    def beyond_ms(self, clock, shares):
        """By how much the worst known time lies outside of its bound."""
        worst = -1.0
        for boot, length in self.lengths.items():
            ticks = np.array([round(share * length) for share in shares], np.int64)
            utc, bound = clock.utc_of(np.full(len(ticks), boot), ticks)
            true = np.array([self.crystals[boot].true_us(int(tick)) / 1000 for tick in ticks]) + self.on_ms[boot] + UTC
            known = np.isfinite(utc)
            assert np.isinf(bound[~known]).all()
            if known.any():
                worst = max(worst, float((np.abs(utc - true) - bound)[known].max()))
        return worst


def lie(truth, data):
    """One pair is wrong by far more than it says: its place, what it was, and by how many ms."""
    at = data.draw(st.integers(0, len(truth.pairs) - 1))
    one = truth.pairs[at]
    off_ms = data.draw(st.sampled_from([1, 4, 8, 96]).map(lambda q: 900_000 * q) | st.integers(1, 1 << 33))
    sign = data.draw(st.sampled_from([-1, 1]))
    utc_ms = max(0, one.utc_ms + sign * off_ms)
    truth.pairs[at] = ClockPair(one.at, utc_ms, one.uncertainty_ms, 1, one.recorded)
    truth.liar = one.at.boot
    return at, one, off_ms


SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=8).map(lambda some: [0.0, *some, 1.0])


@settings(max_examples=EXAMPLES, deadline=None)
@given(BOOTS, FIRST_BOOT, SHARES)
def test_honest_clocks_give_times_within_their_bound_and_no_contradiction(boots, first, shares):
    truth = Truth(boots, first)
    clock = truth.clock()
    assert truth.beyond_ms(clock, shares) <= 0
    for flag in clock.flags:
        event(flag.split(":")[1][:30])
        # Over months a good crystal may come to whole quarter hours.
        assert "no clock was set" in flag or "no seal covers it" in flag or "quarter hours" in flag
    # No time is invented: what has no clock on both sides has none.
    synced = [boot for boot in truth.lengths if boot in clock.synced]
    for boot in clock.unknown:
        order = list(truth.lengths)
        here = order.index(boot)
        assert not any(one in synced for one in order[:here]) or not any(one in synced for one in order[here:])


@settings(max_examples=EXAMPLES, deadline=None)
@given(BOOTS, FIRST_BOOT, SHARES, st.data())
def test_a_dishonest_clock_that_nobody_contradicts_leaves_other_boots_alone(boots, first, shares, data):
    truth = Truth(boots, first)
    if not truth.pairs:
        return
    lie(truth, data)
    clock = truth.clock()
    if any(word in flag for flag in clock.flags for word in ("disagree", "begins", "by the reading computer's clock")):
        event("said")
        return
    for boot in [boot for boot in truth.lengths if boot not in clock.synced or boot == truth.liar]:
        del truth.lengths[boot]
    assert truth.beyond_ms(clock, shares) <= 0


@settings(max_examples=EXAMPLES, deadline=None)
@given(RATES, st.integers(1, MOST_MS), SYNCS.filter(lambda some: len(some) >= 2), SHARES, st.data())
def test_in_one_boot_a_recorded_clock_that_lies_stays_inside_the_bound(rates, length_ms, syncs, shares, data):
    recorded = [(share, unsure_ms, wrong, True) for share, unsure_ms, wrong, _ in syncs]
    truth = Truth([(rates, length_ms, recorded, 0)], 1)
    at, one, off_ms = lie(truth, data)
    clock = truth.clock()
    if any("disagree" in flag for flag in clock.flags):
        event("said")
        assert truth.beyond_ms(clock, shares) <= 0
    else:
        # So little that the stated uncertainties and 200 ppm explain it.
        near = min(abs(two.at.tick_ms - one.at.tick_ms) for i, two in enumerate(truth.pairs) if i != at)
        unsure_ms = one.uncertainty_ms + max(pair.uncertainty_ms for pair in truth.pairs)
        assert off_ms <= 2 * unsure_ms + 2 + max(near, 1) * 250e-6 + length_ms * 250e-6
