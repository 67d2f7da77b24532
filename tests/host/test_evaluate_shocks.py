"""Shocks against closed forms, against code that is not ours, and on real recordings."""

import csv
import gzip
import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from celltrail.evaluate.drops import drop_height, height_of_fall, height_of_velocity, restitution_of
from celltrail.evaluate.evaluation import evaluate
from celltrail.evaluate.orientation import orientation_of
from celltrail.evaluate.pulse import pulse_of
from celltrail.evaluate.shocks import spectrum_of
from celltrail.evaluate.srs import frequencies, spectra
from celltrail.evaluate.verdicts import IN, OUT, UNDECIDABLE
from celltrail.evidence.record import Instant, Shock
from celltrail.plans.judging import Fragility, Judging
from celltrail.views.evaluation_text import evaluation_lines
from celltrail_protocol import codes, frames
from tests.host.evaluating import GOLDEN, begun, closed, put, rules_of
from tests.host.test_accel_truth import SHOCKS

# 100 g half-sine of 11 ms, Q 10, in steps of 20 kHz: frequency, g. Two programs that are not ours agree on these.
HALF_SINE_SRS = {
    5: 20.43136, 10: 40.51688, 20: 78.30987, 40: 136.15157, 60: 161.35744, 72.7: 165.09488, 80: 164.8243,
    100: 159.13111, 200: 113.9532, 400: 103.52617, 1000: 100.75428,
}  # fmt: skip


def half_sine(peak_g, length_s, rate_hz, before_s=0.02, after_s=0.05, phase=0.0):
    """Samples of a half-sine; `phase` moves it by that share of a sample."""
    t = np.arange(round((before_s + length_s + after_s) * rate_hz)) / rate_hz - before_s - phase / rate_hz
    return np.where((t >= 0) & (t <= length_s), peak_g * np.sin(np.pi * t / length_s), 0.0)


def a_shock(x_g, y_g=None, z_g=None, rate_hz=20_000, pre=None, base=(0, 0, 0), flags=0, step_ng=10_000_000):
    """An event with this waveform, whose fields say what the waveform does."""
    other = np.zeros(len(x_g))
    waves = [np.round(np.asarray(axis) * 1e9 / step_ng).astype(np.int16) for axis in (
        x_g, other if y_g is None else y_g, other if z_g is None else z_g)]  # fmt: skip
    away = [axis.astype(int) - rest for axis, rest in zip(waves, base, strict=True)]
    active = np.flatnonzero(np.max(np.abs(away), axis=0) >= np.max(np.abs(away)) / 5)
    first = int(active[0]) if pre is None else pre
    inside = slice(int(active[0]), int(active[-1]) + 1)
    peak = tuple(int(axis[np.argmax(np.abs(off))]) for axis, off in zip(waves, away, strict=True))
    velocity = tuple(int(off[inside].sum()) for off in away)
    return Shock(
        0, Instant(1, 1000), 0, rate_hz * 1000, step_ng, base, peak, velocity, len(active), len(active), flags,
        len(waves[0]), first, tuple(waves),
    )  # fmt: skip


# Drop heights


@pytest.mark.parametrize(
    ("height_m", "fall_s", "speed_m_s"), [(0.76, 0.3937, 3.8608), (0.30, 0.2474, 2.4257), (1.00, 0.4516, 4.4287)]
)
def test_known_falls(height_m, fall_s, speed_m_s):
    assert height_of_fall(fall_s) == pytest.approx(height_m, rel=0.0005)
    assert height_of_velocity(speed_m_s, 0) == pytest.approx(height_m, rel=0.0005)
    # With a rebound of half the speed the change is half as large again.
    assert height_of_velocity(1.5 * speed_m_s, 0.5) == pytest.approx(height_m, rel=0.0005)
    assert restitution_of(1.5 * speed_m_s, fall_s) == pytest.approx(0.5, abs=0.001)


def test_a_height_says_what_it_rests_on():
    fell = drop_height(3.0, 0.2, fell_before=False)
    assert (fell.method, fell.lowest_m, fell.highest_m) == ("fall", height_of_fall(0.2), height_of_fall(0.2))
    assert fell.restitution == pytest.approx(3.0 / (9.80665 * 0.2) - 1)
    by_velocity = drop_height(2.0, None, fell_before=False)
    assert by_velocity.method == "velocity"
    assert by_velocity.highest_m == pytest.approx(4 * by_velocity.lowest_m)
    assert "restitution 0 to 1" in by_velocity.assumption
    longer = drop_height(0.5, 0.2, fell_before=True)
    assert longer.at_least
    assert longer.lowest_m == height_of_fall(0.2)
    assert "200 ms at least" in longer.assumption


# Pulses


