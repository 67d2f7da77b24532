"""Packed series (section 4), bit by bit and slow."""

import struct

READINGS_BLOCK = 128
WAVE_BLOCK = 16
ALL_ZERO = 15


def zigzag(residual: int) -> int:
    return 2 * residual if residual >= 0 else -2 * residual - 1


def value_bits(z: int, k: int) -> str:
    """The bits of one residual."""
    if z < 5 * 2**k:
        return "1" * (z >> k) + "0" + (f"{z % 2**k:0{k}b}" if k else "")
    w = z - 5 * 2**k
    j = max(j for j in range(19) if 2 ** (k + 2) * (2**j - 1) <= w)
    return tail_bits(j, k, w - 2 ** (k + 2) * (2**j - 1))


def tail_bits(j: int, k: int, rest: int) -> str:
    """A code of the Exp-Golomb kind from its parts."""
    return "1" * (5 + j) + "0" + f"{rest:0{k + 2 + j}b}"


def block_bits(order: int, k: int, zs: list[int]) -> str:
    """One block: its head and its residuals."""
    return f"{order:02b}{k:04b}" + ("" if k == ALL_ZERO else "".join(value_bits(z, k) for z in zs))


def residuals(values: list[int], base: int, order: int, first: int, end: int) -> list[int]:
    """z of the values first to end-1 when all values before are known."""
    padded = [base, base, *values]
    predictions = {
        0: lambda i: base,
        1: lambda i: padded[i + 1],
        2: lambda i: 2 * padded[i + 1] - padded[i],
    }
    return [zigzag(values[i] - predictions[order](i)) for i in range(first, end)]


def best_block(values: list[int], base: int, first: int, end: int) -> str:
    """The fewest bits; among equals the lowest order, then the lowest k."""
    found = []
    for order in range(3):
        zs = residuals(values, base, order, first, end)
        ks = [ALL_ZERO] if not any(zs) else range(ALL_ZERO)
        found.extend((len(block_bits(order, k, zs)), order, k, zs) for k in ks)
    _, order, k, zs = min(found)
    return block_bits(order, k, zs)


def to_bytes(base: int, bits: str) -> bytes:
    """Base and bit stream, with zero-bits to the byte's end."""
    bits += "0" * (-len(bits) % 8)
    return struct.pack("<h", base) + bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def encode(values: list[int], base: int, block: int) -> bytes:
    """The one right encoding of a series."""
    starts = range(0, len(values), block)
    return to_bytes(base, "".join(best_block(values, base, s, min(s + block, len(values))) for s in starts))


def readings(values: list[int]) -> bytes:
    return encode(values, values[0], READINGS_BLOCK)


def wave(values: list[int]) -> bytes:
    return encode(values, sum(values) // len(values), WAVE_BLOCK)
