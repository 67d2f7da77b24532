"""The open sector: where frames go, what tags cover, and what a restart makes of torn bytes."""

from faulty_flash import FaultyFlash, PowerCut

from celltrail_protocol import frames, records, seals
from celltrail_protocol.layout import pack
from celltrail_protocol.records import FRAMES_AT, FRAMES_END, SEAL_A_AT, SEAL_B_AT
from logger.area import Area
from logger.sector import OpenSector

KEY = bytes(32)


def make(flash=None):
    flash = flash or FaultyFlash(1)
    return flash, OpenSector(Area(flash), 0, 5, 3)


def content(flash):
    data = bytearray(4096)
    flash.read_into(0, data)
    return data


def scan(flash):
    return frames.scan_all(content(flash), FRAMES_AT, FRAMES_END, 5)


def test_frames_never_cross_a_page():
    flash, sector = make()
    while sector.put(0x80, bytes(90)):
        pass
    found, damaged, _ = scan(flash)
    assert damaged == []
    # One of 96 bytes in the 192 of page 0 would leave room for a second; 128 bytes of page 15 take one.
    assert len(found) == 2 + 14 * 2 + 1
    assert sector.last_end == found[-1][3] + frames.CHECK_SIZE


def test_frame_that_does_not_fit_leaves_room_for_a_smaller_one():
    _, sector = make()
    sector.used = FRAMES_END - 22
    assert not sector.put(0x80, bytes(17))
    assert sector.put(0x80, bytes(16))


def test_page_room_is_what_fits():
    for used in (FRAMES_AT, 200, 208, 209, 255, 256, 300, 4000 - 256):
        _, sector = make()
        sector.used = used
        assert sector.put(0x80, bytes(sector.page_room()))
    _, sector = make()
    sector.used = 0xF00
    assert sector.page_room() == 128 - frames.OVERHEAD


def test_page_that_does_not_read_back_is_closed():
    flash, sector = make()
    sector.put(0x80, b"one")
    # A bit that is 0 already.
    Area(flash).write(FRAMES_AT + 11, b"\x00")
    assert sector.put(0x80, b"two")
    found, _, _ = scan(flash)
    assert [offset for offset, _, _, _ in found] == [FRAMES_AT, 256]


def test_checkpoint_covers_all_before_it():
    flash, sector = make()
    sector.put(0x80, bytes(150))
    assert sector.put_checkpoint(KEY, 9, 123, 3700)
    _, kind, start, end = scan(flash)[0][1]
    assert kind == frames.CHECKPOINT
    covered = content(flash)[: end - 16]
    assert content(flash)[end - 16 : end] == seals.checkpoint_tag(KEY, 3, 9, covered)


def test_seal_covers_frames_and_its_own_fields():
    flash, sector = make()
    sector.put(0x80, b"one")
    tag = sector.seal(KEY, 4, records.SEAL_FULL, 99)
    seal = records.unpack_checked(records.SEAL, content(flash), SEAL_A_AT, b"CTE1")
    assert seal[1:9] == (5, 4, 0, 0, FRAMES_AT + 9, 1, 0, 99)
    assert seal[9] == tag
    assert tag == seals.seal_tag(KEY, 3, 4, content(flash)[:FRAMES_END], content(flash)[SEAL_A_AT : SEAL_A_AT + 28])
    assert sector.is_sealed
    assert not sector.put(0x80, b"x")


def test_seal_that_does_not_read_back_goes_to_the_spare_place():
    flash, sector = make()
    sector.put(0x80, b"one")
    # A bit that is 0 already where the seal has a 1.
    Area(flash).write(SEAL_A_AT, b"\x00")
    sector.seal(KEY, 4, records.SEAL_FULL, 99)
    assert content(flash)[SEAL_A_AT:] == bytes(64)
    assert records.unpack_checked(records.SEAL, content(flash), SEAL_B_AT, b"CTE1")[2] == 4


def test_seal_that_no_place_takes_is_zeros_in_both():
    flash, sector = make()
    sector.put(0x80, b"one")
    for at in (SEAL_A_AT, SEAL_B_AT):
        Area(flash).write(at, b"\x00")
    assert sector.seal(KEY, 4, records.SEAL_FULL, 99) is None
    assert content(flash)[SEAL_B_AT:] == bytes(128)
    assert sector.is_sealed


def test_header_that_does_not_read_back_is_made_unreadable():
    flash, sector = make()
    Area(flash).clean(0)
    Area(flash).write(16, b"\xff\x00")
    assert not sector.write_header(bytes(range(200, 248)))
    assert content(flash)[16:64] == bytes(48)


def test_mount_takes_up_frames_and_goes_on_at_a_new_page():
    flash, sector = make()
    for text in (b"one", b"two"):
        sector.put(0x80, text)
    _, again = make(flash)
    data, found = again.mount()
    assert len(found) == 2
    assert again.last_end == sector.last_end
    assert not again.refresh(data, found)
    again.put(0x80, b"three")
    assert [offset for offset, _, _, _ in scan(flash)[0]] == [64, 73, 512]
    assert flash.model.violations == 0


