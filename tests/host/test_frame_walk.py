"""The host's walk through sound sectors, beside the device's scan."""

from hypothesis import given
from hypothesis import strategies as st

from celltrail.evidence.frame_walk import walk
from celltrail_protocol.frames import build, scan_all, seed
from celltrail_protocol.records import FRAMES_AT, FRAMES_END, PAGE_SIZE
from tests.host.forge import five_days

FORGE = five_days()
SEQUENCE = 40


def test_walks_what_the_scan_finds():
    for number, sector in enumerate(FORGE.sealed):
        found, damaged, used = scan_all(sector, FRAMES_AT, FRAMES_END, SEQUENCE + number)
        assert damaged == []
        assert len(found) > 5
        assert walk(sector, FRAMES_AT, FRAMES_END, SEQUENCE + number) == (found, used)


@given(st.integers(FRAMES_AT, FRAMES_END - 1), st.integers(0, 255))
def test_leaves_a_damaged_sector_to_the_scan(at: int, value: int):
    sector = bytearray(FORGE.sealed[0])
    sector[at] = value
    found, damaged, used = scan_all(sector, FRAMES_AT, FRAMES_END, SEQUENCE)
    expected = None if damaged else (found, used)
    assert walk(bytes(sector), FRAMES_AT, FRAMES_END, SEQUENCE) == expected


def test_skips_the_rest_of_a_page_that_is_closed_with_zeros_or_blank():
    for rest in (b"\0", b"\xff"):
        sector = bytearray(FRAMES_AT) + rest * (FRAMES_END - FRAMES_AT)
        for at in (FRAMES_AT, PAGE_SIZE):
            frame = build(0x90, b"abc", seed(7, at))
            sector[at : at + len(frame)] = frame
        found, damaged, used = scan_all(sector, FRAMES_AT, FRAMES_END, 7)
        assert (len(found), damaged) == (2, [])
        assert walk(bytes(sector), FRAMES_AT, FRAMES_END, 7) == (found, used)


def test_seeds_of_the_last_sequences_do_not_wrap_within_a_sector():
    for sequence in (0xFFFFF, 0xFFFFFFFF):
        sector = bytearray(b"\xff" * FRAMES_END)
        frame = build(0x90, b"abc", seed(sequence, FRAMES_AT))
        sector[FRAMES_AT : FRAMES_AT + len(frame)] = frame
        walked = walk(bytes(sector), FRAMES_AT, FRAMES_END, sequence)
        assert walked is not None
        assert len(walked[0]) == 1
