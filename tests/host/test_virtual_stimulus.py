"""Tests of the stimulus file: what the host writes is what the board reads."""

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boards.virtual_clock import VirtualClock
from boards.virtual_stimulus import RowTable
from boards.virtual_stimulus import Stimulus as BoardStimulus
from celltrail.virtual import Shock, Stimulus, Temperature, make_scenario
from celltrail_protocol import codes


@contextmanager
def handed_over(stimulus, tmp_path):
    path = tmp_path / "stimulus"
    stimulus.write(path)
    read = BoardStimulus(str(path))
    yield read
    read.close()


def test_header_and_presses_arrive(tmp_path):
    temperatures = tuple(Temperature.from_celsius([0], [value]) for value in (1, 2, 3))
    presses = ((10, 20), (30, 40))
    stimulus = Stimulus(123, 456_000, temperatures, (), codes.MODEL_ADXL345, (4000, 3000), presses)
    with handed_over(stimulus, tmp_path) as read:
        assert (read.start_utc_ms, read.duration_ms) == (123, 456_000)
        assert (read.channels, read.accelerometer) == (3, codes.MODEL_ADXL345)
        assert list(read.models) == [codes.MODEL_TMP117] * 3
        assert not read.clock_chip
        assert read.presses == [(10, 20), (30, 40)]
        voltages = [read.battery_mV(at_ms) for at_ms in (-5, 0, 228_000, 456_000, 10**9)]
        assert voltages == [4000, 4000, 3500, 3000, 3000]


def test_chips_of_the_channels_arrive(tmp_path):
    models = (codes.MODEL_DS18B20, codes.MODEL_TMP117, codes.MODEL_MAX31865)
    temperatures = (Temperature.from_celsius([0], [1.0]),) * 3
    pressure = Temperature.from_celsius([0], [1013.25])
    stimulus = Stimulus(0, 1000, temperatures, models=models, pressure=pressure, clock_chip=True)
    with handed_over(stimulus, tmp_path) as read:
        assert tuple(read.models) == (*models, codes.MODEL_BMP390)
        assert read.temperature(3, 0).celsius(0) == 1013.25
        assert read.clock_chip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    at_ms=st.lists(st.integers(-1000, 100_000), min_size=1, max_size=300, unique=True).map(sorted),
    asked_ms=st.lists(st.integers(0, 110_000), max_size=60),
    offset_ms=st.integers(0, 5000),
    channel=st.integers(0, 1),
)
def test_board_feels_what_the_host_says(at_ms, asked_ms, offset_ms, channel, tmp_path):
    rng = np.random.default_rng(len(at_ms))
    courses = [np.where(rng.random(len(at_ms)) < 0.2, np.nan, rng.uniform(-50, 50, len(at_ms))) for _ in "12"]
    temperatures = tuple(Temperature.from_celsius(at_ms, course) for course in courses)
    with handed_over(Stimulus(0, 1000, temperatures), tmp_path) as read:
        signal = read.temperature(channel, offset_ms * 1000)
        for t_ms in asked_ms:
            expected = temperatures[channel].celsius_at(t_ms + offset_ms)
            felt = signal.celsius(t_ms * 1000)
            assert felt == (None if np.isnan(expected) else expected)


@pytest.mark.parametrize("offset_s", [0, 3, 40_000])
def test_board_feels_the_shocks_of_a_scenario(offset_s, tmp_path):
    stimulus = make_scenario("box", seed=3, days=0.5, start_utc_ms=0)
    offset_us = offset_s * 1_000_000
    with handed_over(stimulus, tmp_path) as read:
        signal = read.acceleration(offset_us)
        assert len(signal.segments) == len(stimulus.shocks)
        rng = np.random.default_rng(1)
        for shock, segment in zip(stimulus.shocks, signal.segments, strict=True):
            world_us = np.sort(rng.uniform(*shock.span_us, 50))
            axes = [np.interp(world_us, shock.at_us, shock.xyz_g[:, axis]) for axis in range(3)]
            felt = [signal.at(float(t_us) - offset_us) for t_us in world_us]
            assert np.allclose(felt, np.column_stack(axes), atol=1e-6)
            assert segment == tuple(edge - offset_us for edge in shock.span_us)
            assert signal.active(segment[0] - 1) == segment
            assert signal.active(segment[1]) == segment
        assert signal.active(segment[1] + 1) is None


def test_acceleration_is_held_outside_of_segments(tmp_path):
    first = Shock(np.array([10, 20]), np.array([[1.0, 2, 3], [4, 5, 6]]))
    second = Shock(np.array([100, 110]), np.array([[7.0, 8, 9], [0, 0, 1]]))
    temperature = (Temperature.from_celsius([0], [5]),)
    with handed_over(Stimulus(0, 1000, temperature, (first, second)), tmp_path) as read:
        signal = read.acceleration(0)
        assert signal.at(0) == (1, 2, 3)
        assert signal.at(15) == (2.5, 3.5, 4.5)
        assert signal.at(60) == (4, 5, 6)
        assert signal.at(1000) == (0, 0, 1)
        assert signal.at(0) == (1, 2, 3)
    with handed_over(Stimulus(0, 1000, temperature), tmp_path) as read:
        still = read.acceleration(0)
        assert still.at(5) == (0, 0, 1)
        assert still.active(0) is None


@pytest.mark.parametrize("count", [1, 127, 128, 129, 1000])
def test_row_table_finds_from_anywhere(count, tmp_path):
    path = tmp_path / "rows"
    path.write_bytes(np.arange(0, 2 * count, 2, dtype="<i8").tobytes())
    rng = np.random.default_rng(count)
    with path.open("rb") as file:
        table = RowTable(file, 0, count, "<q")
        for key in [-1, 2 * count + 5, *rng.integers(-1, 2 * count + 5, 200).tolist()]:
            assert table.find(key) == min(key // 2, count - 1) if key >= 0 else -1


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "other"
    path.write_bytes(bytes(64))
    with pytest.raises(ValueError, match="stimulus"):
        BoardStimulus(str(path))


def test_held_clock_moves_only_when_told():
    clock = VirtualClock()
    clock.hold()
    now_us = clock.now_us()
    assert clock.now_us() == now_us
    clock.spend(5)
    clock.jump(now_us + 100)
    clock.jump(now_us + 50)
    assert clock.now_us() == now_us + 100
    clock.run()
    assert now_us + 100 <= clock.now_us() < now_us + 1_000_000
