"""Packed series of 16-bit integers: predictors 0, 1, 2, Rice codes with a tail, by block (SPEC.md section 4).

Bits go into a byte buffer through an accumulator that stays below 2**30, so nothing allocates a big integer on a
32-bit board.
"""

from celltrail_protocol.layout import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from celltrail_protocol.layout import Buffer

BLOCK_READINGS = 128
BLOCK_WAVE = 16
_HEADER_BITS = 6
_ALL_ZERO = 15
# From this many one-bits on a code is of the Exp-Golomb kind, whose order is k and this much more.
_TAIL = 5
_TAIL_ORDER = 2
_MOST_BITS = 18


def _zigzags(values: "Sequence[int]", first: int, last: int, base: int, order: int, out: "list[int]") -> int:
    """Fill `out` with the zigzag residuals of values[first:last]; their largest."""
    one = values[first - 1] if first > 0 else base
    two = values[first - 2] if first > 1 else base
    largest = 0
    for i in range(first, last):
        value = values[i]
        residual = value - (base if order == 0 else one if order == 1 else 2 * one - two)
        z = 2 * residual if residual >= 0 else -2 * residual - 1
        out[i - first] = z
        largest = max(largest, z)
        two = one
        one = value
    return largest


def _doublings(w: int, order: int) -> int:
    """The largest j with 2**order * (2**j - 1) <= w."""
    j = 0
    while (2 << j) - 1 << order <= w:
        j += 1
    return j


def _best_k(zigzags: "list[int]", count: int, largest: int, limit: int) -> "tuple[int, int]":
    """The Rice parameter with the fewest bits (the lowest among equals) and its bits; gives up above `limit`."""
    if largest == 0:
        return _ALL_ZERO, 0
    best_k, best = 0, limit + 1
    for k in range(_ALL_ZERO):
        bits = (k + 1) * count
        if bits >= best:
            break
        for i in range(count):
            q = zigzags[i] >> k
            if q >= _TAIL:
                q = _TAIL + _TAIL_ORDER + 2 * _doublings(zigzags[i] - (_TAIL << k), k + _TAIL_ORDER)
            bits += q
        if bits < best:
            best_k, best = k, bits
        # From here on a larger k only adds low bits.
        if largest >> k == 0:
            break
    return best_k, best


def _choose(
    values: "Sequence[int]", first: int, last: int, base: int, room: "list[list[int]]"
) -> "tuple[int, int, int]":
    """The order and k of the cheapest code of one block, and its bits without the block's header."""
    count = last - first
    best = (0, 0, 1 << 28)
    for order in range(3):
        largest = _zigzags(values, first, last, base, order, room[0])
        k, bits = _best_k(room[0], count, largest, best[2])
        if bits < best[2]:
            best = (order, k, bits)
            room[0], room[1] = room[1], room[0]
    return best


def bits(values: "Sequence[int]", base: int, block: int) -> int:
    """The bits that the blocks of a series take, without its base and its padding."""
    room = [[0] * block, [0] * block]
    total = 0
    for first in range(0, len(values), block):
        total += _HEADER_BITS + _choose(values, first, min(first + block, len(values)), base, room)[2]
    return total


class _Writer:
    """Bits, most significant first."""

    def __init__(self) -> None:
        self.out = bytearray()
        self._held = 0
        self._count = 0

    def put(self, value: int, width: int) -> None:
        """Append the low `width` (at most 20) bits of `value`."""
        held = self._held << width | value
        count = self._count + width
        while count >= 8:
            count -= 8
            self.out.append(held >> count & 0xFF)
        self._held = held & ((1 << count) - 1)
        self._count = count

    def finish(self) -> bytearray:
        """Pad with zero-bits to the byte's end."""
        if self._count:
            self.put(0, 8 - self._count)
        return self.out


