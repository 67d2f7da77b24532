import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from celltrail.evidence.series_numpy import decode_many
from celltrail_protocol import series
from celltrail_protocol.layout import ProtocolError

WORD = st.integers(-32768, 32767)
STEPS = st.one_of(st.integers(-3, 3), st.integers(-300, 300), WORD)


def together(packed, counts, block):
    """Decode byte strings that lie one after the other."""
    lengths = np.array([len(one) for one in packed], np.int64)
    ends = np.cumsum(lengths)
    data = np.frombuffer(b"".join(packed), np.uint8)
    return decode_many(data, ends - lengths, ends, np.array(counts, np.int64), block)


def one_by_one(packed, counts, block):
    """What the protocol's own decoder says; None for an invalid series."""
    found = []
    for data, count in zip(packed, counts, strict=True):
        try:
            found.append(series.decode(data, count, block))
        except ProtocolError:
            found.append(None)
    return found


def assert_agree(packed, counts, block):
    values, bad = together(packed, counts, block)
    at = 0
    for number, expected in enumerate(one_by_one(packed, counts, block)):
        assert bool(bad[number]) == (expected is None), number
        if expected is not None:
            assert values[at : at + counts[number]].tolist() == expected
        at += counts[number]


def clip(values):
    return [max(-32768, min(32767, value)) for value in values]


@st.composite
def some_series(draw):
    shape = draw(st.sampled_from(["any", "walk", "slope"]))
    raw = draw(st.lists(STEPS, min_size=1, max_size=255))
    if shape == "walk":
        raw = np.cumsum(raw).tolist()
    elif shape == "slope":
        raw = np.cumsum(np.cumsum(raw)).tolist()
    return clip(raw)


@given(st.lists(some_series(), min_size=1, max_size=6), st.sampled_from([series.BLOCK_READINGS, series.BLOCK_WAVE]))
def test_series_side_by_side_decode_to_what_was_encoded(all_values, block):
    packed = [series.encode(values, values[0], block) for values in all_values]
    values, bad = together(packed, [len(one) for one in all_values], block)
    assert not bad.any()
    assert values.tolist() == [value for one in all_values for value in one]


@given(st.lists(st.tuples(st.binary(max_size=60), st.integers(1, 255)), min_size=1, max_size=8))
def test_random_bytes_are_judged_as_by_the_plain_decoder(cases):
    assert_agree([data for data, _ in cases], [count for _, count in cases], series.BLOCK_READINGS)


@given(some_series(), st.data())
def test_one_changed_bit_is_judged_as_by_the_plain_decoder(values, data):
    packed = bytearray(series.encode(values, values[0], series.BLOCK_READINGS))
    bit = data.draw(st.integers(0, 8 * len(packed) - 1))
    packed[bit >> 3] ^= 0x80 >> (bit & 7)
    good = series.encode([5, 6, 7], 5, series.BLOCK_READINGS)
    assert_agree([good, bytes(packed), good], [3, len(values), 3], series.BLOCK_READINGS)


@pytest.mark.parametrize(
    ("data", "count"),
    [
        pytest.param(b"\x00", 1, id="no room for the base"),
        pytest.param(b"\x00\x00", 1, id="no block"),
        pytest.param(b"\x00\x00\xc0", 1, id="order 3"),
        pytest.param(b"\x00\x00\x3c\x00", 1, id="a byte too many"),
        pytest.param(b"\x00\x00\x3d", 1, id="a one-bit in the padding"),
        pytest.param(b"\xff\x7f\x43\xff\xfc\x00\x40\x00", 2, id="a value beyond 16 bits"),
    ],
)
def test_each_error_of_the_format_is_found(data, count):
    assert one_by_one([data], [count], series.BLOCK_READINGS) == [None]
    assert together([data], [count], series.BLOCK_READINGS)[1].all()


def test_a_count_of_nothing_or_too_much_is_invalid():
    good = series.encode([1], 1, series.BLOCK_READINGS)
    assert together([good, good], [0, 256], series.BLOCK_READINGS)[1].tolist() == [True, True]


def test_nothing_decodes_to_nothing():
    values, bad = together([], [], series.BLOCK_READINGS)
    assert len(values) == 0
    assert len(bad) == 0


def test_more_series_than_go_side_by_side_keep_their_order():
    all_values = [[number % 30000, number % 7, -number % 5][: 1 + number % 3] for number in range(20_000)]
    packed = [series.encode(values, values[0], series.BLOCK_READINGS) for values in all_values]
    values, bad = together(packed, [len(one) for one in all_values], series.BLOCK_READINGS)
    assert not bad.any()
    assert values.tolist() == [value for one in all_values for value in one]
