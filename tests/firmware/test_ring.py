"""The ring: full, wrapped, with bad sectors; its tags checked by an independent reader."""

from faulty_flash import FaultyFlash
from ring_bench import EVENT, Logger, check_tags, content, fill, numbered, numbers, sectors_of

from celltrail_protocol import frames, records
from logger.ring import RingFull


def test_open_writes_header_and_plan():
    logger = Logger(FaultyFlash(10)).open(trip=3, sequence=9)
    found, kind = check_tags(logger.flash, 3)
    assert [one for one, _ in found] == [frames.PLAN]
    assert kind is None
    assert (logger.ring.index, logger.ring.sequence, logger.ring.used()) == (0, 9, 64 + 66)


def test_sectors_are_sealed_and_chained():
    logger = Logger(FaultyFlash(11)).open()
    fill(logger.ring, 0, 40)
    logger.ring.checkpoint(5000, 3700)
    fill(logger.ring, 40, 10)
    logger.ring.close(6000)
    found, kind = check_tags(logger.flash)
    assert numbers(found) == list(range(50))
    assert kind == records.SEAL_CLOSED
    assert [one for one, _ in found].count(frames.PLAN) == 4
    assert logger.ratchet.key is None
    assert logger.flash.model.violations == 0


def test_full_ring_keeps_a_reserve_and_can_always_be_closed():
    flash = FaultyFlash(10)
    for size in (90, 120, 248):
        flash.renew()
        logger = Logger(flash).open()
        number = 0
        try:
            while True:
                logger.ring.append(EVENT, numbered(number, size), 2000)
                number += 1
        except RingFull:
            pass
        assert logger.ring.places.free() == 0
        assert logger.ring.room() <= 0
        logger.ring.closing = True
        for more in range(number, number + 2):
            logger.ring.append(EVENT, numbered(more, 248), 2000)
        logger.ring.close(3000)
        found, kind = check_tags(logger.flash)
        assert numbers(found) == list(range(number + 2))
        assert kind == records.SEAL_CLOSED


def test_full_to_the_last_byte_is_closed_without_a_new_sector():
    logger = Logger(FaultyFlash(10)).open()
    logger.ring.closing = True
    try:
        fill(logger.ring, 0, 1000)
    except RingFull:
        pass
    erases = logger.flash.model.erases
    logger.ring.close(3000)
    found, kind = check_tags(logger.flash)
    assert kind == records.SEAL_CLOSED
    assert len(numbers(found)) == 4 * 14
    # The key sectors have their erases, but no sector of the ring may have gone.
    assert logger.flash.model.erases == erases


def test_wrapped_ring_gives_up_the_oldest():
    logger = Logger(FaultyFlash(10)).open(wrap=True)
    for number in range(100):
        logger.ring.append(EVENT, numbered(number), 2000)
        while logger.ring.places.untidy():
            logger.ring.places.tidy()
    first = logger.ring.places.first_index()
    # 14 in a sector; the next sector is erased in advance.
    assert (logger.ring.index, first) == (7, 5)
    found, kind = check_tags(logger.flash, first=first)
    assert numbers(found) == list(range(numbers(found)[0], 100))
    assert not logger.ring.read_into(first - 1, 0, bytearray(4))
    again = Logger(logger.flash).mount(wrap=True)
    assert (again.ring.places.first_index(), again.ring.index) == (5, 7)
    again.ring.append(EVENT, numbered(100), 10)
    assert numbers(check_tags(logger.flash, first=first)[0])[-1] == 100


def test_closed_wrapped_trip_is_not_tidied_away():
    logger = Logger(FaultyFlash(10)).open(wrap=True)
    fill(logger.ring, 0, 70)
    logger.ring.close(1)
    first = logger.ring.places.first_index()
    while logger.ring.places.untidy():
        logger.ring.places.tidy()
    assert logger.ring.places.first_index() == first
    again = Logger(logger.flash).mount(wrap=True)
    assert not again.ring.places.untidy()


