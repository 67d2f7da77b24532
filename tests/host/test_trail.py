import os
import zlib
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from celltrail import files
from celltrail.errors import UsageFault
from celltrail.evidence.trail import TrailParts, open_trail, read_trail, trail_bytes, write_trail
from celltrail.evidence.trail_parser import parse_sections
from tests.host.forge import UID, Forge

SECTOR = bytes(range(256)) * 16
META = {"uid": UID, "trip": 3, "name": "CT", "pairs": []}


def parts(**changes):
    values = {
        "runs": [(0, SECTOR * 2), (5, SECTOR)],
        "open_part": (6, b"\x01" * 100),
        "pending": b"\x02",
        "live": {"epoch": 4},
    }
    return TrailParts(META, **(values | changes))


def section(tag, payload):
    head = tag + len(payload).to_bytes(4, "little")
    return head + zlib.crc32(head + payload).to_bytes(4, "little") + payload


def finish(data):
    return data + section(b"DONE", sha256(data).digest())


def body(data):
    """A file without its end."""
    return data[: -len(section(b"DONE", bytes(32)))]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.trail"


def test_what_is_written_comes_back(path):
    write_trail(path, parts())
    trail = read_trail(path)
    assert [(one.index, one.whole, bytes(one.data)) for one in trail.sectors] == [
        (0, True, SECTOR), (1, True, SECTOR), (5, True, SECTOR), (6, False, b"\x01" * 100)
    ]  # fmt: skip
    assert (trail.meta, trail.pending, trail.live, trail.uid, trail.trip) == (META, b"\x02", {"epoch": 4}, UID, 3)
    assert trail.finished
    assert trail.digest == sha256(path.read_bytes()).digest()
    data = path.read_bytes()
    assert all(data[one.place : one.place + len(one.data)] == one.data for one in trail.sectors)


def test_the_parts_of_a_file_make_the_same_file(path):
    write_trail(path, parts())
    assert trail_bytes(read_trail(path).parts()) == path.read_bytes()


def test_runs_that_touch_are_joined():
    assert trail_bytes(parts(runs=[(1, SECTOR), (0, SECTOR)])) == trail_bytes(parts(runs=[(0, SECTOR * 2)]))


@pytest.mark.parametrize("runs", [[(0, SECTOR), (0, SECTOR)], [(0, SECTOR[:-1])], [(0, b"")]])
def test_runs_that_make_no_sense_are_refused(runs):
    with pytest.raises(ValueError, match="sectors from 0 on"):
        trail_bytes(parts(runs=runs))


def test_an_existing_file_is_never_replaced_unless_told(path):
    path.write_bytes(b"precious")
    with pytest.raises(UsageFault, match="exists already"):
        write_trail(path, parts())
    assert path.read_bytes() == b"precious"
    write_trail(path, parts(), replace=True)
    assert read_trail(path).trip == 3


@pytest.mark.parametrize("replace", [True, False])
def test_a_full_disk_leaves_nothing_behind(path, mocker, replace):
    mocker.patch.object(files.os, "fsync", side_effect=OSError(28, "No space left on device"))
    with pytest.raises(UsageFault, match="the disk is full"):
        write_trail(path, parts(), replace=replace)
    assert os.listdir(path.parent) == []


def test_a_file_system_without_links_still_gets_the_file(path, mocker):
    mocker.patch.object(files.os, "link", side_effect=OSError(1, "Operation not permitted"))
    write_trail(path, parts())
    assert read_trail(path).trip == 3
    with pytest.raises(UsageFault, match="exists already"):
        write_trail(path, parts())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"utc,celsius\n", "not a .trail file", id="foreign"),
        pytest.param(os.urandom(5000), "not a .trail file", id="noise"),
        pytest.param(trail_bytes(parts())[:9], "cut off at byte 9", id="cut in the header"),
        pytest.param(trail_bytes(parts())[:5000], "cut off at byte 5000, in section SECT", id="cut in a section"),
        pytest.param(body(trail_bytes(parts())), "its end .section DONE. is missing", id="cut at a section"),
        pytest.param(trail_bytes(parts()) + b"x", "section", id="a byte behind the end"),
        pytest.param(trail_bytes(parts()) + section(b"more", b""), "after the end", id="a section behind the end"),
        pytest.param(
            finish(body(trail_bytes(parts())) + section(b"NEWS", b"")), "kind that this", id="unknown capitals"
        ),
        pytest.param(finish(trail_bytes(parts())[:16] + section(b"PEND", b"")), "not at the file's beg", id="no META"),
        pytest.param(finish(body(trail_bytes(parts())) + section(b"PEND", b"")), "more than once", id="PEND twice"),
        pytest.param(
            finish(body(trail_bytes(parts())) + section(b"SECT", bytes(4) + SECTOR)), "out of order", id="descending"
        ),
        pytest.param(
            finish(body(trail_bytes(TrailParts(META))) + section(b"SECT", bytes(4104))), "whole sect", id="not whole"
        ),
    ],
)
def test_what_is_no_sound_file_is_refused_in_one_line(path, data, words):
    path.write_bytes(data)
    with pytest.raises(UsageFault, match=words) as caught:
        read_trail(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_small_sections_are_skipped(path):
    path.write_bytes(finish(body(trail_bytes(parts())) + section(b"note", b"of a later version")))
    assert len(read_trail(path).sectors) == 4


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for wrong, words in ((tmp_path / "none.trail", "no such file"), (tmp_path, "is a folder")):
        with pytest.raises(UsageFault, match=words):
            read_trail(wrong)


@pytest.mark.parametrize("position", [17, 19, 20, 23, 24, 60, 5000])
def test_what_lies_behind_a_damaged_section_is_still_found(path, position):
    data = bytearray(trail_bytes(parts()))
    data[position] ^= 0x40
    path.write_bytes(data)
    trail = open_trail(path)
    assert trail.damage
    assert trail.live == {"epoch": 4}
    assert trail.sectors[-1].index == 6
    damaged = trail.damage[0]
    assert damaged.start <= position < damaged.end


@settings(max_examples=300)
@given(st.data())
def test_any_changed_byte_is_noticed_and_lies_within_the_named_place(data):
    good = trail_bytes(parts(runs=[(0, SECTOR)]))
    position = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[position] ^= data.draw(st.integers(1, 255))
    found = parse_sections(bytes(bad))
    if found is None:
        # Nothing is left that would tell a .trail file: magic gone and the first section damaged can't both be.
        raise AssertionError("one changed byte makes no foreign file")
    assert any(one.start <= position < max(one.end, one.start + 1) for one in found[1])


@given(st.binary(max_size=300), st.integers(0, 200), st.integers(0, 80))
def test_random_bytes_never_break_the_parser(noise, keep, drop):
    good = trail_bytes(Forge().running_parts()) if keep % 2 else trail_bytes(TrailParts(META))
    data = good[:keep] + noise + good[keep + drop :]
    found = parse_sections(data)
    assert found is None or found[1] or data == good


def test_many_false_sections_take_no_time():
    # Each false tag claims the rest of the file; checking all of them would take hours.
    false = b"SECT" + (4_000_000).to_bytes(4, "little") + bytes(4)
    data = trail_bytes(TrailParts(META))[:16] + false * 500_000
    found = parse_sections(data)
    assert found is not None
    assert found[1]
