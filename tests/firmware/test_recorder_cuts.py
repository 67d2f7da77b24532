"""The recorder under power cuts: each slot is in the ring or pending exactly once."""

from faulty_flash import cut_everywhere
from recorder_bench import Bench, read_slot, slots_of
from ring_bench import check_tags

from logger.recorder import PACK_SLOTS


def nearly_packed(flash):
    bench = Bench(flash, 2)
    for slot in range(PACK_SLOTS - 1):
        read_slot(bench.recorder, slot, 2)
    return bench


def pack_and_go_on(bench, done):
    for slot in range(PACK_SLOTS - 1, PACK_SLOTS + 2):
        read_slot(bench.recorder, slot, 2)
        done.append(slot)


def each_slot_is_there_once(flash, done, cut):
    bench = Bench(flash, 2, False)
    last = done[-1] if done else PACK_SLOTS - 2
    count = slots_of(bench, 2)
    assert count in (last + 1, last + 2)
    bench.logger.ring.resume(2)
    bench.recorder.pack(0)
    read_slot(bench.recorder, count, 2)
    bench.recorder.checkpoint(0, 3700)
    assert bench.journal.count == 0
    assert slots_of(bench, 2) == count + 1
    check_tags(flash)


def test_power_cuts_while_readings_are_packed():
    assert cut_everywhere(10, nearly_packed, pack_and_go_on, each_slot_is_there_once) > 40


def test_power_cuts_while_the_journal_changes_sectors():
    def journal_nearly_full(flash):
        bench = Bench(flash, 1)
        slot = 0
        while bench.journal._at < 4096 - 30:
            read_slot(bench.recorder, slot, 1)
            slot += 1
        return bench, slot

    def over_the_end(made, done):
        bench, first = made
        done.append(first - 1)
        for slot in range(first, first + 5):
            read_slot(bench.recorder, slot, 1)
            done.append(slot)

    def nothing_lost(flash, done, cut):
        bench = Bench(flash, 1, False)
        assert slots_of(bench, 1) in (done[-1] + 1, done[-1] + 2)

    assert cut_everywhere(10, journal_nearly_full, over_the_end, nothing_lost) > 20
