"""Decode many packed series at once (SPEC.md section 4): value i of all series is one step of numpy.

Within a series each code says where the next one begins; only thousands of them side by side go fast.
Each step looks up 16 bits in a table that holds the residual and the length of every short code; the few long
codes take a second, slower way.
"""

from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from celltrail_protocol.series import BLOCK_READINGS, BLOCK_WAVE

__all__ = ["BLOCK_READINGS", "BLOCK_WAVE", "decode_many"]

Ints: TypeAlias = npt.NDArray[np.int64]
Values: TypeAlias = npt.NDArray[np.int16]
Steps: TypeAlias = npt.NDArray[np.int32]
Flags: TypeAlias = npt.NDArray[np.bool_]
Octets: TypeAlias = npt.NDArray[np.uint8]

_BASE_BITS = 16
_HEADER_BITS = 6
_WINDOW = 16
_ALL_ZERO = 15
_TAIL = 5
_TAIL_ORDER = 2
_MOST_BITS = 18
_LONGEST_CODE = _TAIL + (_MOST_BITS - _TAIL_ORDER) + 1 + _MOST_BITS
# A residual that makes any value leave 16 bits, for a code that is none.
_NO_RESIDUAL = 1 << 20
_MOST_COUNT = 255
# A table entry is residual << 6 | length; this one says that the code is longer than the window.
_LENGTH_BITS = 6
_LONG = np.int32(2**31 - 1)
# So many series side by side keep the working set of a step in the processor's second cache. No power of two, which
# would put the values of a series all on the same lines of the first one.
_SIDE_BY_SIDE = 8000


@cache
def _leading_ones() -> Ints:
    """How many one-bits stand in front of each 16-bit number."""
    rest = 0xFFFF - np.arange(1 << _WINDOW)
    return np.asarray(_WINDOW - np.frexp(rest.astype(np.float64))[1], dtype=np.int64)


@cache
def _code_table() -> Steps:
    """The entry of each k (row) and 16-bit window (column); k = 15 takes no bits and gives 0."""
    window = np.arange(1 << _WINDOW)
    ones = _leading_ones()
    table = np.zeros((_ALL_ZERO + 1, 1 << _WINDOW), np.int32)
    for k in range(_ALL_ZERO):
        length, zigzag = _read_codes(window, _WINDOW, ones, k)
        table[k] = np.where(length <= _WINDOW, _unfold(zigzag) << _LENGTH_BITS | length, _LONG)
    return table.reshape(-1)


def _read_codes(bits: Ints, width: Ints | int, ones: Ints, k: Ints | int) -> tuple[Ints, Ints]:
    """Lengths and zigzag residuals of the codes that `bits` (of `width` bits) begin with, given their one-bits.

    Where a length is beyond `width` the residual means nothing.
    """
    doublings = np.maximum(ones - _TAIL, 0)
    low_bits = np.where(ones < _TAIL, k, k + _TAIL_ORDER + doublings)
    length = ones + 1 + low_bits
    low = bits >> np.maximum(width - length, 0) & (1 << low_bits) - 1
    tail = (_TAIL << k) + ((1 << doublings) - 1 << k + _TAIL_ORDER)
    return length, low + np.where(ones < _TAIL, ones << k, tail)


def _unfold(zigzag: Ints) -> Ints:
    return zigzag >> 1 ^ -(zigzag & 1)


def decode_many(data: Octets, starts: Ints, ends: Ints, counts: Ints, block: int) -> tuple[Values, Flags]:
    """The values of all series, one after the other in the order given, and which series are invalid.

    Series g lies in data[starts[g]:ends[g]] and has counts[g] values, in blocks of `block`; an invalid one
    leaves as many values of no meaning.
    """
    counts = counts.astype(np.int64)
    bad = np.ones(len(counts), np.bool_)
    windows, padded = _windows(data)
    pieces = [np.zeros(0, np.int16)]
    for first in range(0, len(counts), _SIDE_BY_SIDE):
        some = slice(first, first + _SIDE_BY_SIDE)
        values, bad[some] = _decode_some(windows, padded, starts[some], ends[some], counts[some], block)
        pieces.append(values)
    return np.concatenate(pieces), bad


def _windows(data: Octets) -> tuple[Steps, Octets]:
    """The 24 bits from each byte on, and the bytes; both go on far enough for a run past the end."""
    past = (_MOST_COUNT * (_LONGEST_CODE + _HEADER_BITS)) // 8 + 16
    padded = np.concatenate([data, np.zeros(past, np.uint8)])
    wide = padded.astype(np.int32)
    return wide[:-2] << 16 | wide[1:-1] << 8 | wide[2:], padded


def _decode_some(
    windows: Steps, padded: Octets, starts: Ints, ends: Ints, counts: Ints, block: int
) -> tuple[Values, Flags]:
    """As `decode_many`, for as many series as go side by side."""
    by_series = np.zeros((len(counts), int(counts.max())), np.int16)
    bad = np.ones(len(counts), np.bool_)
    order = np.argsort(-counts, kind="stable")
    order = order[(counts[order] > 0) & (counts[order] <= _MOST_COUNT) & (ends[order] - starts[order] >= 2)]
    if len(order):
        values, bad[order] = _decode_sorted(windows, padded, starts[order], ends[order], counts[order], block)
        by_series[order, : len(values)] = np.ascontiguousarray(values.astype(np.int16).T)
    return by_series[np.arange(by_series.shape[1]) < counts[:, None]], bad


