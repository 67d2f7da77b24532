"""The log area: read back, pages, CLEAN marks, and a flash that refuses."""

from faulty_flash import FaultyFlash, erase_pages

from celltrail_protocol import records
from logger.area import Area


def make(sectors=2):
    flash = FaultyFlash(sectors)
    return flash, Area(flash)


def test_write_programs_what_is_there_and_leaves_the_rest():
    flash, area = make()
    assert area.write(10, b"abc")
    assert area.write(13, b"def")
    assert area.read(8, 10) == b"\xff\xffabcdef\xff\xff"
    assert area.programs == 2
    assert flash.model.violations == 0


def test_write_crosses_pages():
    _, area = make()
    data = bytes(range(200)) * 3
    assert area.write(200, data)
    assert area.read(200, 600) == data
    assert area.programs == 4


def test_write_notices_bits_that_stay_0():
    _, area = make()
    assert area.write(0, b"\x0f")
    assert not area.write(0, b"\xf0")
    assert area.failed == 1


def test_write_notices_a_page_that_takes_nothing():
    for raises in (False, True):
        flash, area = make()
        flash.bad_pages = [256]
        flash.raises = raises
        assert not area.write(250, b"0123456789")
        assert area.read(250, 6) == b"012345"
        assert area.failed == 1


def test_zero_ends_where_it_is_told():
    _, area = make()
    area.zero(250, 515)
    assert area.read(249, 267) == b"\xff" + bytes(265) + b"\xff"


def test_is_blank():
    _, area = make()
    assert area.is_blank(0, 4096)
    area.write(300, b"\xfe")
    assert area.is_blank(0, 256)
    assert area.is_blank(256, 300)
    assert not area.is_blank(256, 301)
    assert not area.is_blank(0, 4096)


def test_clean_counts_the_erases_of_a_sector():
    _, area = make()
    assert not area.is_clean(1)
    assert area.clean_mark(1) is None
    assert area.clean(1)
    assert area.is_clean(1)
    assert area.clean_mark(1) == 1
    assert area.clean(1)
    assert area.clean_mark(1) == 2
    assert area.erases == 2


def test_clean_mark_belongs_to_its_sector():
    _, area = make()
    area.clean(0)
    area.write(4096, bytes(area.read(0, 16)))
    assert area.clean_mark(1) is None


def test_sector_with_bytes_after_the_mark_is_not_clean():
    for offset in (16, 255, 256, 4095):
        _, area = make()
        area.clean(1)
        area.write(4096 + offset, b"\x7f")
        assert not area.is_clean(1)


def test_sector_that_does_not_erase_gets_no_mark():
    for raises in (False, True):
        flash, area = make()
        area.write(4096 + 2000, b"x")
        flash.bad_sectors = [1]
        flash.raises = raises
        assert not area.clean(1)
        assert area.clean_mark(1) is None
        assert area.failed == 1


def test_half_an_erase_is_not_clean():
    flash, area = make()
    area.clean(1)
    area.write(4096 + 4000, b"x")
    erase_pages(flash.model, 1, 8)
    assert not area.is_clean(1)
    erase_pages(flash.model, 1, 16)
    # Blank without a mark: the erase may not have come to its end.
    assert area.is_blank(4096, 8192)
    assert not area.is_clean(1)


def test_mark_is_the_table_of_the_format():
    _, area = make()
    area.clean(1)
    mark = records.unpack_checked(records.CLEAN, area.read(4096, 16), 0, b"CLN1")
    assert mark[1:4] == (1, 1, 0xFFFF)
