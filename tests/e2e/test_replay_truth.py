"""Recorded trips and shocks through the whole chain, against a truth that is computed without our code."""

import csv
import gzip
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from celltrail.virtual import prepare as preparing
from celltrail.virtual.prepare import Request

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
STEP_C = 0.0078125
GRAVITY = 9.80665
STEP_G = {"ADXL372": 0.1, "ADXL345": 1 / 256}
CLIP = {"ADXL372": (-2000, 2000), "ADXL345": (-4096, 4095)}
PRE_KEPT = 64
QUIET_S = 0.05
TIME_BOUND_S = 0.01
# shocks.csv gives m/s with four decimals.
ROUNDING = 5e-5
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the recorded trips are not beside this clone")
SHOCK_PROFILE = """\
name = "shock"
title = "every shock"
period_s = 3600
[shock]
threshold_g = {threshold_g}
quiet_ms = 50
before_samples = 64
after_samples = 200
waveforms = 20
"""


def utc_s(text):
    return datetime.fromisoformat(text).timestamp()


def read_rows(path):
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(data.decode().splitlines()))


def fly(cli, start, request, profile, *options, armed=0):
    """Arm (with this exit code), let the world fly to its end, stop, download; the folder with what was exported."""
    stimulus = preparing.prepare(request)
    logger = start(stimulus, speed="max", pauses_ms=(stimulus.duration_ms,))
    device = ("-d", logger.address)
    cli("provision", "--no-test", *device)
    cli("arm", profile, "--yes", *options, *device, expect=armed)
    logger.wait_for("paused", 110)
    cli("stop", *device)
    answer = cli("download", *device, "-o", "trip.trail", "--json").json
    assert answer["verdict"]["verdict"] == "closed"
    cli("export", "csv", "trip.trail", "-o", "readings.csv")
    return cli.folder


@needs_data
@pytest.mark.timeout(180)
@pytest.mark.parametrize(("letter", "armed"), [("A", 1), ("D", 0)])
def test_a_container_comes_back_as_it_was(cli, start, letter, armed):
    """Letter A has no temperature in its first row, and arming says so."""
    path = DATA / "container" / f"container-{letter}.csv"
    folder = fly(cli, start, Request(readings=path), "CRT", "--no-shock", armed=armed)
    rows = read_rows(path)
    at_s = np.array([utc_s(row["utc"]) for row in rows])
    text = [row["temperature_c"] for row in rows]
    got = read_rows(folder / "readings.csv")
    assert len(got) > 100
    slots = [int(row["slot"]) for row in got]
    assert slots == list(range(len(slots)))
    for row in got:
        # Sample and hold: the last row at or before the instant; the last of several with one time.
        true = text[int(np.searchsorted(at_s, utc_s(row["utc"]), side="right")) - 1]
        if true == "":
            assert (row["celsius"], row["status"]) == ("", "sensor does not answer"), row
        else:
            assert abs(float(row["celsius"]) - float(true)) <= STEP_C, row


def samples_of(path, offset_s, chip, rate_hz, end_s):
    """All samples from power-on: linear between rows, a two-pole Butterworth at half the rate, quantised."""
    rows = read_rows(path)
    at_us = np.round(np.array([float(row["t_s"]) for row in rows]) * 1e6)
    at_us = at_us - at_us[0] + offset_s * 1e6
    xyz_g = np.array([[float(row[axis]) for axis in ("x_g", "y_g", "z_g")] for row in rows])
    grid_us = np.arange(int(end_s * rate_hz) * 4) * (1e6 / (4 * rate_hz))
    course = np.stack([np.interp(grid_us, at_us, xyz_g[:, axis]) for axis in range(3)], axis=1)
    b, a = signal.butter(2, rate_hz / 2, fs=4 * rate_hz)
    settled = signal.lfilter_zi(b, a)[:, None] * course[0]
    filtered, _ = signal.lfilter(b, a, course, axis=0, zi=settled)
    return np.clip(np.floor(filtered[::4] / STEP_G[chip] + 0.5), *CLIP[chip]).astype(int)


def events_of(samples, threshold, quiet):
    """First and last active sample of each event, by the words of SPEC.md section 3."""
    events, at, since = [], PRE_KEPT, 0
    while at < len(samples):
        base = np.floor(samples[max(since, at - PRE_KEPT) : at].mean(axis=0))
        if np.abs(samples[at] - base).max() < threshold:
            at += 1
            continue
        active = np.abs(samples[at:] - base).max(axis=1) >= threshold
        last = 0
        while active[last + 1 : last + 1 + quiet].any():
            last += 1 + int(np.argmax(active[last + 1 : last + 1 + quiet]))
        events.append((at, at + last))
        since = at + last + 1
        at += last + quiet
    return events


@needs_data
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("file", "chip", "threshold_g"),
    [
        ("dc-40g-505hz-impacts.csv.gz", "ADXL372", 5),
        ("piezo-100g-20khz-impacts.csv.gz", "ADXL372", 5),
        ("adxl345-3135hz-vibration.csv.gz", "ADXL345", 1),
    ],
)
def test_shocks_come_back_as_they_were(cli, start, file, chip, threshold_g):
    path, offset_s = DATA / "shock" / file, 120
    (cli.folder / "shock.toml").write_text(SHOCK_PROFILE.format(threshold_g=threshold_g))
    readings = cli.folder / "still.csv"
    readings.write_text("utc,temperature_c\n2025-06-02T06:00:00Z,5.0\n2025-06-02T06:04:00Z,5.0\n")
    request = Request(readings=readings, shocks=(f"{path}@{offset_s}s",), accel=chip.lower())
    folder = fly(cli, start, request, "shock.toml")
    shocks = read_rows(folder / "shocks.csv")
    rate_hz = float(shocks[0]["rate_Hz"])
    samples = samples_of(path, offset_s, chip, rate_hz, 239)
    threshold = round(threshold_g / STEP_G[chip])
    events = events_of(samples, threshold, int(QUIET_S * rate_hz))
    assert len(shocks) == len(events)
    for shock, event in zip(shocks, events, strict=True):
        check(shock, samples, *event, rate_hz, chip, threshold)


def check(shock, samples, first, last, rate_hz, chip, threshold):
    """Time, length, peaks and velocity change of one event; the values within one step."""
    tick_s = int(shock["tick_ms"]) / 1e3 + int(shock["tick_us"]) / 1e6
    assert abs(tick_s - first / rate_hz) < TIME_BOUND_S
    assert float(shock["duration_ms"]) == pytest.approx((last - first + 1) / rate_hz * 1e3)
    event, step_m_s2 = samples[first : last + 1], STEP_G[chip] * GRAVITY
    whole = samples[first : last + 1 + int(QUIET_S * rate_hz)]
    for axis, letter in enumerate("xyz"):
        # Which samples the logger keeps for its base depends on the events before; it says what it took.
        base = round(float(shock[f"base_{letter}_m_s2"]) / step_m_s2)
        assert abs(base - samples[first - PRE_KEPT : first, axis].mean()) < threshold / 2
        peak = whole[np.argmax(np.abs(whole[:, axis] - base)), axis]
        change = (event[:, axis] - base).sum()
        got_change = float(shock[f"velocity_{letter}_m_s"]) / step_m_s2 * rate_hz
        assert abs(float(shock[f"peak_{letter}_m_s2"]) / step_m_s2 - peak) <= 1.01, shock
        assert abs(got_change - change) <= 1 + ROUNDING * rate_hz / step_m_s2, shock