def test_a_half_sine_of_100_g_and_11_ms():
    pulse = pulse_of(a_shock(half_sine(100, 0.011, 20_000), step_ng=10_000_000))
    assert pulse.resultant_g == pytest.approx(100, rel=0.001)
    assert pulse.duration_ms == pytest.approx(10.2985, abs=0.01)
    # Of the whole pulse 6.86742 m/s; the tails below a tenth hold half a per cent of it.
    assert pulse.velocity_m_s[0] == pytest.approx(6.86742 * math.cos(math.asin(0.1)), rel=0.001)
    assert pulse.whole


@pytest.mark.parametrize(
    ("length_s", "rate_hz", "worst"),
    [(0.011, 400, 0.06), (0.011, 200, 0.24), (0.005, 800, 0.08), (0.005, 400, 0.29), (0.002, 3200, 0.03),
     (0.002, 1600, 0.12), (0.002, 800, 0.44)],
)  # fmt: skip
def test_how_much_of_a_peak_sampling_can_miss(length_s, rate_hz, worst):
    """The figures at the worst phase; what an event says of itself is near them, from its own length."""
    read = [half_sine(100, length_s, rate_hz, phase=phase).max() for phase in np.arange(0, 1, 0.01)]
    assert 1 - min(read) / 100 == pytest.approx(worst, abs=0.01)
    samples = length_s * rate_hz
    assert 1 - math.cos(math.pi / (2 * samples)) == pytest.approx(worst, abs=0.01)


@pytest.mark.parametrize(
    ("length_s", "rate_hz", "bound"),
    [(0.011, 1600, False), (0.002, 800, True), (0.002, 1600, True), (0.005, 1600, False)],
)
def test_a_peak_that_was_sampled_too_slowly_is_a_lower_bound(length_s, rate_hz, bound):
    (result,) = results(a_shock(half_sine(50, length_s, rate_hz, phase=0.5), rate_hz=rate_hz, step_ng=100_000_000))
    assert result.lower_bound == bound


@given(st.floats(0, 1), st.sampled_from([400, 800, 1600, 3200]))
def test_velocity_change_hardly_depends_on_sampling(phase, rate_hz):
    pulse = pulse_of(a_shock(half_sine(100, 0.011, rate_hz, phase=phase), rate_hz=rate_hz, step_ng=10_000_000))
    assert np.linalg.norm(pulse.velocity_m_s) == pytest.approx(6.867, rel=0.05)


def test_a_clipped_event_is_a_lower_bound():
    (result,) = results(a_shock(half_sine(50, 0.02, 1600), rate_hz=1600, flags=frames.SHOCK_CLIPPED))
    assert result.lower_bound
    assert result.remarks == ("clipped",)


def test_a_window_that_ends_too_early_has_no_duration():
    wave = half_sine(50, 0.02, 1600, after_s=-0.01)
    shock = a_shock(wave, rate_hz=1600)
    assert not pulse_of(shock).whole
    assert results(shock)[0].duration_ms is None


def test_an_event_without_waveform_keeps_its_figures():
    shock = a_shock(half_sine(50, 0.02, 1600), rate_hz=1600)
    bare = Shock(**{**shock.__dict__, "waves": ()})
    (result,) = results(bare)
    assert result.resultant_g == pytest.approx(50, rel=0.01)
    assert result.duration_ms is None
    assert result.active_ms == shock.duration_ms
    assert result.spectrum is None
    # Sum over samples above a fifth of the peak.
    assert result.velocity_change_m_s == pytest.approx(50 * 9.80665 * 0.02 * 2 / math.pi, rel=0.05)


def test_a_fall_before_the_impact_is_timed():
    rate_hz = 1600
    # 10 ms at rest, 30 ms of fall, the impact.
    z = np.concatenate([np.full(16, 1.0), np.zeros(48), half_sine(40, 0.005, rate_hz, before_s=0)])
    pulse = pulse_of(a_shock(np.zeros(len(z)), None, z, rate_hz=rate_hz, pre=64, base=(0, 0, 25)))
    assert pulse.fall_s == pytest.approx(0.030)
    assert not pulse.fell_before
    # From the window's beginning on: it fell for longer.
    z[:16] = 0
    pulse = pulse_of(a_shock(np.zeros(len(z)), None, z, rate_hz=rate_hz, pre=64))
    assert (pulse.fall_s, pulse.fell_before) == (pytest.approx(0.040), True)
    # A parcel that rests until it is hit does not fall.
    z[:64] = 1.0
    assert pulse_of(a_shock(np.zeros(len(z)), None, z, rate_hz=rate_hz, pre=64, base=(0, 0, 100))).fall_s is None


def results(*shocks):
    """The events on a trip of their own."""
    forge = begun()
    put(forge, [5.0] * 10)
    made = closed(forge)
    return list(evaluate(with_shocks(made, shocks), rules_of()).shocks)


