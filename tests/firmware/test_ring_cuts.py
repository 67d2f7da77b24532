"""The ring under power cuts: nothing committed is lost, and every tag is right, also when the repair is cut short."""

from faulty_flash import PowerCut, cut_everywhere
from ring_bench import EVENT, Logger, check_tags, content, fill, numbered, numbers, sectors_of

from celltrail_protocol import codes, frames, records
from celltrail_protocol.layout import pack


def state(value, tick_ms):
    return pack(frames.TABLES[frames.STATE], (tick_ms, value, codes.REASON_COMMAND, 0, 0, 3700))


def near_the_end_of_a_sector(flash):
    logger = Logger(flash).open()
    fill(logger.ring, 0, 13)
    return logger


def write_on(logger, done):
    done.append(12)
    for number in range(13, 17):
        logger.ring.append(EVENT, numbered(number), 2000)
        done.append(number)
        if number == 15:
            logger.ring.checkpoint(5000, 3700)


def nothing_committed_is_lost(flash, done, cut):
    logger = Logger(flash).mount()
    assert logger.ring.is_open
    logger.ring.resume(2)
    found, kind = check_tags(flash)
    got = numbers(found)
    assert got in (list(range(done[-1] + 1)), list(range(done[-1] + 2)))
    fill(logger.ring, 50, 20)
    logger.ring.checkpoint(30000, 3700)
    logger.ring.close(40000)
    found, kind = check_tags(flash)
    assert numbers(found) == got + list(range(50, 70))
    assert kind == records.SEAL_CLOSED
    assert flash.model.violations == 0


def test_power_cuts_while_a_sector_is_sealed_and_the_next_opened():
    assert cut_everywhere(11, near_the_end_of_a_sector, write_on, nothing_committed_is_lost) > 30


def test_power_cuts_in_the_repair_after_a_cut():
    def torn_seal(flash):
        logger = near_the_end_of_a_sector(flash)
        # The 14th frame fits still, the 15th needs the next sector: that is erased and marked, then comes the seal.
        flash.cut_after(3, 50)
        try:
            write_on(logger, [])
        except PowerCut:
            pass
        flash.cut_after(-1, 0)
        seal = bytearray(4)
        flash.read_into(6 * 4096 + records.SEAL_A_AT, seal)
        assert seal == b"CTE1"
        return Logger(flash)

    def mount(logger, done):
        done.append(13)
        logger.mount()
        done.append(13)

    assert cut_everywhere(11, torn_seal, mount, nothing_committed_is_lost) > 3


def test_power_cuts_while_a_trip_is_closed():
    def stop(logger, done):
        logger.ring.append(frames.STATE, state(codes.STATE_STOPPED, 7000), 7000)
        done.append("stated")
        logger.ring.close(7000)

    def is_closed_when_it_was_said(flash, done, cut):
        logger = Logger(flash).mount()
        if done:
            assert not logger.ring.is_open
            assert logger.ratchet.key is None
            found, kind = check_tags(flash)
            assert kind == records.SEAL_CLOSED
            sector = content(flash, sectors_of(flash)[0])
            seals = [records.unpack_checked(records.SEAL, sector, at, b"CTE1") for at in (0xF80, 0xFC0)]
            assert [seal[8] for seal in seals if seal] == [7000]
        else:
            assert logger.ring.is_open or numbers(check_tags(flash)[0]) == list(range(13))

    assert cut_everywhere(11, near_the_end_of_a_sector, stop, is_closed_when_it_was_said) > 10


def test_power_cuts_while_a_wrapped_ring_goes_on():
    def wrapped(flash):
        logger = Logger(flash).open(wrap=True)
        fill(logger.ring, 0, 83)
        return logger

    def over_the_seam(logger, done):
        for number in range(83, 87):
            logger.ring.append(EVENT, numbered(number), 2000)
            done.append(number)
            if logger.ring.places.untidy():
                logger.ring.places.tidy()

    def newest_are_there(flash, done, cut):
        logger = Logger(flash).mount(wrap=True)
        logger.ring.resume(2)
        logger.ring.append(EVENT, numbered(500), 1)
        got = numbers(check_tags(flash, first=logger.ring.places.first_index())[0])
        last = done[-1] if done else 82
        assert got[-1] == 500 and got[-2] in (last, last + 1)
        assert got[:-1] == list(range(got[0], got[-2] + 1))
        assert len(got) >= 28

    assert cut_everywhere(10, wrapped, over_the_seam, newest_are_there) > 15
