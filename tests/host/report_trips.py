"""The five trips that reports are looked at with: made anew by the real firmware each time, always the same bytes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from world_board import MINUTE_MS, WorldTrip

from celltrail.evidence.trail import parse_trail, trail_bytes
from celltrail.plans.profile import load_profile
from celltrail.virtual.stimulus import Shock, Stimulus, Temperature
from celltrail_protocol import codes, frames
from celltrail_protocol.records import (
    FRAMES_AT,
    FRAMES_END,
    HEADER,
    HEADER_AT,
    MAGIC_HEADER,
    SECTOR_SIZE,
    unpack_checked,
)

# 2025-06-02T06:00:00Z
START_UTC_MS = 1_748_844_000_000
_PERIOD_S = 300
_STEP_MIN = 1
_G = 9.80665


def course(hours, knots, seed=7, noise_c=0.03):
    """A temperature through (hour, degC) points, with the sensor's and the air's noise; NaN in between: unplugged."""
    at_min = np.arange(0, hours * 60, _STEP_MIN)
    points = np.array(knots, np.float64)
    celsius = np.interp(at_min / 60, points[:, 0], points[:, 1])
    wave = 0.15 * np.sin(at_min / 47) + np.random.default_rng(seed).normal(0, noise_c, len(at_min))
    return Temperature.from_celsius(at_min * MINUTE_MS, np.round(celsius + wave, 4))


def unplugged(temperature, start_h, end_h):
    """The same with the probe out from hour to hour."""
    celsius = temperature.celsius_at(temperature.at_ms)
    celsius[(temperature.at_ms >= start_h * 3_600_000) & (temperature.at_ms < end_h * 3_600_000)] = np.nan
    return Temperature.from_celsius(temperature.at_ms, celsius)


def drop(at_s, height_m, axis, seed):
    """Free fall and a half sine whose area is the velocity change, on one axis more than on the others."""
    fall_s, pulse_s = float(np.sqrt(2 * height_m / _G)), 0.006 + 0.001 * (seed % 5)
    speed = 1.3 * _G * fall_s
    times = np.arange(1, round(pulse_s / 1e-4) + 60) * 1e-4
    pulse = np.where(times < pulse_s, np.sin(np.pi * times / pulse_s), 0.0) * speed * np.pi / (2 * pulse_s) / _G
    direction = np.array([0.25, 0.2, 0.15])
    direction[axis] = 1.0 if seed % 2 else -1.0
    rest = np.array([0.0, 0.0, 1.0])
    rows = np.vstack([rest, np.zeros(3), np.zeros(3), rest + pulse[:, None] * direction, rest])
    at = np.concatenate([[0, 0.01, fall_s], fall_s + times, [fall_s + times[-1] + 0.01]])
    return Shock(np.rint((at_s + at) * 1e6).astype(np.int64), np.round(rows, 4))


def profile(**changes):
    return load_profile("2-8C").with_changes(period_s=_PERIOD_S, **changes)


def stimulus(hours, temperature, shocks=()):
    return Stimulus(START_UTC_MS, hours * 3_600_000, (temperature,), tuple(shocks))


def clean(folder, keys):
    """Two days between 3 and 6 degC, with all marks, and one harmless knock."""
    world = stimulus(48, course(48, [(0, 4.2), (12, 5.1), (30, 4.0), (48, 4.8)]), [drop(7 * 3600, 0.18, 2, 1)])
    trip = WorldTrip(folder, world, profile())
    trip.go_to(20).mark(codes.MARK_PACKED, "BEANR", "box 7, two bags", "AB")
    trip.go_to(150).mark(codes.MARK_HANDED_OVER, "BEANR", "", "C7")
    trip.go_to(420).mark(codes.MARK_RECEIVED, "BEBRU", "", "G12")
    trip.go_to(1500).mark(codes.MARK_LOADED, "BEBRU", "", "G12", proven=False)
    trip.go_to(2700).mark(codes.MARK_DELIVERED, "NLUTC", "", "L1")
    trip.go_to(2760).mark(codes.MARK_INSPECTED, "NLUTC", "seal intact", "L1", outcome=codes.OUTCOME_PASS)
    return trip.go_to(2790).stop().read(keys)


def excursions(folder, keys):
    """Warm on the apron and at the reception, and 60 shocks at the handovers; one note is hostile."""
    knots = [
        (0, 4.5),
        (9, 5.0),
        (10, 9.6),
        (12, 10.4),
        (13.5, 5.5),
        (30, 4.2),
        (40, 5.5),
        (41, 12.8),
        (44, 13.6),
        (46, 13),
    ]
    at_h = [(2.6, 20), (9.5, 22), (26.0, 6), (39.5, 12)]
    shocks, number = [], 0
    for hour, count in at_h:
        for i in range(count):
            height_m = 0.1 + 0.05 * (number * 7 % 11) + (0.9 if number == 27 else 0.0)
            shocks.append(drop(hour * 3600 + 41 * i, height_m, number % 3, number))
            number += 1
    trip = WorldTrip(folder, stimulus(46, course(46, knots, seed=3), shocks), profile())
    trip.go_to(15).mark(codes.MARK_PACKED, "BEANR", "", "AB")
    trip.go_to(150).mark(codes.MARK_HANDED_OVER, "BEANR", "", "C7")
    trip.go_to(550).mark(codes.MARK_LOADED, "BEBRU", "", "G12")
    trip.go_to(1530).mark(codes.MARK_CUSTOMS_HOLD, "USATL", "<b>#strong[paid]</b> \u202e& $x$", "CU", proven=False)
    trip.go_to(1800).mark(codes.MARK_CUSTOMS_CLEARED, "USATL", "", "CU")
    trip.go_to(2350).mark(codes.MARK_DELIVERED, "USDFW", "", "L1")
    trip.go_to(2700).mark(codes.MARK_INSPECTED, "USDFW", "alarm; bag warm", "L1", outcome=codes.OUTCOME_FAIL)
    return trip.go_to(2720).stop().read(keys)


def undecidable(folder, keys):
    """Hours so close below 8 degC that the sensor's uncertainty covers the limit."""
    knots = [(0, 5.0), (8, 5.5), (10, 7.93), (16, 7.95), (18, 5.0), (30, 4.5)]
    world = stimulus(30, course(30, knots, seed=11, noise_c=0.005), [drop(5 * 3600, 0.3, 0, 4)])
    trip = WorldTrip(folder, world, profile())
    trip.go_to(30).mark(codes.MARK_PACKED, "DEHAM", "", "AB")
    trip.go_to(500).mark(codes.MARK_HANDED_OVER, "DEHAM", "", "C2")
    trip.go_to(1700).mark(codes.MARK_DELIVERED, "DKCPH", "", "L3")
    return trip.go_to(1750).stop().read(keys)


