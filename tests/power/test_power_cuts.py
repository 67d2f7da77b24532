"""Power cuts against the whole firmware, read by the host: every step of every operation, or each few-th of
work that mostly repeats other work (`shares`), and pairs of cuts.
"""

from pathlib import Path

import pytest
from power_works import WORKS

from tests.power.campaign import Campaign, planned
from tests.power.shares import PARTS, run_share, shares

LEAST_CUTS = 30_000
LONGEST_SHARE = 1000
PAIRS = 100

# A share takes some ten seconds, and on a busy machine many times that.
pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize(("name", "part"), list(shares()))
def test_nothing_is_lost_when_the_power_is_cut(name: str, part: int, tmp_path: Path):
    campaign = run_share(name, part, tmp_path / "keys")
    assert not campaign.failures, campaign.report()
    assert campaign.cuts == len(range(part, planned(name), PARTS[name]))


def test_the_shares_hold_enough_cuts_of_all_kinds_of_work():
    assert PARTS.keys() == WORKS.keys()
    counts = {name: planned(name) for name in WORKS}
    sizes = [len(range(part, counts[name], PARTS[name])) for name, part in shares()]
    assert sum(sizes) >= LEAST_CUTS
    assert max(sizes) <= LONGEST_SHARE


@pytest.mark.parametrize("name", WORKS)
def test_nothing_is_lost_when_the_recovery_is_cut_too(name: str, tmp_path: Path):
    campaign = Campaign(tmp_path / "keys").twice(name, PAIRS, "suite")
    assert not campaign.failures, campaign.report()
    assert campaign.pairs > PAIRS // 2
