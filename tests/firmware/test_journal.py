"""The journal: a reading that was committed is pending after every cut, exactly once, until it is packed."""

from faulty_flash import FaultyFlash, cut_everywhere

from celltrail_protocol.records import NO_READING
from logger.area import Area
from logger.journal import Journal, one_channel, reading


def mounted(flash, trip=1, after_slot=-1):
    journal = Journal(Area(flash))
    journal.mount(trip, 2, after_slot)
    return journal


def started(flash):
    journal = mounted(flash, 0)
    assert journal.start(1, 1)
    return journal


def slots(journal):
    found, at = [], 0
    while at < len(journal.pending):
        found.append(one_channel(journal.pending, at, 0, 1)[0])
        at += 1 + journal.pending[at]
    assert journal.count == len(found)
    return found


def test_reading_of_four_channels():
    payload = reading(0x01020304, (5, NO_READING, -7, NO_READING), b"\x01\x04")
    assert payload == b"\x04\x03\x02\x01\x05\x00\x00\x80\xf9\xff\x00\x80\x01\x04"
    pending = bytearray(b"\x0e" + payload)
    got = [one_channel(pending, 0, channel, 4) for channel in range(4)]
    slot = 0x01020304
    assert got == [(slot, 5, 0), (slot, NO_READING, 1), (slot, -7, 0), (slot, NO_READING, 4)]


def test_pending_is_there_after_a_restart():
    flash = FaultyFlash(6)
    journal = started(flash)
    for slot in range(50):
        assert journal.append(reading(slot, (slot,), b""))
    assert journal.last_slot() == 49
    again = mounted(flash)
    assert again.pending == journal.pending
    assert slots(again) == list(range(50))
    assert slots(mounted(flash, after_slot=29)) == list(range(30, 50))
    assert mounted(flash, trip=2).count == 0


def test_goes_on_at_a_new_page_after_a_restart():
    flash = FaultyFlash(6)
    started(flash).append(reading(0, (1,), b""))
    mounted(flash).append(reading(1, (1,), b""))
    page = bytearray(2)
    flash.read_into(5 * 4096 + 512, page)
    assert page == b"\x0c\x50"
    assert slots(mounted(flash)) == [0, 1]


def test_full_sector_says_so_before_and_then():
    flash = FaultyFlash(6)
    journal = started(flash)
    slot = 0
    while journal.has_room(1):
        assert journal.append(reading(slot, (slot,), b""))
        slot += 1
    assert slot > 325
    while journal.append(reading(slot, (slot,), b"")):
        slot += 1
    assert slot <= 340
    journal.clear()
    assert journal.rotate()
    assert journal.append(reading(slot, (slot,), b""))
    assert slots(mounted(flash, after_slot=slot - 1)) == [slot]
    assert flash.model.violations == 0


def test_page_that_does_not_read_back_is_closed():
    flash = FaultyFlash(6)
    journal = started(flash)
    for slot in range(17):
        assert journal.append(reading(slot, (slot,), b""))
    # A bit of the next page that is 0 already.
    Area(flash).write(5 * 4096 + 258, b"\x00")
    for slot in range(17, 60):
        assert journal.append(reading(slot, (slot,), b""))
    assert slots(mounted(flash)) == list(range(60))


def test_page_that_takes_nothing_ends_the_sector():
    flash = FaultyFlash(6)
    journal = started(flash)
    flash.bad_pages = [5 * 4096 + 256]
    slot = 0
    while journal.append(reading(slot, (slot,), b"")):
        slot += 1
    assert slot == 17
    assert slots(mounted(flash)) == list(range(17))


def test_torn_bytes_do_not_hide_what_follows():
    # Torn at the start of a page, with a first byte that was not programmed.
    for at in (48, 256):
        flash = FaultyFlash(6)
        journal = started(flash)
        for slot in range(17 if at == 256 else 0):
            journal.append(reading(slot, (slot,), b""))
        Area(flash).write(5 * 4096 + at + 1, b"\x50torn")
        journal = mounted(flash)
        before = journal.count
        assert journal.append(reading(99, (1,), b""))
        assert slots(mounted(flash))[before:] == [99]


def test_sector_without_a_header_takes_nothing():
    flash = FaultyFlash(6)
    journal = started(flash)
    # The mark needs the page only once; the header is refused.
    program = flash.program

    def refuse_header(addr, data):
        if b"CTJ1" not in bytes(data):
            program(addr, data)

    flash.program = refuse_header
    assert not journal.rotate()
    assert not journal.append(reading(0, (1,), b""))
    flash.program = program
    assert journal.rotate()
    assert journal.append(reading(0, (1,), b""))
    assert slots(mounted(flash)) == [0]


def test_mount_without_a_journal_takes_nothing_until_rotated():
    flash = FaultyFlash(6)
    journal = mounted(flash)
    assert journal.count == 0
    assert not journal.append(reading(0, (1,), b""))
    assert journal.rotate()
    assert journal.append(reading(0, (1,), b""))


def nearly_full(flash):
    journal = started(flash)
    for slot in range(315):
        journal.append(reading(slot, (slot,), b""))
    return journal


def append_over_the_end(journal, done):
    """As the recorder does: what is pending is packed (`done` holds -1 - slot) before the sector changes."""
    for slot in range(315, 340):
        if not journal.has_room(1):
            done.append(-1 - journal.last_slot())
            journal.clear()
            journal.rotate()
        assert journal.append(reading(slot, (slot,), b""))
        done.append(slot)


def pending_exactly_once(flash, done, cut):
    packed = max([-1 - one for one in done if one < 0] or [-1])
    last = max([one for one in done if one >= 0] or [314])
    journal = mounted(flash, after_slot=packed)
    found = slots(journal)
    # The reading that the cut fell into may be there, too.
    expected = list(range(packed + 1, last + 1))
    assert found in (expected, expected + [last + 1])
    if not journal.append(reading(500, (1,), b"")):
        journal.clear()
        assert journal.rotate()
        assert journal.append(reading(500, (1,), b""))
        assert slots(mounted(flash, after_slot=packed))[-1:] == [500]
    else:
        assert slots(mounted(flash, after_slot=packed)) == found + [500]


def test_power_cuts_at_the_change_of_sectors():
    assert cut_everywhere(6, nearly_full, append_over_the_end, pending_exactly_once) > 80
