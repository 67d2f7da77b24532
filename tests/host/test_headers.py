import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from celltrail.evidence import headers
from celltrail_protocol import frames, layout, records
from celltrail_protocol.layout import ProtocolError

FIXED = [records.CLEAN, records.HEADER, records.SEAL, records.KEY_SLOT, records.TRAIL_HEADER, frames.CHANNEL]
ALL = FIXED + list(frames.TABLES.values())


def example(table, draw=lambda low, high: (low + high) // 3):
    """One value for each field."""
    made = []
    for _, code, _ in table[2]:
        count, letter = layout.split(code)
        if letter in "sp*":
            made.append(bytes(range(count)) if letter == "s" else b"abc")
            continue
        width = 8 * layout.width(letter)
        low = -(1 << (width - 1)) if letter in "bhi" else 0
        one = draw(low, low + (1 << width) - 1)
        made.append(one if len(code) == 1 else (one,) * count)
    return made


@pytest.mark.parametrize("table", ALL, ids=lambda table: table[0])
def test_construct_and_the_codec_agree(table):
    values = example(table)
    data = layout.pack(table, values)
    parsed = headers.parse(table, data)
    assert tuple(parsed.values()) == tuple(values)
    assert headers.build(table, parsed) == data


@pytest.mark.parametrize("table", FIXED, ids=lambda table: table[0])
def test_numpy_reads_the_same_values(table):
    values = example(table)
    data = layout.pack(table, values)
    assert headers.read_fixed(table, b"before" + data + b"after", 6) == tuple(values)
    assert headers.read_fixed(table, data[:-1], 0) is None


def test_zeros_at_the_end_of_bytes_are_kept():
    data = layout.pack(records.KEY_SLOT, (b"CTK\0", 1, 2, bytes(32), 3))
    assert headers.read_fixed(records.KEY_SLOT, data, 0) == (b"CTK\0", 1, 2, bytes(32), 3)


def test_a_tuple_field_is_an_array_in_numpy():
    table = frames.TABLES[frames.SHOCK]
    data = layout.pack(table, example(table))
    row = np.frombuffer(data, headers.dtype_of(table))[0]
    assert row["base"].tolist() == list(layout.unpack(table, data)[4])


@pytest.mark.parametrize("table", FIXED, ids=lambda table: table[0])
def test_a_short_record_is_refused(table):
    data = layout.pack(table, example(table))
    with pytest.raises(ProtocolError):
        headers.parse(table, data[:-1])


def test_bytes_behind_the_record_are_left_alone():
    data = layout.pack(records.CLEAN, example(records.CLEAN))
    assert headers.parse(records.CLEAN, data + b"later fields") == headers.parse(records.CLEAN, data)


def test_values_out_of_range_are_refused():
    with pytest.raises(ProtocolError):
        headers.build(frames.CHANNEL, {"model": 256, "step_nK": 1, "low_raw": 0, "high_raw": 0, "uncertainty_mK": 0})


@given(st.sampled_from(ALL), st.binary(max_size=120))
def test_random_bytes_give_values_or_the_declared_error(table, data):
    try:
        parsed = headers.parse(table, data)
    except ProtocolError:
        with pytest.raises(ProtocolError):
            layout.unpack(table, data)
    else:
        assert tuple(parsed.values()) == layout.unpack(table, data)
