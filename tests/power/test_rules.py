"""Each rule of mount and commit is shown necessary by a cut that loses something without it, or listed as depth."""

import re
from pathlib import Path

import pytest
from fakes import Board, run
from power_works import MINUTE, SECTORS, Actor, boot
from torn_flash import PAGE_SIZE, TornFlash

from celltrail.keys.keystore import KeyStore
from celltrail_protocol.records import RING_FIRST, SECTOR_SIZE
from tests.power.campaign import replay
from tests.power.host_reader import HostReader
from tests.power.rules import CUTS, RULES
from tests.power.test_bad_flash import dead_page, two_trips

SPEC = Path(__file__).parents[2] / "protocol" / "SPEC.md"


def _listed(title: str) -> set[str]:
    """The names at the start of the items below a title in section 12."""
    section = SPEC.read_text(encoding="utf-8").split("\n## 12. ")[1].split("\n## ")[0]
    items = section.split(f"**{title}**")[1].split("\n**")[0]
    return set(re.findall(r"`([a-z-]+)`", items))


@pytest.mark.parametrize("name", CUTS)
def test_something_is_lost_without_the_rule_and_nothing_with_it(name: str, tmp_path: Path):
    replay(tmp_path / "with", CUTS[name])
    with RULES[name].removed(), pytest.raises(AssertionError):
        replay(tmp_path / "without", CUTS[name])


def dead_page_in_a_full_sector(folder: Path) -> None:
    flash = TornFlash(SECTORS)
    dead_page(flash, RING_FIRST * SECTOR_SIZE // PAGE_SIZE + 3)
    two_trips(flash, HostReader(KeyStore(folder), Board.uid))


def restarts_in_a_row(_folder: Path) -> None:
    flash = TornFlash(SECTORS)
    Actor(flash).arm().run(2 * MINUTE)
    used = set()
    for _ in range(5):
        app, _host = boot(flash)
        run(app, 9000)
        used.add(app.trip.ring.used())
    assert len(used) == 1


# What shows rules that are there for something else than cuts.
TRIALS = {"refused-zeros": dead_page_in_a_full_sector, "boot-late": restarts_in_a_row}


@pytest.mark.parametrize("name", TRIALS)
def test_bad_flash_or_restarts_need_the_rule(name: str, tmp_path: Path):
    TRIALS[name](tmp_path / "with")
    with RULES[name].removed(), pytest.raises(AssertionError):
        TRIALS[name](tmp_path / "without")


def test_the_spec_lists_the_rules_that_are_shown_and_all_others_as_depth():
    assert _listed("Shown necessary") == set(CUTS) | set(TRIALS)
    assert _listed("Defence in depth") == set(RULES) - set(CUTS) - set(TRIALS)
