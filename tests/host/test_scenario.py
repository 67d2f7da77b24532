"""Tests of celltrail.virtual.scenarios: same seed, same trip; physics and the prior are kept."""

import numpy as np
import pytest

from celltrail.virtual import list_scenarios, make_scenario
from celltrail.virtual.handling import handle
from celltrail.virtual.lane import STEP_S
from celltrail.virtual.thermal import Box, Dewar, DryIceBox
from celltrail_protocol import codes

NAMES = sorted(list_scenarios())
TMP117_C = (-55.0, 150.0)


def draw(name, seed=1, days=5.0, models=(codes.MODEL_TMP117,) * 4):
    return make_scenario(name, seed=seed, days=days, start_utc_ms=0, models=models)


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_gives_the_same_bytes(name, tmp_path):
    files = [tmp_path / number for number in "12"]
    for path in files:
        draw(name, seed=7).write(path)
    assert files[0].read_bytes() == files[1].read_bytes()
    draw(name, seed=8).write(files[1])
    assert files[0].read_bytes() != files[1].read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_number_of_thermometers_changes_no_course(name):
    one, four = draw(name, models=(codes.MODEL_TMP117,)), draw(name)
    assert np.array_equal(one.temperatures[0].micro_C, four.temperatures[0].micro_C)
    assert len(four.temperatures) == 4


@pytest.mark.parametrize(("name", "warmest_c"), [("dewar", -150.0), ("dry-ice", -78.0)])
def test_platinum_probe_lies_where_a_tmp117_can_not(name, warmest_c):
    models = (codes.MODEL_TMP117, codes.MODEL_MAX31865)
    with_probe, without = draw(name, models=models), draw(name)
    assert with_probe.temperatures[1].micro_C[:100].max() < warmest_c * 1e6
    assert np.array_equal(with_probe.temperatures[0].micro_C, without.temperatures[0].micro_C)


# Golden values of seed 1, to one unit of the file's micro-degrees because sines differ in their last bit.
GOLDEN = {
    "bench": [20.997267, 21.001913],
    "box": [3.992214, 5.467475],
    "dewar": [-32.020236, 18.934001],
    "dry-ice": [-42.817356, -12.211542],
}


