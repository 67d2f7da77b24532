"""The bench's own maths against values worked out by hand; no figure is judged here."""

from math import log2
from pathlib import Path

import numpy as np
import pytest
from pyulog import ULog

from tests.bench import packing, peers, ulog_file, waves
from tests.bench.figures import Figure, at_least, at_most, median, number


def test_entropy_of_equally_frequent_residuals():
    assert packing.zero_order_entropy([0, 1, 2, 3] * 5) == pytest.approx(2.0)


def test_entropy_of_a_rare_residual():
    expected = -(0.9 * log2(0.9) + 0.1 * log2(0.1))
    assert packing.zero_order_entropy([0] * 90 + [1] * 10) == pytest.approx(expected)


def test_lowest_entropy_finds_the_predictor():
    # A parabola's second differences are all alike.
    assert packing.lowest_entropy([i * i for i in range(50)]) == 0


def test_packed_bits_count_base_and_padding_apart():
    # Constant groups take a block's header of 6 bits; with the base of 16 bits that is 3 bytes.
    assert packing.packed_bits([7] * 240) == (12, 2 * 24)


def test_lec():
    # 16 for the first value; +1: size 1 in 3 bits and 1 bit; 0: 2 bits; -5: size 3 in 3 bits and 3 bits.
    assert peers.lec_bits([10, 11, 11, 6]) == 16 + 4 + 2 + 6


def test_bit_packing_takes_the_better_order():
    # A ramp's differences are 3 but for the first; its second differences are 0, 3 and 0: both need 3 bits.
    assert peers.bit_pack_bits([3 * i for i in range(16)]) == 8 + 16 * 3


@pytest.mark.parametrize(
    ("step", "bits"), [(0, 1), (64, 9), (-63, 9), (65, 12), (-64, 12), (256, 12), (2048, 16), (2049, 36)]
)
def test_gorilla_ranges(step: int, bits: int):
    assert peers.gorilla_bits([0, 0, step]) == 32 + bits


def test_median_of_even_and_odd_counts():
    assert (median([3, 1, 2]), median([4, 1, 2, 3])) == (2, 2.5)


def test_verdicts():
    assert Figure("a", 1.2, "x", "", target=at_most(1.15)).verdict == "MISS"
    assert Figure("a", 25e6, "1/s", "", target=at_least(20e6)).verdict == "pass"
    assert Figure("a", None, "B", "why", target=at_most(1)).verdict == "not available"
    assert Figure("a", 3.0, "B", "", "peer", 6.0).ratio == 0.5


@pytest.mark.parametrize(
    ("value", "text"), [(0.5699, "0.570"), (1.0306, "1.03"), (0.002926, "0.00293"), (117088, "117,088"), (None, "-")]
)
def test_numbers_for_people(value: float | None, text: str):
    assert number(value) == text


def test_ulog_file_is_one(tmp_path: Path):
    ulog_file.write_ulog(tmp_path / "a.ulg", 10)
    topic = ULog(str(tmp_path / "a.ulg")).data_list[0]
    assert topic.name == "sample"
    assert topic.data["timestamp"].tolist() == [1000 * i for i in range(10)]
    assert len(topic.data) == ulog_file.VALUES_A_MESSAGE


def test_drop_rests_before_and_after():
    window = waves.drop(np.random.default_rng(1))
    assert window.shape == (waves.WINDOW, 3)
    assert abs(window[: waves.PRE - 1].mean()) < 2
    assert abs(window).max() > 10_000 / 49


def test_wave_bytes_of_silence():
    # Three axes in frames of at most 240 samples: 12 bytes each and a block's header for every 16 samples.
    (size,) = waves.wave_bytes([np.zeros((waves.WINDOW, 3), np.int64)])
    assert 3 * (3 * 12 + 32 * 6 / 8) / waves.WINDOW <= size < 0.4