def _decode_sorted(
    windows: Steps, padded: Octets, starts: Ints, ends: Ints, counts: Ints, block: int
) -> tuple[Steps, Flags]:
    """Series sorted by falling count, as an array of steps by series; and which are invalid."""
    most = int(counts[0])
    values = np.zeros((most, len(counts)), np.int32)
    # Those still in play at a step are a prefix.
    in_play = np.searchsorted(-counts, -np.arange(1, most + 1), side="right")
    base = _bases(padded, starts)
    at = starts * 8 + _BASE_BITS
    table = _code_table()
    bad = np.zeros(len(counts), np.bool_)
    for first in range(0, most, block):
        live = int(in_play[first])
        header = windows[at[:live] >> 3] >> (24 - _HEADER_BITS - (at[:live] & 7)) & 0x3F
        at[:live] += _HEADER_BITS
        orders = header >> 4
        bad[:live] |= orders == 3
        predictor = _Predictor(orders, base[:live])
        rows = (header & 15).astype(np.int64) << _WINDOW
        for step in range(first, min(first + block, most)):
            live = int(in_play[step])
            row = values[step, :live]
            _residuals(windows, padded, table, rows[:live], at[:live], row)
            one = values[step - 1, :live] if step > 0 else base[:live]
            two = values[step - 2, :live] if step > 1 else base[:live]
            predictor.add(row, one, two)
    bad |= _beyond_16_bits(values)
    return values, bad | _wrong_end(padded, at, ends)


def _bases(padded: Octets, starts: Ints) -> Steps:
    unsigned = padded[starts].astype(np.int32) | padded[starts + 1].astype(np.int32) << 8
    return (unsigned ^ 0x8000) - 0x8000


def _residuals(windows: Steps, padded: Octets, table: Steps, rows: Ints, at: Ints, out: Steps) -> None:
    """The next residual of each series into `out`; `at` (bit positions) moves on."""
    window = windows.take(at >> 3) >> (24 - _WINDOW - (at & 7)).astype(np.int32) & 0xFFFF
    entry = table.take(rows + window)
    if entry.max(initial=0) == _LONG:
        long = np.flatnonzero(entry == _LONG)
        entry[long] = 0
        np.right_shift(entry, _LENGTH_BITS, out=out)
        at += entry & (1 << _LENGTH_BITS) - 1
        out[long], lengths = _long_codes(padded, rows[long] >> _WINDOW, at[long])
        at[long] += lengths
    else:
        np.right_shift(entry, _LENGTH_BITS, out=out)
        at += entry & (1 << _LENGTH_BITS) - 1


def _long_codes(padded: Octets, k: Ints, at: Ints) -> tuple[Steps, Ints]:
    """Residuals and lengths of codes of up to 40 bits."""
    octets = padded[(at >> 3)[:, None] + np.arange(6)].astype(np.int64)
    bits = (octets << np.arange(40, -8, -8)).sum(axis=1)
    left = 48 - (at & 7)
    from_here = bits & (1 << left) - 1
    ones = _leading_ones()[from_here >> (left - _WINDOW)]
    more = _leading_ones()[from_here >> (left - 2 * _WINDOW) & 0xFFFF]
    ones = np.where(ones == _WINDOW, _WINDOW + more, ones)
    most = _TAIL + _MOST_BITS - _TAIL_ORDER - k
    lengths, zigzag = _read_codes(from_here, left, np.minimum(ones, most), k)
    return np.where(ones > most, _NO_RESIDUAL, _unfold(zigzag)).astype(np.int32), lengths


class _Predictor:
    """Turns residuals into values, for series of one to three orders at once.

    Sums of 32 bits wrap only after a value beyond 16 bits has been stored, which is found later.
    """

    def __init__(self, orders: Steps, base: Steps) -> None:
        self._has_zero = bool((orders == 0).any())
        self._has_two = bool((orders == 2).any())
        self._base = np.where(orders == 0, base, 0)
        self._from_one = np.minimum(orders, 2)
        self._from_two = (orders == 2).astype(np.int32)

    def add(self, row: Steps, one: Steps, two: Steps) -> None:
        """Add the prediction from the last value and the one before it to the residuals in `row`."""
        live = len(row)
        if not self._has_zero and not self._has_two:
            row += one
            return
        row += self._from_one[:live] * one
        if self._has_zero:
            row += self._base[:live]
        if self._has_two:
            row -= self._from_two[:live] * two


def _beyond_16_bits(values: Steps) -> Flags:
    if values.size == 0 or (values.max() <= 32767 and values.min() >= -32768):
        return np.zeros(values.shape[1], np.bool_)
    return np.asarray((values != values.astype(np.int16)).any(axis=0))


def _wrong_end(padded: Octets, at: Ints, ends: Ints) -> Flags:
    """Whether bits are missing or left, or one-bits stand in the padding."""
    left = ends * 8 - at
    last = padded[ends - 1].astype(np.int64)
    return np.asarray((left < 0) | (left > 7) | (last & (1 << np.clip(left, 0, 7)) - 1 != 0))
