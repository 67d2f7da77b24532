"""The key ratchet: the right key of now after every cut, and no older one left in the flash."""

from faulty_flash import FaultyFlash, PowerCut, cut_everywhere

from celltrail_protocol.records import KEY_SLOTS
from celltrail_protocol.seals import next_key
from logger.area import Area
from logger.ratchet import Ratchet

K0 = bytes(range(32))


def mounted(flash):
    ratchet = Ratchet(Area(flash))
    ratchet.mount()
    return ratchet


def key(epoch, first=K0):
    for _ in range(epoch):
        first = next_key(first)
    return first


def content(flash):
    data = bytearray(8192)
    flash.read_into(8192, data)
    return bytes(data)


def test_no_key_at_first():
    ratchet = mounted(FaultyFlash(4))
    assert ratchet.key is None
    assert not ratchet.advance()


def test_first_key_is_epoch_0():
    flash = FaultyFlash(4)
    assert mounted(flash).begin(7, K0)
    ratchet = mounted(flash)
    assert (ratchet.trip, ratchet.epoch, ratchet.key) == (7, 0, K0)


def test_advances_through_both_sectors_and_leaves_no_old_key():
    flash = FaultyFlash(4)
    ratchet = mounted(flash)
    ratchet.begin(1, K0)
    for epoch in range(1, 2 * KEY_SLOTS + 10):
        assert ratchet.advance()
        assert (ratchet.epoch, ratchet.key) == (epoch, key(epoch))
    assert content(flash).count(b"CTK1") == 1
    assert flash.model.violations == 0
    again = mounted(flash)
    assert (again.trip, again.epoch, again.key) == (1, ratchet.epoch, ratchet.key)
    assert flash.model.erases <= 6


def test_forgotten_key_is_gone_for_ever():
    flash = FaultyFlash(4)
    ratchet = mounted(flash)
    ratchet.begin(1, K0)
    ratchet.forget()
    assert ratchet.key is None
    assert K0[:4] not in content(flash)
    assert mounted(flash).key is None


def test_next_trip_destroys_the_key_of_the_last():
    flash = FaultyFlash(4)
    ratchet = mounted(flash)
    ratchet.begin(1, K0)
    ratchet.advance()
    assert ratchet.begin(2, bytes(32))
    assert key(1)[:4] not in content(flash)
    again = mounted(flash)
    assert (again.trip, again.epoch, again.key) == (2, 0, bytes(32))


def test_slot_that_takes_nothing_is_left_out():
    flash = FaultyFlash(4)
    ratchet = mounted(flash)
    ratchet.begin(1, K0)
    flash.bad_pages = list(range(3 * 4096 + 256, 4 * 4096, 256))
    for epoch in range(1, 12):
        assert ratchet.advance()
        assert mounted(flash).epoch == epoch


def test_no_epoch_is_used_twice_when_no_slot_takes_the_key():
    flash = FaultyFlash(4)
    ratchet = mounted(flash)
    ratchet.begin(1, K0)
    flash.bad_pages = list(range(8192, 16384, 256))
    assert not ratchet.advance()
    assert (ratchet.epoch, ratchet.key) == (1, key(1))


def test_sector_of_the_key_of_now_is_never_erased():
    flash = FaultyFlash(4)
    ratchet = mounted(flash)
    ratchet.begin(1, K0)
    while ratchet.epoch < KEY_SLOTS - 1:
        ratchet.advance()
    flash.bad_pages = list(range(8192, 12288, 256))
    assert not ratchet.advance()
    assert mounted(flash).key == key(KEY_SLOTS - 1)


def near_the_end(flash):
    ratchet = mounted(flash)
    ratchet.begin(1, K0)
    for _ in range(KEY_SLOTS - 3):
        ratchet.advance()
    return ratchet


def step_over(ratchet, done):
    done.append(ratchet.epoch)
    for _ in range(5):
        ratchet.advance()
        done.append(ratchet.epoch)


def has_the_key_and_no_other(flash, done, cut):
    for _ in range(2):
        ratchet = mounted(flash)
        assert ratchet.epoch in (done[-1], done[-1] + 1)
        assert ratchet.key == key(ratchet.epoch)
        for epoch in range(ratchet.epoch - 3, ratchet.epoch + 4):
            # Not even a piece of another key may lie there.
            assert (key(epoch)[:6] in content(flash)) == (epoch == ratchet.epoch)
    epoch = ratchet.epoch
    assert ratchet.advance()
    again = mounted(flash)
    assert (again.epoch, again.key) == (epoch + 1, key(epoch + 1))


def test_power_cuts_while_stepping_into_the_other_sector():
    assert cut_everywhere(4, near_the_end, step_over, has_the_key_and_no_other) > 30


def test_key_of_now_is_made_firm_before_the_old_one_goes():
    # Both are there after a cut. At the next mount the power fails at each operation.
    def two_keys(flash):
        ratchet = mounted(flash)
        ratchet.begin(1, K0)
        flash.cut_after(1, 0)
        try:
            ratchet.advance()
        except PowerCut:
            pass
        return flash

    def mount_again(flash, done):
        order = []
        program = flash.program

        def note(addr, data):
            order.append(b"CTK1" in bytes(data))
            program(addr, data)

        flash.program = note
        mounted(flash)
        # The last of all is the slot that is left out.
        assert order == [True, False, False]

    def is_epoch_1(flash, done, cut):
        assert mounted(flash).key == key(1)

    cut_everywhere(4, two_keys, mount_again, is_epoch_1)