def test_sequence_and_place_go_on_from_trip_to_trip():
    flash = FaultyFlash(10)
    logger = Logger(flash).open()
    fill(logger.ring, 0, 16)
    logger.ring.close(1)
    assert logger.ring.sequence == 2
    again = Logger(flash).mount()
    again.open(trip=2, sequence=again.ring.sequence + 1)
    assert again.ring.places.head == 2
    assert sorted(sectors_of(flash, 2)) == [0]
    assert sorted(sectors_of(flash, 1)) == [0, 1]
    while again.ring.places.untidy():
        again.ring.places.tidy()
    assert sectors_of(flash, 1) == {}
    assert sorted(sectors_of(flash, 2)) == [0]
    assert again.ring.places.free() == 3


def test_arming_that_was_cut_leaves_the_trip_before_readable():
    flash = FaultyFlash(10)
    logger = Logger(flash).open()
    fill(logger.ring, 0, 16)
    logger.ring.close(1)
    Logger(flash).mount().open(trip=2, sequence=3)
    again = Logger(flash).mount(trip=1)
    assert (again.ring.trip, again.ring.index, again.ring.sequence, again.ring.newest_trip) == (1, 1, 3, 2)
    assert again.ring.used() == logger.ring.used()
    assert not again.ring.is_open
    assert not again.ring.places.untidy()


def test_sector_that_does_not_erase_is_passed_over():
    flash = FaultyFlash(11)
    flash.model.program(8 * 4096, bytes(256))
    flash.bad_sectors = [8]
    logger = Logger(flash).open()
    fill(logger.ring, 0, 45)
    assert numbers(check_tags(flash)[0]) == list(range(45))
    again = Logger(flash).mount()
    assert again.ring.index == 3


def test_last_sector_that_does_not_erase_is_full():
    flash = FaultyFlash(10)
    for number in (8, 9):
        flash.model.program(number * 4096, bytes(256))
    flash.bad_sectors = [8, 9]
    logger = Logger(flash).open()
    logger.ring.closing = True
    try:
        fill(logger.ring, 0, 100)
    except RingFull:
        pass
    logger.ring.close(1)
    found, kind = check_tags(flash)
    assert kind == records.SEAL_CLOSED
    assert len(numbers(found)) == 2 * 14


def test_header_that_does_not_read_back_costs_a_sequence_only():
    flash = FaultyFlash(11)
    program = flash.program
    seen = []

    def spoil_second_header(addr, data):
        if b"CTS1" in bytes(data):
            seen.append(addr)
            if len(seen) == 2:
                data = bytes(data[:40]) + bytes(216)
        program(addr, data)

    flash.program = spoil_second_header
    logger = Logger(flash).open()
    fill(logger.ring, 0, 30)
    flash.program = program
    assert (logger.ring.index, logger.ring.sequence) == (2, 4)
    assert numbers(check_tags(flash)[0]) == list(range(30))
    again = Logger(flash).mount()
    assert (again.ring.index, again.ring.sequence) == (2, 4)


def test_unreadable_sector_of_the_trip_is_not_erased_after_a_restart():
    flash = FaultyFlash(11)
    logger = Logger(flash).open()
    fill(logger.ring, 0, 30)
    flash.model.program(7 * 4096, b"\xff" * 20 + bytes(1) + b"\xff" * 235)
    again = Logger(flash).mount()
    erases = flash.model.erases
    while again.ring.places.untidy():
        again.ring.places.tidy()
    assert flash.model.erases <= erases + 2
    content = bytearray(16)
    flash.read_into(7 * 4096 + 64, content)
    assert content[1] == frames.PLAN


def test_events_in_the_header_are_those_before_the_sector():
    logger = Logger(FaultyFlash(10)).open()
    logger.ring.events = 7
    fill(logger.ring, 0, 20)
    sector = content(logger.flash, sectors_of(logger.flash)[1])
    header = records.unpack_checked(records.HEADER, sector, 16, b"CTS1")
    assert header[10] == 7