@pytest.mark.parametrize("name", NAMES)
def test_seed_gives_the_same_trip_on_every_pc(name):
    celsius = draw(name).temperatures[0].micro_C / 1e6
    assert celsius[[0, -1]] == pytest.approx(GOLDEN[name], abs=1.5e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_course_is_within_the_range_of_the_chip(name, seed):
    for probe in draw(name, seed).temperatures:
        celsius = probe.micro_C / 1e6
        assert TMP117_C[0] < celsius.min()
        assert celsius.max() < TMP117_C[1]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("days", [0.01, 30])
def test_duration_is_kept(name, days):
    stimulus = draw(name, days=days)
    assert stimulus.duration_ms == round(days * 86_400_000)
    assert stimulus.temperatures[0].at_ms[-1] <= stimulus.duration_ms
    assert stimulus.temperatures[0].at_ms[-1] > stimulus.duration_ms - STEP_S * 1000
    assert all(shock.span_us[1] <= stimulus.duration_ms * 1000 for shock in stimulus.shocks)


def test_sensor_noise_is_four_millikelvin():
    celsius = draw("bench").temperatures[0].micro_C / 1e6
    # Differences of neighbours: the slow course drops out, two noises remain.
    assert np.diff(celsius).std() / np.sqrt(2) == pytest.approx(0.004, rel=0.02)


def test_some_boxes_hold_and_some_do_not():
    warmest = [draw("box", seed).temperatures[0].micro_C.max() / 1e6 for seed in range(1, 21)]
    assert 1 <= sum(value > 8 for value in warmest) <= 10


def test_dry_ice_is_gone_late():
    celsius = draw("dry-ice").temperatures[0].micro_C / 1e6
    cold = celsius < -36
    assert cold[: int(0.7 * len(cold))].all()
    assert not cold[-1]


def test_dewar_fails_at_sixty_percent():
    celsius = draw("dewar").temperatures[0].micro_C / 1e6
    failure = int(0.6 * len(celsius))
    assert celsius[:failure].max() < -20
    assert celsius[-1] > 0


# --- physics ---


def test_box_stays_at_its_melting_point_until_the_coolant_is_used_up():
    box = Box(wall_W_per_K=0.2, coolant_kg=1.0, lid_W_per_K=0.0)
    ambient = np.full(3 * 8640, 25.0)
    payload, coolant = box.run(ambient, start_C=5.0)
    melted_s = 200e3 / (0.2 * 20)
    held = np.flatnonzero(coolant > 5.01)[0] * STEP_S
    # The payload's first degree of heat, 4 kJ, helps to melt.
    assert held == pytest.approx(melted_s, rel=0.03)
    assert payload[: int(melted_s / STEP_S) - 300].max() < 6.01
    assert payload[-1] > 8


def test_dry_ice_lasts_as_its_heat_balance_says():
    inside = DryIceBox(ice_kg=1.0, wall_W_per_K=0.5).run(np.full(8640 * 2, 21.5))
    assert np.flatnonzero(inside > -78.5)[0] * STEP_S == pytest.approx(571e3 / (0.5 * 100), abs=2 * STEP_S)


def test_dewar_empties_thirty_times_as_fast_without_vacuum():
    vapour, left = Dewar(nitrogen_kg=1.0, fails_at_step=100).run(np.full(8640, 10.0))
    used = 1 - left
    before, after = used[99] / 100, (used[200] - used[100]) / 100
    assert after / before == pytest.approx(30, rel=0.02)
    assert vapour[0] == -190
    assert vapour[-1] > -190


# --- impacts ---


@pytest.fixture(scope="module")
def impacts():
    rng = np.random.default_rng(11)
    return [handle(rng, (0.0, 10_000.0, 50_000.0), 100_000.0) for _ in range(60)]


def test_a_trip_has_about_24_impacts(impacts):
    assert np.mean([len(shocks) for shocks in impacts]) == pytest.approx(24, abs=2)


def test_impacts_begin_and_end_at_rest_and_do_not_overlap(impacts):
    for shocks in impacts:
        for shock in shocks:
            assert shock.xyz_g[0].tolist() == [0, 0, 1]
            assert shock.xyz_g[-1].tolist() == [0, 0, 1]
            assert (np.diff(shock.at_us) > 0).all()
        spans = [shock.span_us for shock in shocks]
        assert all(before[1] < after[0] for before, after in zip(spans, spans[1:], strict=False))


def test_nearly_all_drops_are_low(impacts):
    fallen_s = [
        (shock.at_us[2] - shock.at_us[0]) / 1e6 for shocks in impacts for shock in shocks if not shock.xyz_g[1].any()
    ]
    heights_m = 9.80665 * np.array(fallen_s) ** 2 / 2
    assert np.mean(heights_m < 0.40) == pytest.approx(0.95, abs=0.02)
    assert heights_m.max() <= 1.98


def test_impact_has_the_velocity_of_its_fall(impacts):
    for shock in impacts[0]:
        if shock.xyz_g[1].any():
            continue
        fall_s = (shock.at_us[2] - shock.at_us[0]) / 1e6
        after = shock.at_us >= shock.at_us[3]
        felt_g = shock.xyz_g[after] - [0, 0, 1]
        along = felt_g @ (felt_g[np.abs(felt_g).sum(axis=1).argmax()])
        along /= np.sqrt((felt_g[np.abs(felt_g).sum(axis=1).argmax()] ** 2).sum())
        pulse = np.maximum(along, 0)[: np.argmax(along < 0)]
        change_mps = pulse.sum() * 1e-4 * 9.80665
        # Rebound adds a fifth to a half.
        assert 1.15 <= change_mps / (9.80665 * fall_s) <= 1.55