def with_shocks(checked, shocks):
    return type(checked)(**{**checked.__dict__, "record": type(checked.record)(
        **{**checked.record.__dict__, "shocks": tuple(shocks)})})  # fmt: skip


# Spectra


def test_the_spectrum_of_a_half_sine():
    at = np.array(list(HALF_SINE_SRS), float)
    made = spectra(half_sine(100, 0.011, 20_000, before_s=0)[None], 20_000, at)[0]
    assert made == pytest.approx(np.array(list(HALF_SINE_SRS.values())), rel=0.001)


def test_the_golden_spectrum():
    path = GOLDEN / "srs_halfsine_100g_11ms_Q10.csv"
    if not path.exists():
        pytest.skip("needs ../shared/data/golden")
    with path.open(newline="") as stream:
        rows = list(csv.reader(stream))[2:]
    at, expected = (np.array([float(row[i]) for row in rows]) for i in (0, 1))
    made = spectra(half_sine(100, 0.011, 20_000, before_s=0, after_s=0.989)[None], 20_000, at)[0]
    assert made == pytest.approx(expected, rel=0.005)


def by_filter(wave, rate_hz, at_hz, q):
    """One oscillator, by scipy, over the wave and ten seconds of rest."""
    omega, damping = 2 * math.pi * at_hz, 1 / (2 * q)
    e = math.exp(-damping * omega / rate_hz)
    k = omega * math.sqrt(1 - damping**2) / rate_hz
    c, s = e * math.cos(k), e * math.sin(k) / k
    padded = np.concatenate([wave, np.zeros(10 * round(rate_hz / at_hz))])
    return np.abs(signal.lfilter([1 - s, 2 * (s - c), e * e - s], [1, -2 * c, e * e], padded)).max()


@pytest.mark.parametrize(("rate_hz", "samples"), [(1600, 512), (400, 130), (6400, 1000)])
def test_spectra_of_noise_are_those_of_another_filter(rate_hz, samples):
    waves = np.random.default_rng(samples).normal(0, 10, (3, samples))
    at = frequencies(rate_hz, samples)
    expected = np.array([[by_filter(wave, rate_hz, one, 10) for one in at] for wave in waves])
    made = spectra(waves, rate_hz, at)
    # Ours also sees what lies between two samples.
    assert (made >= expected * (1 - 1e-6)).all()
    assert made == pytest.approx(expected, rel=0.06)
    assert made[:, at < rate_hz / 60] == pytest.approx(expected[:, at < rate_hz / 60], rel=0.005)


def test_frequencies_are_those_that_a_window_can_show():
    at = frequencies(1600, 512)
    assert at[0] >= 5
    assert at[-1] <= 160
    assert len(frequencies(10, 100)) == 0
    assert spectrum_of(a_shock(half_sine(5, 0.5, 10), rate_hz=10)) is None


@pytest.mark.parametrize("name", ["piezo-100g-20khz-impacts", "dc-40g-505hz-impacts"])
def test_real_impacts(name):
    path = SHOCKS / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip("needs the recordings of ../shared/data/shock")
    with gzip.open(path, "rt", newline="") as file:
        table = np.array(list(csv.reader(file))[1:], dtype=float)
    rate_hz = round((len(table) - 1) / (table[-1, 0] - table[0, 0]))
    size = np.linalg.norm(table[:, 1:], axis=1)
    at = int(size.argmax())
    part = table[max(0, at - 500) : at + 1500, 1:]
    shock = a_shock(*part.T, rate_hz=rate_hz, step_ng=10_000_000)
    pulse = pulse_of(shock)
    # The sensor's own noise and slow drift are a few tenths of a g.
    assert pulse.resultant_g == pytest.approx(size[at], rel=0.02)
    spectrum = spectrum_of(shock)
    away = np.array(shock.waves, float) * 0.01
    expected = max(by_filter(axis, rate_hz, spectrum.at_Hz[5], 10) for axis in away)
    assert spectrum.highest_g[5] == pytest.approx(expected, rel=0.01)


# Which way


@pytest.mark.parametrize(
    ("base", "velocity", "expected"),
    [
        ((0, 0, 10), (0, 0, 3), ("resting", "+z", "-z", "side")),
        ((0, 0, -10), (0, 1, -1), ("resting", "-z", "-y+z", "edge")),
        ((1, -10, 1), (1, 1, 1), ("resting", "-y", "-x-y-z", "corner")),
        ((0, 0, 0), (0, 0, -3), ("falling", "", "+z", "side")),
        ((20, 0, 0), (0, 0, 0), ("moving", "", "", "nothing")),
    ],
)
def test_orientation(base, velocity, expected):
    shock = Shock(
        0, Instant(1, 0), 0, 1_600_000, 100_000_000, base, (0, 0, 0), (0, 0, 0), 1, 1, 0, 0, 0,
    )  # fmt: skip
    made = orientation_of(shock, velocity)
    assert (made.state, made.up, made.hit, made.kind) == expected


