"""Mean kinetic temperature against values computed with 40 digits; figures that are facts stand here as well."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from celltrail.evaluate.mkt import highest_mkt, mkt, mkt_trapezoid
from tests.host.evaluating import GOLDEN

# degC, weights, MKT.
KNOWN = {
    "constant": ([5, 5, 5, 5], None, 5.0),
    "two_20_30": ([20, 30], None, 26.25988692),
    "two_2_8": ([2, 8], None, 5.536424509),
    "excursion_23h5_1h25": ([5, 25], [23, 1], 7.756421962),
    "excursion_20h5_4h15": ([5, 15], [20, 4], 7.704627732),
    "crt_month_29d22_1d40": ([22, 40], [29, 1], 23.59958309),
    "opencode_4_4_4_4_16": ([4, 4, 4, 4, 16], None, 8.108857215),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_values(name):
    celsius, weights, expected = KNOWN[name]
    made = mkt(np.array(celsius, float), None if weights is None else np.array(weights, float))
    assert made == pytest.approx(expected, abs=1e-6)


def test_unequal_times():
    made = mkt_trapezoid(np.array([0.0, 1, 3, 4]), np.array([5.0, 8, 12, 5]))
    # Computed with R = 8.3144621; ours differs in the fourth decimal.
    assert made == pytest.approx(9.198437286, abs=0.001)


def test_the_golden_file_says_the_same():
    path = GOLDEN / "mkt_golden.json"
    if not path.exists():
        pytest.skip("needs ../shared/data/golden")
    golden = json.loads(path.read_text())
    for name in KNOWN:
        one = golden[name]
        weights = one.get("w_h") or one.get("w_d")
        made = mkt(np.array(one["T"], float), None if weights is None else np.array(weights, float))
        assert made == pytest.approx(float(one["mkt"]), abs=0.001)
    one = golden["tong_lock_trapezoid"]
    made = mkt_trapezoid(np.array(one["t_h"], float), np.array(one["T"], float))
    assert made == pytest.approx(float(one["mkt1_trapezoid"]), abs=0.001)


@given(st.lists(st.floats(-90, 60), min_size=1, max_size=50))
def test_between_the_mean_and_the_highest(celsius):
    values = np.array(celsius)
    made = mkt(values)
    # The curve of decay bends upward below 4700 degC, so warmth counts for more.
    assert values.mean() - 1e-6 <= made <= values.max() + 1e-6


def test_the_highest_window_is_the_one_with_the_excursion():
    celsius = np.full(500, 5.0)
    celsius[300:310] = 25.0
    whole = highest_mkt(np.arange(500), celsius, 100)
    assert whole == pytest.approx(mkt(celsius[295:395]), abs=1e-9)
    assert highest_mkt(np.arange(500), celsius, 501) is None


def test_a_window_with_a_gap_is_none():
    slots = np.concatenate([np.arange(50), np.arange(60, 110)])
    assert highest_mkt(slots, np.full(100, 5.0), 51) is None
    assert highest_mkt(slots, np.full(100, 5.0), 50) == pytest.approx(5.0)
