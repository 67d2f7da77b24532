"""The host's times against the truth, over trips of the real firmware whose tick counters wrap all the time.

The whole length at 60 s is part of the suite; CELLTRAIL_LONG_TRIPS=1 adds counters as chips have them, and more
crystals.
"""

import os

import numpy as np
import pytest

from celltrail.evidence.outages import outages_of
from celltrail.views.verdict_text import verdict_lines
from tests.host.sim_trip import DAY_MS, HOUR_MS, SimTrip, compare, warm_and_cold

QUARTER_MS = 900_000
TWO_HOURS_MS = 2 * HOUR_MS
ALLOW = "allow for that where an instant decides"
LONG = pytest.mark.skipif(
    not os.environ.get("CELLTRAIL_LONG_TRIPS"), reason="takes minutes; CELLTRAIL_LONG_TRIPS=1 runs it"
)


def short(rates=0.0, period_s=600, **options):
    """A trip of few readings, whose counter wraps every 17 minutes."""
    return SimTrip(rates, period_s, **({"counter": 1 << 20} | options))


# Long trips


@pytest.mark.timeout(300)
def test_400_days_at_60_s(tmp_path):
    # The crystal follows day and night. A checkpoint a week: their seals are tested elsewhere.
    sim = SimTrip(warm_and_cold(30, 401), counter=1 << 18, checkpoint_s=86_400).arm().go(days=200)
    sim.sync(off_ms=-40).go(days=200).sync(off_ms=30).stop()
    found = compare(sim, tmp_path)
    assert (len(found.slots), sim.wraps) == (576_018, 131_839)
    assert found.holds()
    assert found.ascending()
    assert found.flags == ()
    assert found.checked.verdict.word == "closed"
    # A quarter of the band's 20 ppm over the 200 days between two clocks.
    assert 86_400 <= found.widest_ms() <= 86_600
    assert np.abs(found.error).max() < 1000


@pytest.mark.timeout(300)
def test_30_days_at_10_s_with_a_ring_that_wraps(tmp_path):
    sim = SimTrip(warm_and_cold(-35, 31), 10, counter=1 << 16, sectors=16).arm().go(days=27)
    sim.sync().go(days=3).sync().stop()
    found = compare(sim, tmp_path)
    assert sim.wraps > 39_000
    assert found.checked.trail.sectors[0].index > 0
    assert len(found.slots) > 100_000
    assert found.holds()
    assert found.ascending()
    # Between the clocks of day 27 and 30 the bow, before them the band and what the two clocks may be off.
    assert found.widest_ms() < 30 * DAY_MS * 21e-6
    assert found.flags == ()


@LONG
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("rate_ppm", [-39, 0, 39])
@pytest.mark.parametrize(("days", "period_s"), [(400, 60), (30, 10)])
def test_long_trips_on_the_counters_of_chips(rate_ppm, days, period_s):
    sim = SimTrip(warm_and_cold(rate_ppm, days + 1), period_s, counter=1 << 30).arm().go(days=days).sync().stop()
    found = compare(sim)
    assert sim.wraps == days * DAY_MS >> 30
    assert found.holds()
    assert found.ascending()


# Drift


@pytest.mark.parametrize("rate_ppm", [-50, -49.9, 0, 49.9, 50])
@pytest.mark.parametrize("syncs", [1, 2, 5])
def test_a_crystal_of_50_ppm_is_inside_the_bound_and_no_doubt(rate_ppm, syncs):
    sim = short(rate_ppm).arm(off_ms=50)
    for _ in range(syncs - 1):
        sim.go(days=30 / syncs).sync(off_ms=-50)
    found = compare(sim.go(days=30 / syncs).stop())
    assert found.holds()
    assert found.doubts() == []
    # 50 ppm of 30 days with one clock, else a quarter of 20 ppm between two and 20 ppm after them.
    assert found.widest_ms() <= (129_700 if syncs == 1 else 27_000)


@pytest.mark.parametrize("rate_ppm", [300, -300])
def test_a_crystal_of_300_ppm_is_flagged(rate_ppm):
    sim = short(rate_ppm).arm().go(days=10).sync().go(days=10).sync().stop()
    found = compare(sim)
    assert found.holds()
    assert found.ascending()
    assert len(found.doubts()) == 2
    for flag in found.doubts():
        assert "two clocks disagree by 4 min 19 s over" in flag
        assert "a drift of 300 ppm or more; compare the times with an event whose time you know" in flag
    # Nobody knows whether it was the crystal: as far as the clocks are apart, and a good crystal's drift.
    assert found.widest_ms() < 20 * DAY_MS * 360e-6


def test_a_crystal_that_wanders_within_its_band_stays_inside():
    for mean_ppm in (-40, 0, 40):
        # The worst there is: at one end of the band for half of the time, at the other for the rest.
        rates = [(0, (mean_ppm - 10) * 1000), (10 * DAY_MS, (mean_ppm + 10) * 1000)]
        found = compare(short(rates).arm(off_ms=50).go(days=20).sync(off_ms=50).stop())
        assert found.holds()
        assert found.flags == ()
        # The bound is no wider than it must be: this crystal comes close to it.
        assert np.abs(found.error).max() > 0.98 * found.widest_ms()


