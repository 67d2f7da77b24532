"""Identity, plan and state: what was put is there after a restart, whenever the power fails."""

import struct

from faulty_flash import FaultyFlash, PowerCut, cut_everywhere

from celltrail_protocol.records import STORE_IDENTITY, STORE_PLAN, STORE_STATE
from logger.area import Area
from logger.store import Store

IDENTITY = b"\xa1dnamebCT" + bytes(60)
PLAN = bytes(range(200)) + bytes(240)


def mounted(flash):
    store = Store(Area(flash))
    store.mount()
    return store


def state(number):
    return struct.pack("<I", number) + bytes(28)


def test_empty_store_holds_nothing():
    store = mounted(FaultyFlash(2))
    assert store.get(STORE_IDENTITY) is None


def test_last_record_of_a_kind_counts():
    flash = FaultyFlash(2)
    store = mounted(flash)
    assert store.put(STORE_IDENTITY, IDENTITY)
    for number in range(5):
        assert store.put(STORE_STATE, state(number))
        assert store.get(STORE_STATE) == state(number)
    store = mounted(flash)
    assert store.get(STORE_STATE) == state(4)
    assert store.get(STORE_IDENTITY) == IDENTITY
    assert store.get(STORE_PLAN) is None


def test_record_lies_as_the_format_says():
    flash = FaultyFlash(2)
    mounted(flash).put(STORE_STATE, state(7))
    record = bytearray(16)
    flash.read_into(4096 + 16, record)
    assert record[:8] == b"CTR1\x03\x00\x20\x00"


def test_full_sector_is_left_with_all_kinds():
    flash = FaultyFlash(2)
    store = mounted(flash)
    store.put(STORE_IDENTITY, IDENTITY)
    store.put(STORE_PLAN, PLAN)
    for number in range(300):
        assert store.put(STORE_STATE, state(number))
    assert 4 <= flash.model.erases <= 6
    assert flash.model.violations == 0
    store = mounted(flash)
    assert store.get(STORE_IDENTITY) == IDENTITY
    assert store.get(STORE_PLAN) == PLAN
    assert store.get(STORE_STATE) == state(299)


def content(flash):
    data = bytearray(2 * 4096)
    flash.read_into(0, data)
    return data


def test_mounting_again_and_again_takes_no_room():
    flash = FaultyFlash(2)
    store = mounted(flash)
    for number in range(100):
        store.put(STORE_STATE, state(number))
    before = flash.model.erases
    for _ in range(20):
        assert mounted(flash).get(STORE_STATE) == state(99)
    # Closed to its end, and not erased.
    assert content(flash)[-256:] == bytes(256) or content(flash)[4096 - 256 : 4096] == bytes(256)
    closed = content(flash)
    mounted(flash)
    assert (content(flash), flash.model.erases) == (closed, before)
    assert flash.model.violations == 0


def test_goes_on_behind_a_page_that_takes_nothing():
    flash = FaultyFlash(2)
    store = mounted(flash)
    store.put(STORE_STATE, state(1))
    flash.bad_pages = [4096, 4096 + 256]
    assert store.put(STORE_PLAN, PLAN)
    assert flash.model.erases == 1
    assert mounted(flash).get(STORE_PLAN) == PLAN
    assert mounted(flash).get(STORE_STATE) == state(1)


def test_broken_flash_is_told_and_keeps_what_it_has():
    flash = FaultyFlash(2)
    store = mounted(flash)
    store.put(STORE_IDENTITY, IDENTITY)
    flash.bad_pages = list(range(0, 8192, 256))
    assert not store.put(STORE_STATE, state(1))
    assert not store.put(STORE_STATE, state(2))
    flash.bad_pages = []
    assert mounted(flash).get(STORE_IDENTITY) == IDENTITY
    assert store.put(STORE_STATE, state(3))
    assert mounted(flash).get(STORE_STATE) == state(3)


def test_sector_that_fails_to_take_over_is_the_one_that_is_tried_again():
    flash = FaultyFlash(2)
    store = nearly_full(flash)
    # The mark and the first record find a place there, the plan does not.
    flash.bad_pages = list(range(256, 4096, 256))
    assert not store.put(STORE_PLAN, PLAN)
    flash.bad_pages = []
    # Power fails after the next erase: it must not have been that of the whole sector.
    flash.cut_after(1, 0)
    try:
        store.put(STORE_PLAN, PLAN)
    except PowerCut:
        pass
    flash.cut_after(-1, 0)
    assert mounted(flash).get(STORE_PLAN) == PLAN


def nearly_full(flash):
    store = mounted(flash)
    store.put(STORE_IDENTITY, IDENTITY)
    store.put(STORE_PLAN, PLAN)
    for number in range(73):
        store.put(STORE_STATE, state(number))
    return store


def put_three(store, done):
    for number in range(100, 103):
        store.put(STORE_STATE, state(number))
        done.append(number)


def holds_what_was_put(flash, done, cut):
    store = mounted(flash)
    assert store.get(STORE_IDENTITY) == IDENTITY
    assert store.get(STORE_PLAN) == PLAN
    last = done[-1] if done else 72
    assert flash.model.violations == 0
    # The record that the cut fell into may be there, too.
    following = 100 if last == 72 else last + 1
    assert store.get(STORE_STATE) in (state(last), state(following))
    assert store.put(STORE_STATE, state(200))
    assert mounted(flash).get(STORE_STATE) == state(200)
    assert mounted(flash).get(STORE_IDENTITY) == IDENTITY


def test_power_cuts_while_the_sector_changes():
    flash = FaultyFlash(2)
    store = nearly_full(flash)
    erases = flash.model.erases
    put_three(store, [])
    assert flash.model.erases == erases + 1
    assert cut_everywhere(2, nearly_full, put_three, holds_what_was_put) > 20


def test_power_cuts_again_and_again_while_the_sector_changes():
    flash = FaultyFlash(2)
    nearly_full(flash)
    # Each time a little later: no number of cuts may use up the place that the other sector's only copy needs.
    for operation in range(40):
        flash.cut_after(operation % 6, 50)
        try:
            put_three(mounted(flash), [])
        except PowerCut:
            pass
        flash.cut_after(-1, 0)
        store = mounted(flash)
        assert store.get(STORE_IDENTITY) == IDENTITY
        assert store.get(STORE_PLAN) == PLAN
