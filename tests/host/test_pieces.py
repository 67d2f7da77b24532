import random

from hypothesis import given
from hypothesis import strategies as st

from celltrail.operate.pieces import Pieces
from tests.host.fake_logger import sector

WHOLE = sector(0) + sector(1) + sector(2)
SPANS = st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(1, 5000)), max_size=12)


@given(spans=SPANS, window=st.tuples(st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE))))
def test_what_is_there_and_what_is_lacking_are_the_whole(spans, window):
    pieces, there = Pieces(), set()
    for start, length in spans:
        pieces.add(start, WHOLE[start : start + length])
        there.update(range(start, min(start + length, len(WHOLE))))
    low, high = min(window), max(window)
    lacking = pieces.lacking(low, high)
    assert [at for start, end in lacking for at in range(start, end)] == [
        at for at in range(low, high) if at not in there
    ]
    assert all(end < start for (_, end), (start, _) in zip(lacking, lacking[1:], strict=False))
    assert pieces.size == len(there)
    runs = [run for index in pieces.unfinished for run in pieces.runs(index)]
    assert all(WHOLE[offset:].startswith(data) for offset, data in runs)
    assert sum(len(data) for _, data in runs) + 4096 * len(pieces.sectors) == len(there)
    assert all(data == sector(index) for index, data in pieces.sectors.items())


@given(cuts=st.sets(st.integers(1, len(WHOLE) - 1)), seed=st.integers(0, 999))
def test_pieces_in_any_order_are_the_sectors(cuts, seed):
    edges = [0, *sorted(cuts), len(WHOLE)]
    spans = list(zip(edges, edges[1:], strict=False))
    random.Random(seed).shuffle(spans)
    pieces = Pieces()
    for start, end in spans:
        pieces.add(start, WHOLE[start:end])
    assert pieces.sectors == {0: sector(0), 1: sector(1), 2: sector(2)}
    assert pieces.lacking(0, len(WHOLE)) == []


def test_a_byte_that_is_there_stays():
    pieces = Pieces()
    pieces.add(10, b"abc")
    pieces.add(9, b"XXXXX")
    assert pieces.runs(0) == [(9, b"XabcX")]
