"""How near the packed readings come to the entropy of their series, beside other codecs on the same values."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2

import tests.bench.paths  # noqa: F401  makes the firmware importable
from celltrail_protocol import series
from logger.recorder import PACK_SLOTS
from tests.bench import named_series
from tests.bench.figures import Figure, at_most, median
from tests.bench.peers import bit_pack_bits, differences, gorilla_bits, lec_bits

_BASE_BITS = 16


def zero_order_entropy(residuals: Sequence[int]) -> float:
    """Bits a value that a static code of these residuals needs at least (Shannon)."""
    count = len(residuals)
    return -sum(times / count * log2(times / count) for times in Counter(residuals).values())


def lowest_entropy(values: Sequence[int]) -> float:
    """The lowest zero-order entropy among the predictors 0 to 2 of the whole series, bits a value."""
    first = differences(values)
    return min(zero_order_entropy(residuals) for residuals in (values, first, differences(first)))


def packed_bits(values: Sequence[int], group: int = PACK_SLOTS) -> tuple[int, int]:
    """Bits of the blocks (their headers included), and of the whole series with base and padding."""
    blocks = whole = 0
    for at in range(0, len(values), group):
        run = values[at : at + group]
        bits = series.bits(run, run[0], series.BLOCK_READINGS)
        blocks += bits
        whole += _BASE_BITS + (bits + 7) // 8 * 8
    return blocks, whole


@dataclass(frozen=True)
class Packed:
    """One series: bits a value of the entropy, of our blocks, of our whole series, and of the peers."""

    name: str
    entropy: float
    blocks: float
    whole: float
    lec: float
    bit_pack: float
    gorilla: float

    def ratio(self, column: str) -> float:
        """Bits over the entropy."""
        return float(getattr(self, column)) / self.entropy


def _pack(name: str, values: Sequence[int]) -> Packed:
    count = len(values)
    blocks, whole = packed_bits(values)
    peers = [coder(values) / count for coder in (lec_bits, bit_pack_bits, gorilla_bits)]
    return Packed(name, lowest_entropy(values), blocks / count, whole / count, *peers)


def pack_all(named: Iterable[tuple[str, Sequence[int]]]) -> list[Packed]:
    """Every series packed in groups as the firmware packs them."""
    return [_pack(name, values) for name, values in named]


def _worst(rows: Sequence[Packed], column: str) -> Packed:
    return max(rows, key=lambda row: row.ratio(column))


def _told(rows: Sequence[Packed], column: str) -> str:
    worst = _worst(rows, column)
    return f"{worst.name} {worst.ratio(column):.2f}"


def measure() -> tuple[list[Figure], list[Packed]]:
    """The figures, and the rows behind them."""
    ours = pack_all([*named_series.made(), *named_series.scenarios()])
    real = pack_all(named_series.containers())
    return [*_figures(ours, real), *_with_base(ours + real)], ours + real


def _figures(ours: Sequence[Packed], real: Sequence[Packed]) -> list[Figure]:
    rows = [*ours, *real]
    box = next(row for row in rows if row.name == named_series.QUIET_BOX)
    on_box = [f"{box.ratio(column):.2f}" for column in ("bit_pack", "lec", "gorilla")]
    peers = "bit-packing (quiet box {}; LEC {}, Gorilla {})".format(*on_box)
    how = (
        f"blocks with their headers, groups of {PACK_SLOTS}, base and padding not counted; {len(ours)} made series of "
        f"{named_series.SAMPLES:,} and {len(real) or 'no'} containers (their data {'is' if real else 'is not'} here)"
    )
    told = f"the same: made series {_told(ours, 'blocks')}" + (f"; containers {_told(real, 'blocks')}" if real else "")
    middle, peer_middle = (median([row.ratio(column) for row in rows]) for column in ("blocks", "bit_pack"))
    worst, peer_worst = (_worst(rows, column).ratio(column) for column in ("blocks", "bit_pack"))
    return [
        Figure("packed_vs_entropy_median", middle, "x", how, peers, peer_middle, at_most(1.15)),
        Figure("packed_vs_entropy_worst", worst, "x", told, peers, peer_worst, at_most(1.3)),
    ]


def _with_base(rows: Sequence[Packed]) -> list[Figure]:
    middle = median([row.ratio("whole") for row in rows])
    worst = _worst(rows, "whole").ratio("whole")
    how = "the same with the base (16 bits a group) and the padding"
    return [
        Figure("packed_with_base_vs_entropy_median", middle, "x", how),
        Figure("packed_with_base_vs_entropy_worst", worst, "x", f"{how}: {_told(rows, 'whole')}"),
    ]
