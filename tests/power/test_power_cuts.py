"""Power cuts against the whole firmware, read by the host: a sample here, all of them by `make soak`."""

from pathlib import Path

import pytest

from tests.power.campaign import NAMES, Campaign

STRIDE = 11


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_when_the_power_is_cut(name: str, tmp_path: Path):
    campaign = Campaign(tmp_path / "keys").once(name, STRIDE, len(name) % STRIDE)
    assert not campaign.failures, campaign.report()
    assert campaign.cuts > 10


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_when_the_recovery_is_cut_too(name: str, tmp_path: Path):
    campaign = Campaign(tmp_path / "keys").twice(name, 8, "suite")
    assert not campaign.failures, campaign.report()
