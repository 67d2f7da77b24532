"""The host's parsers as targets: bytes in; only declared errors are swallowed, all else is a finding."""

import gzip
from collections.abc import Callable
from importlib import resources

from codec_pairs import cbor_pair, series_pair, walk_pair
from device_targets import frame_seeds
from host_bench import FITTED, check_printable, declared, file_of, short_trip, vectors
from key_targets import (
    backup_file,
    backup_seeds,
    bundle_file,
    bundle_seeds,
    key_file,
    key_seeds,
    receipt,
    receipt_seeds,
    signer_file,
    signer_seeds,
)
from link_targets import client, client_seeds, part_file, part_seeds
from trail_builder import BUILDER_SEEDS
from trail_targets import built_trail, merge_seeds, merged, trail, trail_seeds

from celltrail.evaluate.calibration_record import from_record, to_record
from celltrail.evaluate.uncertainty import Calibration, load_calibrations
from celltrail.plans.plan_text import describe
from celltrail.plans.planning import to_plan
from celltrail.plans.profile import parse_profile
from celltrail.virtual.replay import read_readings, read_shock


def profile(data: bytes) -> None:
    """A profile in TOML, and the plan that it makes."""
    with declared():
        one = parse_profile(data, "x.toml")
        check_printable([one.name, one.title, *describe(to_plan(one, FITTED), FITTED)])


def calibrations(data: bytes) -> None:
    """A file of calibrations in TOML, and the bytes that a logger keeps; those of a record are any bytes."""
    with declared():
        to_record(load_calibrations(file_of("cal.toml", data)), FITTED, "cal.toml")
    for one in from_record(data, FITTED.channels).values():
        check_printable([one.certificate])


def replay(data: bytes) -> None:
    """A CSV file, or a packed one, for a virtual logger's world; a shock too."""
    name = "x.csv.gz" if data[:2] == b"\x1f\x8b" else "x.csv"
    path = file_of(name, data)
    with declared():
        read_readings(path)
    with declared():
        read_shock(f"{path}@1s")


# Seeds


def profile_seeds() -> list[bytes]:
    folder = resources.files("celltrail.plans") / "profiles"
    made = [(folder / f"{name}.toml").read_bytes() for name in ("2-8C", "CRT", "LN2", "dry-ice")]
    radio = (
        b'name = "x"\ntitle = "y"\nperiod_s = 60\n[radio]\npolicy = "asked"\nask_by = ["knock"]\nknock_g = 2.5\n'
        b'[[radio.window]]\nat = "06:00"\nfor_s = 3600\n[radio.flight]\nmotion_g = 0.1\n'
    )
    return [*made, radio, b'name = "x"\ntitle = "y"\nperiod_s = 60\n[[alarm]]\nside = "high"\nlimit_c = 1e-99\n']


def calibration_seeds() -> list[bytes]:
    table = (
        b'[[channel]]\nnumber = 0\ncertificate = "C-17"\ndate = "2026-01-15"\nuncertainty_c = 0.05\n'
        b"points = [[-0.02, 0.0], [8.03, 8.0]]\n"
    )
    one = Calibration("C-17", 20_000 * 86_400_000, 0.05, 0.02, 0.1, ((-0.02, 0.0), (8.03, 8.0)))
    return [table, to_record({0: one}, FITTED, "")]


def replay_seeds() -> list[bytes]:
    readings = b"utc,temperature_c,temperature_c_2\n2025-03-01T08:00:00Z,5.0,\n2025-03-01T08:01:00+01:00,5.1,6\n"
    shock = b"t_s,x_g,y_g,z_g\n0,0,0,1\n0.001,20,0,1\n"
    return [readings, shock, gzip.compress(readings, mtime=0)]


def walk_seeds() -> list[bytes]:
    """Whole sectors, of one ring, with their own sequences, and sectors of vectors that are no trip's."""
    made = [seed[1:] for seed in frame_seeds() if not seed[0]]
    forge = short_trip()
    numbered = enumerate([*forge.sealed, bytes(forge.sector)], 40)
    return made + [number.to_bytes(4, "little") + sector for number, sector in numbered]


# name: (function, seeds, the most bytes of an input)
HOST_TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]], int]] = {
    "trail": (trail, trail_seeds, 40_000),
    "record": (built_trail, lambda: list(BUILDER_SEEDS), 6000),
    "merge": (merged, merge_seeds, 12_000),
    "cbor-pair": (cbor_pair, lambda: vectors("cbor"), 1200),
    "walk-pair": (walk_pair, walk_seeds, 4100),
    "series-pair": (series_pair, lambda: __import__("device_targets").series_seeds(), 260),
    "part": (part_file, part_seeds, 20_000),
    "receipt": (receipt, receipt_seeds, 4000),
    "keys": (key_file, key_seeds, 4000),
    "bundle": (bundle_file, bundle_seeds, 4000),
    "backup": (backup_file, backup_seeds, 4000),
    "signers": (signer_file, signer_seeds, 4000),
    "profile": (profile, profile_seeds, 4000),
    "calibrations": (calibrations, calibration_seeds, 2000),
    "replay": (replay, replay_seeds, 4000),
    "client": (client, client_seeds, 12_000),
}
