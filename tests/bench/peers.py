"""Bit counts of other codecs for slow sensor series, written small from their publications."""

from collections.abc import Sequence

# Prefix code lengths by the number of bits of the difference: Marcelloni and Vecchio 2009, table 1 (LEC).
_LEC_PREFIX = (2, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)
_LEC_FIRST_BITS = 16
_PACK_GROUP = 16
_PACK_HEADER_BITS = 8
# Pelkonen et al. 2015, section 4.1.1 (Gorilla): a difference of differences up to this size takes so many bits in all.
_GORILLA = ((0, 1), (63, 9), (255, 12), (2047, 16))
_GORILLA_LONG_BITS = 36


def differences(values: Sequence[int]) -> list[int]:
    """Each value less the one before; one fewer than the values."""
    return [after - before for before, after in zip(values, values[1:], strict=False)]


def zigzag(residual: int) -> int:
    """0, -1, 1, -2, ... as 0, 1, 2, 3, ..."""
    return 2 * residual if residual >= 0 else -2 * residual - 1


def lec_bits(values: Sequence[int]) -> int:
    """LEC: the size of each difference in a prefix code, then its bits; the first value stands as it is."""
    sizes = [abs(step).bit_length() for step in differences(values)]
    return _LEC_FIRST_BITS + sum(_LEC_PREFIX[size] + size for size in sizes)


def bit_pack_bits(values: Sequence[int]) -> int:
    """Groups of 16 residuals of order 1 or 2, as wide as the widest, and a header of 8 bits for each group."""
    first = [0, *differences(values)]
    second = [0, *differences(first)]
    total = 0
    for at in range(0, len(values), _PACK_GROUP):
        groups = (first[at : at + _PACK_GROUP], second[at : at + _PACK_GROUP])
        widths = [max(zigzag(residual) for residual in group).bit_length() for group in groups]
        total += _PACK_HEADER_BITS + min(widths) * len(groups[0])
    return total


def gorilla_bits(values: Sequence[int]) -> int:
    """Gorilla's code for time stamps, on the differences of differences of the values."""
    second = differences(differences(values))
    return 2 * _LEC_FIRST_BITS + sum(_gorilla_code(step) for step in second)


def _gorilla_code(step: int) -> int:
    # The ranges are [-63, 64], [-255, 256], [-2047, 2048].
    for bound, bits in _GORILLA:
        if -bound <= step <= bound + (bound > 0):
            return bits
    return _GORILLA_LONG_BITS
