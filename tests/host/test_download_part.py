import os
from unittest import mock

import pytest

from celltrail.errors import UsageFault
from celltrail.operate.part_file import PartFile
from tests.host.fake_logger import UID, sector


@pytest.fixture
def path(tmp_path):
    with PartFile(tmp_path / "a.part", UID, 7) as part:
        for index in (0, 1, 5):
            part.keep(index * 4096, sector(index))
    return tmp_path / "a.part"


def reopened(path, uid=UID, trip=7):
    with PartFile(path, uid, trip) as part:
        return part.sectors


def test_sectors_are_kept(path):
    assert reopened(path) == {index: sector(index) for index in (0, 1, 5)}
    assert reopened(path) == {index: sector(index) for index in (0, 1, 5)}


@pytest.mark.parametrize("cut", [1, 12, 4095, 4096, 4107])
def test_a_record_that_was_cut_short_is_dropped_and_written_over(path, cut):
    os.truncate(path, path.stat().st_size - cut)
    with PartFile(path, UID, 7) as part:
        assert sorted(part.sectors) == [0, 1]
        part.keep(2 * 4096, sector(2))
    assert sorted(reopened(path)) == [0, 1, 2]


def test_any_damage_ends_what_is_believed(path):
    whole = path.read_bytes()
    for position in range(24, len(whole), 997):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x20]) + whole[position + 1 :])
        sectors = reopened(path)
        assert all(data == sector(index) for index, data in sectors.items())
        assert len(sectors) <= (position - 24) // (4096 + 12)


@pytest.mark.parametrize(("uid", "trip"), [(UID, 8), (bytes(8), 7)])
def test_a_part_of_another_trip_is_set_aside(path, uid, trip):
    before = path.read_bytes()
    with PartFile(path, uid, trip) as part:
        assert part.sectors == {}
        assert part.set_aside == path.with_name("a.part.1")
    assert part.set_aside.read_bytes() == before


@pytest.mark.parametrize("text", [b"hello, this is something else", b"short"])
def test_a_foreign_file_is_set_aside(tmp_path, text):
    (tmp_path / "a.part").write_bytes(text)
    with PartFile(tmp_path / "a.part", UID, 7) as part:
        assert part.set_aside is not None
        assert part.set_aside.read_bytes() == text


def test_a_file_that_was_cut_in_its_header_begins_anew(tmp_path):
    (tmp_path / "a.part").write_bytes(b"CTPA")
    assert reopened(tmp_path / "a.part") == {}


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(UsageFault, match="No such file") as fault:
        PartFile(tmp_path / "no" / "a.part", UID, 7)
    assert "stays there" not in str(fault.value)


def test_a_full_disk(tmp_path):
    with PartFile(tmp_path / "a.part", UID, 7) as part:
        part.keep(0, sector(0))
        full = mock.Mock(write=mock.Mock(side_effect=OSError(28, "No space left")))
        with mock.patch.object(part, "_file", full), pytest.raises(UsageFault, match=r"No space left.*stays there"):
            part.keep(4096, sector(1))
    assert sorted(reopened(tmp_path / "a.part")) == [0]


def test_a_finished_part_goes(path):
    with PartFile(path, UID, 7) as part:
        part.discard()
    assert not path.exists()


@pytest.mark.parametrize("cut", range(1, 700, 37))
def test_pieces_are_kept_to_the_byte(tmp_path, cut):
    with PartFile(tmp_path / "a.part", UID, 7) as part:
        part.keep(4096 + 100, sector(1)[100:700])
        part.keep(4000, (sector(0) + sector(1))[4000:4300])
    with PartFile(tmp_path / "a.part", UID, 7) as part:
        assert part.lacking(0, 8192) == [(0, 4000), (4796, 8192)]
        assert part.size == 796
        part.keep(4796, sector(1)[700:])
        part.keep(0, sector(0)[:cut])
    assert reopened(tmp_path / "a.part") == {1: sector(1)}
    with PartFile(tmp_path / "a.part", UID, 7) as part:
        assert part.lacking(0, 8192) == [(cut, 4000)]


def test_the_last_note_counts(tmp_path):
    with PartFile(tmp_path / "a.part", UID, 7) as part:
        part.take_note({"operator": "A", "pairs": [[1, 2, 3, 4, 5]]})
        part.keep(0, b"x")
        part.take_note({"operator": "B"})
    with PartFile(tmp_path / "a.part", UID, 7) as part:
        assert part.note == {"operator": "B"}
    os.truncate(tmp_path / "a.part", (tmp_path / "a.part").stat().st_size - 1)
    with PartFile(tmp_path / "a.part", UID, 7) as part:
        assert part.note == {"operator": "A", "pairs": [[1, 2, 3, 4, 5]]}


def test_a_second_writer_is_refused_and_changes_nothing(path):
    before = path.read_bytes()
    with PartFile(path, UID, 7):
        for uid, trip in ((UID, 7), (UID, 8)):
            with pytest.raises(UsageFault, match="another download is writing it"):
                PartFile(path, uid, trip)
        assert path.read_bytes() == before
    assert len(reopened(path)) == 3


def test_nothing_kept_leaves_nothing(tmp_path):
    with PartFile(tmp_path / "a.part", UID, 7) as part:
        part.take_note({"operator": "A"})
    assert list(tmp_path.iterdir()) == []


def test_records_that_would_fill_the_memory_are_not_believed(tmp_path, mocker):
    mocker.patch("celltrail.operate.part_file._MOST_SECTORS", 5)
    with PartFile(tmp_path / "a.part", UID, 7) as part:
        for index in range(20):
            part.keep(index * 4096, b"x")
    with PartFile(tmp_path / "a.part", UID, 7) as part:
        assert part.size <= 6