def test_tilt():
    shock = Shock(
        0, Instant(1, 0), 0, 1_600_000, 100_000_000, (0, 5, 9), (0, 0, 0), (0, 0, 0), 1, 1, 0, 0, 0,
    )  # fmt: skip
    assert orientation_of(shock, (0, 0, 1)).tilt_deg == pytest.approx(math.degrees(math.atan(5 / 9)))


# Damage


@pytest.mark.parametrize(
    ("peak_g", "length_s", "flags", "expected"),
    [
        # 100 g for 11 ms are 6.9 m/s.
        (100, 0.011, 0, OUT),
        # Hard but short, and slow but soft: neither does damage.
        (100, 0.003, 0, IN),
        (30, 0.040, 0, IN),
        (30, 0.040, frames.SHOCK_CLIPPED, UNDECIDABLE),
    ],
)
def test_damage_takes_both_a_hard_and_a_long_shock(peak_g, length_s, flags, expected):
    shock = a_shock(half_sine(peak_g, length_s, 3200), rate_hz=3200, flags=flags, step_ng=10_000_000)
    judging = Judging(fragility=Fragility(Decimal(50), Decimal("2.5")))
    forge = begun(shock=[10_000, 1250, 50, 16, 48, 4])
    put(forge, [5.0] * 10)
    made = evaluate(with_shocks(closed(forge), [shock]), rules_of(judging=judging))
    assert (made.damage.verdict, made.answer) == (expected, expected)


def test_shocks_that_nobody_watched_are_not_fine():
    judging = Judging(fragility=Fragility(Decimal(50), Decimal("2.5")))
    forge = begun()
    put(forge, [5.0] * 10)
    assert evaluate(closed(forge), rules_of(judging=judging)).answer == UNDECIDABLE


# Legs


def handled(*minutes, length=1440, mark=False):
    """A day at rest but for shocks at these minutes; the box warms up from noon on."""
    forge = begun()
    celsius = [5.0 + max(0, minute - length // 2) / 120 for minute in range(length)]
    wave = [0] * 16 + [0, 120, 340, 200, -150, -20] + [0] * 42
    at = 0
    for minute in minutes:
        put(forge, celsius[at:minute], slot=at)
        at = minute
        forge.now_ms += 1000
        forge.shock([wave, wave, wave], pre=16)
    put(forge, celsius[at:], slot=at)
    if mark:
        forge.mark(codes.MARK_DELIVERED, "DFW")
    return evaluate(closed(forge), rules_of())


def test_without_marks_legs_are_inferred_and_look_so():
    made = handled(300, 310, 330, 719, 721)
    assert [(leg.start.name, leg.end.name, leg.basis) for leg in made.legs] == [
        ("start", "handling", "inferred"),
        ("handling", "rest", "inferred"),
        ("rest", "handling", "inferred"),
        ("handling", "rest", "inferred"),
        ("rest", "end", "inferred"),
    ]
    # The third sign of the later handling is the temperature, which begins to rise at noon.
    assert [leg.confidence for leg in made.legs] == [0.55, 0.55, 0.55, 0.7, 0.7]
    assert "3 shocks" in made.legs[0].end.evidence
    assert "the temperature turned by 0.5 K an hour" in made.legs[2].end.evidence
    assert [one.leg for one in made.shocks] == [1, 1, 1, 3, 3]
    told = "\n".join(evaluation_lines(made))
    assert told.count("[inferred, confidence ") == 5


def test_where_there_are_marks_nothing_is_inferred():
    made = handled(300, 310, 330, mark=True)
    assert {leg.basis for leg in made.legs} == {"measured"}
    assert {leg.confidence for leg in made.legs} == {None}


def test_without_shocks_nothing_is_inferred():
    assert [leg.name for leg in handled().legs] == ["start to end"]


def test_shocks_by_leg():
    forge = begun()
    wave = [0] * 16 + [0, 120, 340, 200, -150, -20] + [0] * 42
    put(forge, [5.0] * 10)
    forge.now_ms += 1000
    forge.shock([wave, wave, wave], pre=16)
    forge.now_ms += 1000
    forge.mark(codes.MARK_LOADED, "BRU")
    forge.now_ms += 1000
    forge.shock([wave, wave, wave], pre=16)
    forge.shock([wave, wave, wave], pre=16)
    put(forge, [5.0] * 10, slot=10)
    made = evaluate(closed(forge), rules_of())
    assert [one.leg for one in made.shocks] == [0, 1, 1]
    assert [one.count for one in made.leg_shocks] == [1, 2]
    assert made.leg_shocks[0].highest_g == pytest.approx(34 * math.sqrt(3), rel=0.001)