# Clocks that were set wrong


def test_a_clock_set_forwards_and_backwards_by_2_hours_twice():
    sim = short(20).arm()
    for off_ms in (TWO_HOURS_MS, 0, -TWO_HOURS_MS, 0):
        sim.go(days=2).sync(off_ms=off_ms)
    found = compare(sim.go(days=2).stop())
    # Three clocks agree; those that don't are named, and any of them may have been the right one.
    assert np.abs(found.error).max() < 10_000
    assert found.holds()
    assert found.ascending()
    assert 2 * TWO_HOURS_MS <= found.widest_ms() < 2 * TWO_HOURS_MS + 60_000
    assert len(found.doubts()) == 2
    for flag in found.doubts():
        assert "two clocks disagree by" in flag
        assert "looks like a wrong time zone; compare the times with an event whose time you know" in flag


@pytest.mark.parametrize("wrong_ms", [TWO_HOURS_MS, -TWO_HOURS_MS, HOUR_MS, QUARTER_MS, -QUARTER_MS, 5_000_000])
@pytest.mark.parametrize("right_at", [0, 1, 2])
def test_the_bound_holds_when_only_one_of_three_clocks_was_right(wrong_ms, right_at):
    offs_ms = [0 if at == right_at else wrong_ms for at in range(3)]
    sim = short(-15).arm(off_ms=offs_ms[0]).go(days=3).sync(off_ms=offs_ms[1]).go(days=3).sync(off_ms=offs_ms[2])
    found = compare(sim.go(days=1).stop())
    assert found.holds()
    assert found.ascending()
    assert any("two clocks disagree" in flag for flag in found.flags)


def test_clocks_of_summer_and_winter_time_disagree_by_an_hour():
    sim = short(30).arm(off_ms=HOUR_MS).go(days=30).sync().stop()
    found = compare(sim)
    assert found.holds()
    assert "two clocks disagree by 1 h" in found.flags[0]
    assert "looks like a wrong time zone" in found.flags[0]


@pytest.mark.parametrize("days", [5, 30, 100, 400])
def test_an_hour_at_the_end_of_a_long_trip_is_flagged(days):
    # Over 400 days an hour is 104 ppm: less than the drift that is flagged, more than a good crystal's.
    for rate_ppm in (-50, -25, 0, 17, 50):
        sim = short(rate_ppm, period_s=3600, checkpoint_s=86_400).arm().go(days=days).sync(off_ms=HOUR_MS).stop()
        found = compare(sim)
        assert found.holds()
        assert any("two clocks disagree" in flag for flag in found.flags)


def test_pairs_that_come_out_of_order_are_put_in_order():
    sim = short(45).arm().go(days=1)
    early = (sim.tick_ms(), sim.utc_ms())
    sim.go(days=4).sync().go(days=1)
    late = {"op": "AB", "tick": early[0], "utc": early[1], "unc": 50, "src": 1}
    assert sim.host.prove(7, late) == {}
    found = compare(sim.stop())
    assert found.holds()
    assert found.ascending()
    assert found.flags == ()
    assert found.widest_ms() < 3000


def test_a_clock_that_is_not_sure_of_anything_does_no_harm():
    sim = short(10).arm().go(days=2).sync(off_ms=40 * DAY_MS, unsure_ms=0xFFFFFFFF).go(days=2).sync().stop()
    found = compare(sim)
    assert found.holds()
    assert found.flags == ()
    assert found.widest_ms() < 3000


def test_only_a_clock_that_is_not_sure_of_anything():
    sim = short(10).arm(off_ms=-40 * DAY_MS, unsure_ms=0xFFFFFFFF).go(days=2).stop()
    found = compare(sim)
    assert found.holds()
    assert found.flags == ("the time of some readings is known only within 49 d 17 h; " + ALLOW,)


# The computer that reads out


@pytest.mark.parametrize("wrong_ms", [HOUR_MS, -HOUR_MS, QUARTER_MS, -QUARTER_MS, 365 * DAY_MS, 120_000])
def test_a_computer_whose_clock_is_wrong_at_read_out_is_flagged_and_not_used(wrong_ms):
    sim = short(20).arm().go(days=5).noted(off_ms=wrong_ms).stop()
    found = compare(sim.noted(off_ms=wrong_ms))
    assert found.holds()
    assert found.widest_ms() < 5 * DAY_MS * 51e-6
    assert len(found.flags) in (1, 2)
    for flag in found.flags:
        assert "the reading computer's is not used: check its clock, and read the logger out again" in flag
    assert any("  clock     boot 1: two clocks disagree" in line for line in verdict_lines(found.checked.verdict))


