"""A small deterministic mutator in the subset that MicroPython runs: one number, one mutated input."""

_INTERESTING = (0, 1, 2, 7, 0x17, 0x18, 0x1F, 0x20, 0x40, 0x5F, 0x7F, 0x80, 0x9B, 0x9F, 0xBF, 0xDF, 0xF6, 0xFE, 0xFF)
_WIDE = (
    0,
    1,
    255,
    256,
    4095,
    4096,
    65535,
    65536,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFE,
    0xFFFFFFFF,
    1 << 50,
    (1 << 63) - 1,
)
_WIDE += ((1 << 64) - 1,)
# CBOR heads that nest, claim much, or have no use here: lists, maps, indefinite ones, tags, floats, huge counts.
_HEADS = (
    b"\x81",
    b"\xa1\x61a",
    b"\x9f",
    b"\xbf",
    b"\x5f",
    b"\xc0",
    b"\xd8\x1c",
    b"\xd8\x1d\x00",
    b"\xd8\x23",
    b"\xfb" + bytes(8),
    b"\xf9\x7e\x00",
    b"\x9a\xff\xff\xff\xff",
    b"\xba\xff\xff\xff\xff",
    b"\x5b\x7f" + b"\xff" * 7,
    b"\x1b" + b"\xff" * 8,
    b"\x7f\x61\x1b\xff",
    b"\x64\x1b[2J",
    b"\x63\xe2\x80\xae",
    b"\xc4\x82\x1a\x7f\xff\xff\xff\x01",
)


class Random:
    """A linear congruential generator: the same numbers on both runtimes, without big integers."""

    def __init__(self, seed: int) -> None:
        self._state = (seed ^ 0x2545F491) & 0x3FFFFFFF

    def below(self, bound: int) -> int:
        """A number from 0 to bound - 1."""
        self._state = (self._state * 1103515 + 12345) & 0x3FFFFFFF
        high = self._state >> 8
        return (high * 64 + (self._state >> 2 & 63)) % bound if bound > 1 else 0


def mutate(seeds: "list[bytes]", number: int, most: int) -> bytes:
    """The mutation `number` of one of the seeds, at most `most` bytes long."""
    random = Random(number)
    data = bytearray(seeds[random.below(len(seeds))])
    for _ in range(1 + random.below(4)):
        data = bytearray(_STEPS[random.below(len(_STEPS))](data, seeds, random))[:most]
    return bytes(data)


def _place(data: bytearray, random: Random) -> int:
    return random.below(len(data) + 1)


def _flip(data: bytearray, seeds: "list[bytes]", random: Random) -> bytearray:
    for _ in range(1 + random.below(3)):
        if data:
            data[random.below(len(data))] ^= 1 << random.below(8)
    return data


def _set(data: bytearray, seeds: "list[bytes]", random: Random) -> bytearray:
    if data:
        data[random.below(len(data))] = _INTERESTING[random.below(len(_INTERESTING))]
    return data


def _number(data: bytearray, seeds: "list[bytes]", random: Random) -> bytearray:
    # Written over what is there: a length, a count, a slot, a tick.
    width = (2, 4, 8)[random.below(3)]
    value = _WIDE[random.below(len(_WIDE))] & ((1 << 8 * width) - 1)
    at = _place(data, random)
    return data[:at] + value.to_bytes(width, "little" if random.below(2) else "big") + data[at + width :]


def _cut(data: bytearray, seeds: "list[bytes]", random: Random) -> bytearray:
    at = _place(data, random)
    return data[:at] + data[at + (1 + random.below(16) if random.below(3) else len(data)) :]


def _insert(data: bytearray, seeds: "list[bytes]", random: Random) -> bytearray:
    at = _place(data, random)
    return data[:at] + bytes([random.below(256) for _ in range(1 + random.below(8))]) + data[at:]


def _splice(data: bytearray, seeds: "list[bytes]", random: Random) -> bytearray:
    other = seeds[random.below(len(seeds))]
    start, at = random.below(len(other) + 1), _place(data, random)
    return data[:at] + other[start : start + 1 + random.below(64)] + data[at + random.below(2) * 32 :]


def _repeat(data: bytearray, seeds: "list[bytes]", random: Random) -> bytearray:
    at = _place(data, random)
    # MicroPython cannot repeat a bytearray.
    piece = bytes(data[at : at + 1 + random.below(64)])
    return data[:at] + piece * (2 + random.below(20)) + data[at:]


def _nest(data: bytearray, seeds: "list[bytes]", random: Random) -> bytearray:
    at = _place(data, random)
    return data[:at] + _HEADS[random.below(len(_HEADS))] * (1 + random.below(12)) + data[at:]


_STEPS = (_flip, _set, _number, _number, _cut, _insert, _splice, _repeat, _nest)