def gap(folder, keys):
    """Nine hours with the probe unplugged, and half an hour without power."""
    temperature = unplugged(course(40, [(0, 5.0), (20, 4.0), (40, 6.0)], seed=5), 8, 17)
    trip = WorldTrip(folder, stimulus(40, temperature, [drop(6 * 3600, 0.4, 1, 3)]), profile())
    trip.go_to(20).mark(codes.MARK_PACKED, "FRLYS", "", "AB")
    trip.go_to(470).mark(codes.MARK_HANDED_OVER, "FRLYS", "", "C4")
    trip.go_to(1500).lose_power(33)
    trip.go_to(2000).set_clock("G9").mark(codes.MARK_RECEIVED, "ESMAD", "", "G9")
    trip.go_to(2300).mark(codes.MARK_DELIVERED, "ESMAD", "", "L9")
    return trip.go_to(2350).stop().read(keys)


def altered(folder, keys):
    """The trip with the excursions: its delivery was moved to Fort Worth, all checks mended, the signature cut."""
    parts = parse_trail(excursions(folder, keys), Path("trip.trail")).parts()
    data = bytearray(b"".join(run for _, run in parts.runs))
    at = data.index(b"USDFW")
    _rewrite(memoryview(data)[at - at % SECTOR_SIZE :][:SECTOR_SIZE], b"USDFW", b"USFTW")
    return trail_bytes(replace(parts, runs=[(0, bytes(data))]))


def _rewrite(sector, old, new):
    """Change the first mark that says so, with a good check behind it."""
    sequence = unpack_checked(HEADER, sector, HEADER_AT, MAGIC_HEADER)[4]
    for at, kind, start, end in frames.scan_all(sector, FRAMES_AT, FRAMES_END, sequence)[0]:
        if kind == frames.MARK and old in bytes(sector[start:end]):
            frame = frames.build(kind, bytes(sector[start:end]).replace(old, new), frames.seed(sequence, at))
            sector[at : at + len(frame)] = frame
            return


TRIPS = {"clean": clean, "excursions": excursions, "undecidable": undecidable, "gap": gap, "altered": altered}
