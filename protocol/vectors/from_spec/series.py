"""Packed series: canonical, legal but wasteful, and broken ones (section 4)."""

from collections.abc import Iterator

from from_spec.rice import (
    READINGS_BLOCK,
    WAVE_BLOCK,
    block_bits,
    encode,
    residuals,
    tail_bits,
    to_bytes,
    value_bits,
    zigzag,
)
from from_spec.wire import WITH_NUMPY, Vector, vector


def noise(count: int, width: int, start: int = 12345) -> list[int]:
    """Numbers of -width..width that look random and are the same everywhere (a linear congruence)."""
    found, state = [], start
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        found.append((state >> 12) % (2 * width + 1) - width)
    return found


def drift(count: int) -> list[int]:
    """A sealed box: slow drift and a bit of noise."""
    return [640 - i // 11 + n for i, n in enumerate(noise(count, 1))]


def compressor(count: int) -> list[int]:
    """A fridge: parabolas, which order 2 takes best."""
    return [500 + (i % 40 - 20) ** 2 for i in range(count)]


SHAPES: dict[str, list[int]] = {
    "one-value": [517],
    "one-value-min": [-32768],
    "one-value-max": [32767],
    "two-values": [-1, 0],
    "constant-127": [100] * 127,
    "constant-128": [100] * 128,
    "constant-129": [-100] * 129,
    "constant-255": [0] * 255,
    "ramp": list(range(-60, 60)),
    "ramp-steep": list(range(-32768, 32767, 521))[:120],
    "parabola": [i * i for i in range(100)],
    "drift-120": drift(120),
    "drift-255": drift(255),
    "compressor-160": compressor(160),
    "noise-small-40": noise(40, 2),
    "noise-wide-100": noise(100, 900),
    "noise-full-80": noise(80, 32767),
    "swing-extremes": [-32768, 32767] * 20,
    "swing-slow": ([-32768] * 3 + [32767] * 3) * 6,
    "one-spike": [5] * 60 + [32767] + [5] * 59,
    "two-spikes": [0] * 30 + [-32768] + [0] * 30 + [32767] + [0] * 30,
    "step": [-200] * 50 + [300] * 50,
    "last-block-of-one": [7] * 128 + [9],
    "last-small-block-of-one": [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, -2],
    "calm-then-noise": [12] * 128 + noise(127, 400),
    "ringing": [round(2000 * (-0.86) ** i) for i in range(64)],
}

# Series on which several choices take the same number of bits.
TIES: dict[str, tuple[int, list[int]]] = {
    "tie-order-0-1": (0, [0, 0, 0, 0, 0]),
    "tie-all-orders": (-7, [-7]),
    "tie-order-1-2": (10, [11, 12, 13]),
    "tie-k-0-1": (0, [1, 0]),
    "tie-k-1-2": (0, [2, -2]),
    "tie-order-before-k": (0, [0, 1]),
}

# With k = 0 the tail begins at z = 5; its first class (j = 0) ends at z = 8, its second at z = 16.
TAILS: dict[str, tuple[int, list[int]]] = {
    "z-4": (0, [0] * 40 + [2] + [0] * 40),
    "z-5": (0, [0] * 40 + [-3] + [0] * 40),
    "z-8": (0, [0] * 40 + [4] + [0] * 40),
    "z-9": (0, [0] * 40 + [-5] + [0] * 40),
    "z-16": (0, [0] * 40 + [8] + [0] * 40),
    "z-17": (0, [0] * 40 + [-9] + [0] * 40),
    "largest-residual-order-0": (-32768, [32767]),
    "smallest-residual-order-0": (32767, [-32768]),
    "base-far-away": (-32768, [32767] * 100),
    "base-not-a-value": (3, [1, 2, 5, 4]),
}


def series(name: str, values: list[int], base: int, block: int) -> Vector:
    data = encode(values, base, block)
    return vector(name, WITH_NUMPY, data, block=block, base=base, count=len(values), values=values, canonical=True)


def canonical() -> Iterator[Vector]:
    for name, values in SHAPES.items():
        yield series(f"{name}-128", values, values[0], READINGS_BLOCK)
        yield series(f"{name}-16", values, sum(values) // len(values), WAVE_BLOCK)
    for name, (base, values) in (TIES | TAILS).items():
        yield series(f"{name}-128", values, base, READINGS_BLOCK)
        yield series(f"{name}-16", values, base, WAVE_BLOCK)


def every_k() -> Iterator[Vector]:
    """A block for each k from 0 to 14."""
    for k in range(15):
        values = [0] + [(1 if i % 2 else -1) * ((1 << k) - (i % 3 if k > 2 else 0)) for i in range(24)]
        yield series(f"about-k-{k}", values, 0, READINGS_BLOCK)


def by_hand(name: str, base: int, bits: str, values: list[int], block: int = 128) -> Vector:
    """A legal stream that the encoder would not write."""
    data = to_bytes(base, bits)
    return vector(name, WITH_NUMPY, data, block=block, base=base, count=len(values), values=values, canonical=False)


def wasteful() -> Iterator[Vector]:
    yield by_hand("wasteful-k", 5, block_bits(0, 9, [2, 1, 0]), [6, 4, 5])
    yield by_hand("wasteful-order", 5, block_bits(2, 0, [0, 0, 0]), [5, 5, 5])
    yield by_hand("wasteful-k-0-of-zeros", -9, block_bits(0, 0, [0] * 10), [-9] * 10)
    yield by_hand("tail-from-its-first", 0, "000000" + tail_bits(0, 0, 0) + "0", [-3, 0])
    yield by_hand("tail-in-k-14", -32768, "001110" + tail_bits(0, 14, 0), [8192])
    yield by_hand("order-1-zeros", 44, block_bits(1, 15, []), [44] * 16, 16)
    line = block_bits(1, 0, [2] * 16) + block_bits(2, 15, [])
    yield by_hand("order-2-line", 0, line, list(range(1, 24)), 16)
    parts = block_bits(1, 1, [zigzag(1)] * 16) + block_bits(2, 15, []) + block_bits(0, 4, [zigzag(7)])
    yield by_hand("each-order-16", 0, parts, [*range(1, 33), 7], 16)
    extremes = [32767, -32768] * 8
    swing = block_bits(2, 14, residuals(extremes, 0, 2, 0, 16))
    yield by_hand("order-2-largest-residuals", 0, swing, extremes, 16)
    top = block_bits(0, 0, []) + value_bits(zigzag(65535), 0) + value_bits(zigzag(0), 0)
    yield by_hand("tail-to-the-top", -32768, top, [32767, -32768])


def valid() -> Iterator[Vector]:
    yield from canonical()
    yield from every_k()
    yield from wasteful()


def broken(name: str, data: bytes, count: int, error: str, block: int = 128) -> Vector:
    return vector(name, WITH_NUMPY, data, block=block, count=count, error=error)


def sizes() -> Iterator[Vector]:
    good = encode([640, 641, 641, 640, 655], 640, 128)
    yield broken("empty", b"", 1, "no base")
    yield broken("half-base", good[:1], 1, "half a base")
    yield broken("base-only", good[:2], 5, "no block behind the base")
    yield broken("truncated", good[:-1], 5, "the bits end within a value")
    yield broken("leftover-zero-byte", good + b"\x00", 5, "a byte after the last value")
    yield broken("leftover-ff-byte", good + b"\xff", 5, "a byte after the last value")
    yield broken("padding-last-bit", good[:-1] + bytes([good[-1] | 1]), 5, "a one-bit in the padding")
    yield broken("padding-first-bit", to_bytes(0, "001111" + "10"), 3, "a one-bit in the padding")
    yield broken("count-smaller", good, 4, "four values are asked for, five are there")
    yield broken("count-larger", good, 20, "twenty values are asked for, five are there")
    two = encode([1] * 128 + [2], 1, 128)
    yield broken("second-block-missing", to_bytes(1, block_bits(0, 15, [])), 129, "the second block is missing")
    yield broken("second-block-unasked", two, 128, "a second block follows a full first one")
    yield broken("wrong-block-size", encode([9] * 20, 9, 16), 20, "written in blocks of 16, read in blocks of 128")
    yield broken("tail-cut", to_bytes(0, "000000" + "1" * 16 + "0" * 2), 1, "13 bits belong behind these")
    yield broken("ones-without-end", to_bytes(0, "000000" + "1" * 10), 1, "the one-bits meet the end")


def contents() -> Iterator[Vector]:
    yield broken("order-3", to_bytes(0, "110000" + "0"), 1, "order 3 is reserved")
    yield broken("order-3-of-zeros", to_bytes(0, "111111"), 1, "order 3 is reserved, with k 15 too")
    later = block_bits(0, 15, []) + "110001" + "00"
    yield broken("order-3-later", to_bytes(0, later), 17, "order 3 in the second block", 16)
    for name, base, residual in (("above", 32767, 1), ("below", -32768, -1), ("far-above", 0, 32768)):
        data = to_bytes(base, block_bits(0, 14, [zigzag(residual)]))
        yield broken(f"value-{name}", data, 1, f"{base} + {residual} is beyond 16 bits")
    largest = to_bytes(32767, "000000" + tail_bits(16, 0, 2**18 - 1))
    yield broken("value-largest-tail", largest, 1, "the largest code is far beyond 16 bits")
    for k in (0, 9, 14):
        long = to_bytes(0, f"00{k:04b}" + "1" * (22 - k) + "0" + "0" * 19)
        yield broken(f"tail-too-long-k-{k}", long, 1, "k + 2 + j is 19")
    for name, jump, end in (("out", 32767, 65534), ("below", -32768, -65536)):
        line = block_bits(1, 14, [0] * 15 + [zigzag(jump)]) + block_bits(2, 15, [])
        yield broken(f"value-line-runs-{name}", to_bytes(0, line), 17, f"order 2 goes on to {end}", 16)
    back = block_bits(1, 14, [zigzag(32767), zigzag(1), zigzag(-1)])
    yield broken("value-out-and-back", to_bytes(0, back), 3, "the second value is 32768, the third fits again")


def invalid() -> Iterator[Vector]:
    yield from sizes()
    yield from contents()
