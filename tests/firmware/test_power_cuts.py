"""A sample of all power cuts, on both runtimes: the whole logger, cut in every kind of work and in its recovery.

All of them, read by the host, are in `tests/power`.
"""

# heapsize: 2m

from power_bench import Rehearsal, cut_again, random_cut, single_cuts, torn
from power_check import check_cut
from power_works import WORKS
from torn_flash import Chance

STRIDE = 401
AGAIN = 2


def check(rehearsal, cut, flash):
    try:
        check_cut(rehearsal, cut, flash)
    except Exception:
        print("power cut " + str(cut))
        raise


def test_power_cuts_in_each_kind_of_work():
    count = 0
    for name in WORKS:
        rehearsal = Rehearsal(name)
        for cut in single_cuts(rehearsal, STRIDE, len(name)):
            check(rehearsal, cut, torn(rehearsal, cut))
            count += 1
    assert count > 100


def test_power_cuts_in_the_recovery_from_a_cut():
    count = 0
    for name in WORKS:
        rehearsal, chance = Rehearsal(name), Chance(name)
        for cut in single_cuts(rehearsal, len(rehearsal.operations) * 97 // AGAIN, 5):
            flash, cut.again = cut_again(torn(rehearsal, cut), lambda made: random_cut(chance, made))
            check(rehearsal, cut, flash)
            count += cut.again is not None
    assert count > 30
