"""A campaign of power cuts against the whole firmware, read by the host: `python -m tests.power.campaign --help`.

Each failure prints one line that replays it: `python -m tests.power.campaign --replay 'roll:3:metastable:17'`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
if __name__ == "__main__":
    folders = ("firmware/cpython", "firmware", "protocol", "tests/firmware")
    sys.path[:0] = [str(ROOT / folder) for folder in folders]

from fakes import Board  # noqa: E402  the folders come first
from power_bench import Cut, Rehearsal, cut_again, cut_of, random_cut, single_cuts, torn, torn_twice  # noqa: E402
from power_check import check_cut  # noqa: E402
from power_works import WORKS  # noqa: E402
from torn_flash import MODES, Chance, steps_in  # noqa: E402

from celltrail.keys.keystore import KeyStore  # noqa: E402
from tests.power.host_reader import HostReader  # noqa: E402
from tests.power.rules import RULES  # noqa: E402


class Campaign:
    """`cuts` counts, `pairs` those with a second one; `failures` are the cuts after which something did not hold, each
    with what.
    """

    def __init__(self, keys: Path) -> None:
        self._reader = HostReader(KeyStore(keys), Board.uid)
        self.cuts = self.pairs = 0
        self.failures: list[tuple[Cut, Exception]] = []

    @property
    def host_reads(self) -> int:
        """How many records the host has read."""
        return self._reader.count

    def look(self, rehearsal: Rehearsal, cut: Cut, flash) -> None:
        """Start the logger on a cut flash; raises what does not hold."""
        check_cut(rehearsal, cut, flash, self._reader)

    def check(self, rehearsal: Rehearsal, cut: Cut, flash) -> None:
        """Start the logger on a cut flash, and count."""
        self.cuts += 1
        try:
            self.look(rehearsal, cut, flash)
        except Exception as error:  # noqa: BLE001  whatever goes wrong after a cut is a failure
            self.failures.append((cut, error))

    def once(self, name: str, stride: int = 1, offset: int = 0) -> "Campaign":
        """Cuts of one kind of work: every step of every operation in every mode, or each `stride`-th."""
        rehearsal = Rehearsal(name)
        number, flash = -1, rehearsal.before
        for cut in single_cuts(rehearsal, stride, offset):
            if cut.operation != number:
                number = cut.operation
                flash = rehearsal.flash_before(number, name)
            self.check(rehearsal, cut, torn(rehearsal, cut, flash.copy(cut.first())))
        return self

    def twice(self, name: str, count: int, seed: str) -> "Campaign":
        """So many random cuts, each with a second one in the recovery from it."""
        rehearsal, chance = Rehearsal(name), Chance(f"{name}/{seed}")
        for _ in range(count):
            cut = Cut(name, *random_cut(chance, rehearsal.operations))
            flash, cut.again = cut_again(torn(rehearsal, cut), lambda made: random_cut(chance, made))
            self.pairs += cut.again is not None
            self.check(rehearsal, cut, flash)
        return self

    def report(self) -> str:
        """One line for each of the first failures, with the command that replays it."""
        return "\n".join(
            f"python -m tests.power.campaign --replay '{cut}'    {type(error).__name__}: {str(error)[:160]}"
            for cut, error in self.failures[:10]
        )


def planned(name: str) -> int:
    """How many single cuts a kind of work has: its steps, in each way of tearing."""
    operations = Rehearsal(name).operations
    return sum(len(steps_in(operation, mode)) for operation in operations for mode in range(len(MODES)))


def replay(keys: Path, words: str) -> None:
    """One cut again; raises what does not hold."""
    cut = cut_of(words)
    rehearsal = Rehearsal(cut.name)
    Campaign(keys).look(rehearsal, cut, torn_twice(rehearsal, cut))


def search(keys: Path, seconds: float, seed: str) -> Campaign:
    """Pairs of cuts in all kinds of work, until something does not hold or the time is over."""
    campaign = Campaign(keys)
    for number in _rounds(seconds):
        for name in WORKS:
            campaign.twice(name, 2, f"{seed}/{number}")
        if campaign.failures:
            break
    return campaign


def _rounds(seconds: float) -> Iterator[int]:
    number, end_s = 0, time.monotonic() + seconds
    while time.monotonic() < end_s:
        yield number
        number += 1


def main() -> int:
    """All single cuts once, then pairs of cuts until the time is over."""
    parser = argparse.ArgumentParser(prog="python -m tests.power.campaign", description=__doc__)
    parser.add_argument("--replay", metavar="CUT", help="carry out one cut and show what fails")
    parser.add_argument("--seconds", type=float, default=1800, help="how long pairs of cuts go on [default: 1800]")
    parser.add_argument("--seed", default=str(time.time_ns()), help="for the pairs [default: of the clock]")
    parser.add_argument("--without", choices=RULES, help="take out one rule of SPEC.md 12, and stop at what then fails")
    asked = parser.parse_args()
    without = RULES[asked.without].removed() if asked.without else nullcontext()
    with tempfile.TemporaryDirectory() as folder, without:
        keys = Path(folder) / "keys"
        if asked.replay:
            replay(keys, asked.replay)
            print(f"{asked.replay}: all holds")
            return 0
        if asked.without:
            campaign = search(keys, asked.seconds, asked.seed)
            print(campaign.report() or f"{campaign.cuts} cuts, no failures")
            return 1 if campaign.failures else 0
        campaign = Campaign(keys)
        for name in WORKS:
            campaign.once(name)
            print(f"{name:14} {campaign.cuts:7} cuts, {len(campaign.failures)} failures", flush=True)
        for number in _rounds(asked.seconds):
            for name in WORKS:
                campaign.twice(name, 20, f"{asked.seed}/{number}")
            print(f"pairs, round {number:3} {campaign.cuts:6} cuts, {len(campaign.failures)} failures", flush=True)
    print(campaign.report())
    return 1 if campaign.failures else 0


if __name__ == "__main__":
    sys.exit(main())