def test_sector_that_has_only_its_header_can_be_gone_on_with():
    flash, sector = make()
    sector.write_header(bytes(48))
    _, again = make(flash)
    again.refresh(*again.mount())
    again.put(0x80, b"one")
    _, once_more = make(flash)
    once_more.refresh(*once_more.mount())
    once_more.put(0x80, b"two")
    assert [offset for offset, _, _, _ in scan(flash)[0]] == [512, 1024]


def test_page_that_takes_nothing_ends_the_sector():
    flash, sector = make()
    sector.put(0x80, b"one")
    flash.bad_pages = [256]
    assert not sector.put(0x80, bytes(200))
    assert len(scan(flash)[0]) == 1


def test_torn_bytes_are_zeroed_up_to_their_page():
    for torn_at in (73, 80, 256, 300, 0xF00):
        flash, sector = make()
        sector.put(0x80, b"one")
        if torn_at > 255:
            sector.used = torn_at - torn_at % 256
            Area(flash).zero(73, 74) if torn_at == 0xF00 else None
        Area(flash).write(torn_at, b"\x20\x80torn")
        _, again = make(flash)
        data, found = again.mount()
        again.refresh(data, found)
        assert content(flash)[torn_at : torn_at + 6] == bytes(6)
        assert scan(flash)[1] == []
        if torn_at < 0xF00:
            assert again.put(0x80, b"two")
            # The page after the torn one may be begun as well.
            assert again.used == (torn_at // 256 + 2) * 256 + 9
            assert len(scan(flash)[0]) == 2
        else:
            assert not again.put(0x80, b"two")


def test_refresh_programs_the_last_page_again():
    flash, sector = make()
    for _ in range(5):
        sector.put(0x80, bytes(100))
    programmed = []
    program = flash.program

    def note(addr, data):
        programmed.append((addr, bytes(data)))
        program(addr, data)

    flash.program = note
    _, again = make(flash)
    data, found = again.mount()
    again.refresh(data, found)
    page = found[-1][0] - found[-1][0] % 256
    last = bytes(content(flash)[page : again.last_end])
    assert (page, last + b"\xff" * (256 - len(last))) in programmed
    assert flash.model.violations == 0


def test_slot_a_that_was_begun_is_void_after_a_restart():
    for begun in (b"", b"CTE1"):
        flash, sector = make()
        sector.put(0x80, b"one")
        Area(flash).write(SEAL_A_AT, begun)
        _, again = make(flash)
        data, found = again.mount()
        assert again.sealed(data) is None
        assert not again.is_sealing(data)
        again.refresh(data, found)
        assert content(flash)[SEAL_A_AT : SEAL_A_AT + 4] == bytes(4)
        again.seal(KEY, 4, records.SEAL_FULL, 99)
        seal = records.unpack_checked(records.SEAL, content(flash), SEAL_B_AT, b"CTE1")
        assert seal[5:7] == (FRAMES_AT + 9, 1)


def test_seal_that_was_begun_in_slot_b_is_told_and_gets_the_same_bytes():
    flash, sector = make()
    sector.put(0x80, b"one")
    _, again = make(flash)
    again.refresh(*again.mount())
    flash.cut_after(1, 50)
    try:
        again.seal(KEY, 4, records.SEAL_FULL, 99)
    except PowerCut:
        pass
    begun = bytes(content(flash)[SEAL_B_AT : SEAL_B_AT + 32])
    assert begun[:4] == b"CTE1"
    _, third = make(flash)
    data, _ = third.mount()
    assert third.is_sealing(data)
    tag = third.seal(KEY, 4, records.SEAL_FULL, 99)
    seal = records.unpack_checked(records.SEAL, content(flash), SEAL_B_AT, b"CTE1")
    assert seal[9] == tag
    assert content(flash)[SEAL_B_AT : SEAL_B_AT + 32] == begun


def test_sector_may_be_left_when_no_page_is_blank_or_the_trip_was_to_end():
    flash, sector = make()
    sector.put(0x80, bytes(100))
    while sector.put(0x80, bytes(200)):
        _, again = make(flash)
        data, found = again.mount()
        blank = data[0xE00:0xF00] == b"\xff" * 256
        assert again.may_be_left(data, found) == (not blank)
    assert not blank
    logging, stopped = [pack(frames.TABLES[frames.STATE], (0, state, 0, 0, 0, 0)) for state in (2, 3)]
    for kind, payload, left in (
        (frames.PLAN, bytes(60), True),
        (frames.STATE, logging, False),
        (frames.STATE, stopped, True),
    ):
        flash, sector = make()
        sector.put(kind, payload)
        _, again = make(flash)
        assert again.may_be_left(*again.mount()) == left


def test_whole_seal_is_found_in_either_place():
    for at in (SEAL_A_AT, SEAL_B_AT):
        flash, sector = make()
        sector.put(0x80, b"one")
        if at == SEAL_B_AT:
            Area(flash).zero(SEAL_A_AT, 4096)
        tag = sector.seal(KEY, 4, records.SEAL_CLOSED, 99)
        _, again = make(flash)
        data, _ = again.mount()
        assert again.sealed(data) == (4, records.SEAL_CLOSED, tag)
        assert again.is_sealed