def test_a_computer_whose_clock_is_right_at_read_out_makes_the_bound_narrow():
    sim = short(40).arm().go(days=5).noted().stop()
    found = compare(sim)
    assert found.holds()
    assert found.flags == ()
    assert found.widest_ms() < 5 * DAY_MS * 6e-6


# Restarts


def test_boots_without_a_clock_lie_between_those_with_one():
    sim = short(30).arm().go(hours=30).cut(20, -30).go(hours=40).cut(70, 10).go(hours=5).cut(1, 50).go(hours=20)
    sim.sync().go(hours=3).stop()
    found = compare(sim)
    assert found.known.all()
    assert found.holds()
    # Boots 2 and 3 may be moved by the hours that were spent without power.
    lost = np.isin(found.boots, (2, 3))
    assert 45 * HOUR_MS < found.bound[lost].min() <= found.bound[lost].max() < 46 * HOUR_MS
    assert found.bound[~lost].max() < 10_000
    assert found.flags == ("the time of some readings is known only within 1 d 21 h; " + ALLOW,)


def test_what_comes_after_the_last_clock_is_unknown_and_said_so():
    sim = short().arm().go(days=1).cut(50).go(days=1).cut(2).go(days=1).stop()
    found = compare(sim)
    assert found.holds()
    assert set(found.boots[found.known]) == {1}
    (flag,) = found.flags
    assert flag.startswith("boot 2, boot 3: no clock was set, so the times are unknown; the readings keep their order")
    assert any(line.endswith("distances, and an event whose time you know dates them") for line in _lines(found))


def test_a_trip_without_any_clock_has_no_times():
    # The ring has overwritten the clock of the arming.
    sim = short(period_s=60, sectors=12, checkpoint_s=600).arm().go(days=10).stop()
    found = compare(sim)
    assert not found.known.any()
    assert found.checked.verdict.first_utc_ms is None
    assert any("the whole trip: no clock was set" in line for line in _lines(found))


def test_only_the_reading_computer_tells_the_time():
    sim = short().arm().go(days=1).cut(5).go(days=1).noted().stop()
    found = compare(sim)
    assert found.known.all()
    assert found.holds()
    (flag,) = found.flags
    assert flag.startswith("boot 2: only the clock of the computer that read the logger out tells the time")


@pytest.mark.parametrize("off_ms", [-3 * DAY_MS, -2 * DAY_MS - 6 * HOUR_MS])
def test_a_later_boot_that_lies_before_an_earlier_one_is_flagged(off_ms):
    sim = short().arm().go(days=2).cut(5).go(days=1).noted(off_ms=off_ms).stop()
    found = compare(sim)
    assert found.holds()
    assert set(found.boots[found.known]) == {1}
    assert "boot 2: by the reading computer's clock it lies" in found.flags[0]
    assert "before the boot before it ends; that clock is not used: check it" in found.flags[0]


def test_an_earlier_boot_that_was_edited_to_lie_after_a_later_one_is_flagged():
    sim = short().arm().go(days=1).cut(5).go(days=1).cut(5).go(days=1).sync().stop()
    sim.noted(off_ms=DAY_MS, boot=2)
    found = compare(sim)
    assert found.holds()
    assert "boot 2: by the reading computer's clock it lies" in found.flags[0]
    assert "after the boot after it begins" in found.flags[0]


def test_clocks_of_two_boots_that_cannot_both_be_right():
    sim = short().arm().go(days=2).cut(5).sync(off_ms=-2 * DAY_MS).go(days=1).stop()
    found = compare(sim)
    (flag,) = found.doubts()
    assert "boot 2 begins 1 d 18 h before boot 1 ends" in flag
    assert "compare the times of both with an event whose time you know" in flag


def test_boots_without_a_clock_take_their_time():
    # By the clocks of boots 1 and 3 there are 30 hours between them, and boot 2 ran for 40.
    sim = short().arm().go(hours=10).cut(1).go(hours=40).cut(1).sync(off_ms=-12 * HOUR_MS).go(hours=10).stop()
    (flag,) = compare(sim).doubts()
    assert flag.startswith("boot 3 begins ")
    assert "before boot 1 ends" in flag


def test_boots_are_in_order_where_their_number_wraps():
    sim = short(20).arm().go(hours=20).cut(3, boot=65_533)
    for _ in range(2):
        sim.go(hours=20).cut(3)
    found = compare(sim.go(hours=20).sync().stop())
    assert [one.boot for one in found.checked.record.last_ticks] == [1, 65_534, 65_535, 0]
    assert found.known.all()
    assert found.holds()
    assert found.ascending()
    restarts = [one for one in outages_of(found.checked.record, found.checked.verdict) if one.reason.startswith("re")]
    assert [(one.start.boot, one.end.boot) for one in restarts] == [(1, 65_534), (65_534, 65_535), (65_535, 0)]


def _lines(found):
    return verdict_lines(found.checked.verdict)