def _put_block(writer: _Writer, zigzags: "list[int]", count: int, order: int, k: int) -> None:
    writer.put(order << 4 | k, _HEADER_BITS)
    if k == _ALL_ZERO:
        return
    low = (1 << k) - 1
    for i in range(count):
        z = zigzags[i]
        q = z >> k
        if q < _TAIL:
            writer.put((1 << q) - 1, q)
            writer.put(z & low, k + 1)
        else:
            w = z - (_TAIL << k)
            j = _doublings(w, k + _TAIL_ORDER)
            writer.put((1 << _TAIL) - 1, _TAIL)
            writer.put((1 << j) - 1, j)
            writer.put(w - ((1 << j) - 1 << k + _TAIL_ORDER), 1 + k + _TAIL_ORDER + j)


def check_values(values: "Sequence[int]", base: int) -> None:
    """Raise ProtocolError when a value does not fit 16 bits."""
    if not -32768 <= base <= 32767:
        raise ProtocolError("series: base %d does not fit 16 bits" % base)
    for value in values:
        if not -32768 <= value <= 32767:
            raise ProtocolError("series: value %d does not fit 16 bits" % value)


def encode(values: "Sequence[int]", base: int, block: int) -> bytes:
    """The base (2 bytes) and the bit stream of at least one value; raises ProtocolError."""
    if not len(values):
        raise ProtocolError("series: no values")
    check_values(values, base)
    writer = _Writer()
    writer.put(base & 0xFF, 8)
    writer.put(base >> 8 & 0xFF, 8)
    room = [[0] * block, [0] * block]
    for first in range(0, len(values), block):
        last = min(first + block, len(values))
        order, k, _ = _choose(values, first, last, base, room)
        _put_block(writer, room[1], last - first, order, k)
    return bytes(writer.finish())


def wave_base(values: "Sequence[int]") -> int:
    """The base of a wave: the mean, rounded down."""
    return sum(values) // len(values)


class _Reader:
    """Bits, most significant first; raises ProtocolError past the end."""

    def __init__(self, data: "Buffer") -> None:
        self._data = data
        self.at = 16

    def take(self, width: int) -> int:
        """The next `width` bits as an integer."""
        value = 0
        at = self.at
        if at + width > 8 * len(self._data):
            raise ProtocolError("series: the bits end too early")
        for _ in range(width):
            value = value << 1 | self._data[at >> 3] >> (7 - (at & 7)) & 1
            at += 1
        self.at = at
        return value

    def code(self, k: int) -> int:
        """The next residual in zigzag form."""
        ones = 0
        while self.take(1):
            ones += 1
        if ones < _TAIL:
            return ones << k | self.take(k)
        j = ones - _TAIL
        if k + _TAIL_ORDER + j > _MOST_BITS:
            raise ProtocolError("series: a code of more than %d bits" % _MOST_BITS)
        return (_TAIL << k) + ((1 << j) - 1 << k + _TAIL_ORDER) + self.take(k + _TAIL_ORDER + j)

    def finish(self) -> None:
        """Check that only padding follows."""
        left = 8 * len(self._data) - self.at
        if left > 7 or self.take(left):
            raise ProtocolError("series: bits after the last value")


def decode(data: "Buffer", count: int, block: int) -> "list[int]":
    """The `count` values of a packed series; raises ProtocolError on what section 4 does not allow."""
    if len(data) < 2:
        raise ProtocolError("series: the bits end too early")
    base = data[0] | data[1] << 8
    if base >= 32768:
        base -= 65536
    reader = _Reader(data)
    values: "list[int]" = []
    one = two = base
    while len(values) < count:
        order = reader.take(2)
        k = reader.take(4)
        if order == 3:
            raise ProtocolError("series: order 3 is reserved")
        for _ in range(min(block, count - len(values))):
            z = 0 if k == _ALL_ZERO else reader.code(k)
            value = (base if order == 0 else one if order == 1 else 2 * one - two) + (z >> 1 ^ -(z & 1))
            if not -32768 <= value <= 32767:
                raise ProtocolError("series: a value beyond 16 bits")
            values.append(value)
            two = one
            one = value
    reader.finish()
    return values
