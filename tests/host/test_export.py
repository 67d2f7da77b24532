import csv
import json
import os
from pathlib import Path

import pytest
from pyarrow import parquet

from celltrail.cli.export import shocks_path
from celltrail.cli.main import run
from celltrail.errors import UsageFault
from celltrail.evidence.trail import parse_trail, trail_bytes, write_trail
from celltrail.evidence.verify import check_trail
from celltrail.keys.keystore import KeyStore
from celltrail.utc import iso, parse
from celltrail.views import export_csv, export_json, export_parquet
from celltrail_protocol import codes, frames
from tests.host.forge import K0, START_UTC_MS, TMP117, UID, Forge, five_days


def checked(parts, keys=None):
    return check_trail(parse_trail(trail_bytes(parts), Path("a.trail")), keys)


def two_channels():
    """Six slots of two channels, with one of each kind of missing reading and a hole at slot 5."""
    forge = Forge(channels=(TMP117, TMP117))
    forge.arm()
    forge.begin()
    forge.readings(0, [640, 641, 642])
    forge.readings(0, [-1000, -1001], channel=1)
    forge.missing(2, 1, codes.FAULT_OPEN, channel=1)
    forge.gap(3, 1)
    forge.readings(4, [643])
    forge.readings(4, [-1002], channel=1)
    forge.readings(6, [644])
    forge.readings(6, [-1003], channel=1)
    return forge


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_each_slot_and_channel_has_its_row(tmp_path):
    export_csv.write_readings(checked(two_channels().running_parts()), tmp_path / "r.csv")
    rows = rows_of(tmp_path / "r.csv")
    assert [(int(row["slot"]), int(row["channel"]), row["raw"], row["status"]) for row in rows] == [
        (0, 0, "640", "ok"), (0, 1, "-1000", "ok"),
        (1, 0, "641", "ok"), (1, 1, "-1001", "ok"),
        (2, 0, "642", "ok"), (2, 1, "", "probe open"),
        (3, 0, "", "logger was busy"), (3, 1, "", "logger was busy"),
        (4, 0, "643", "ok"), (4, 1, "-1002", "ok"),
        (5, 0, "", "unaccounted for"), (5, 1, "", "unaccounted for"),
        (6, 0, "644", "ok"), (6, 1, "-1003", "ok"),
    ]  # fmt: skip
    assert all((row["raw"] == "") == (row["celsius"] == "") for row in rows)


def test_times_and_temperatures_are_right(tmp_path):
    export_csv.write_readings(checked(two_channels().running_parts()), tmp_path / "r.csv")
    first, last = rows_of(tmp_path / "r.csv")[0], rows_of(tmp_path / "r.csv")[-1]
    assert first["utc"] == iso(START_UTC_MS + 5000)
    assert (first["boot"], first["tick_ms"], first["celsius"]) == ("1", "10000", "5.0000")
    assert parse(last["utc"]) - parse(first["utc"]) == 6 * 60_000
    # 50 ms of uncertainty and 50 ppm of 5 s, rounded up.
    assert first["utc_bound_ms"] == "53"


def test_an_unknown_time_is_empty_not_wrong(tmp_path):
    forge = Forge()
    forge.begin()
    forge.readings(0, [1, 2])
    export_csv.write_readings(checked(forge.running_parts()), tmp_path / "r.csv")
    assert [(row["utc"], row["utc_bound_ms"], row["tick_ms"]) for row in rows_of(tmp_path / "r.csv")] == [
        ("", "", "10000"),
        ("", "", "70000"),
    ]


def test_a_shock_is_a_row_in_si_units(tmp_path):
    made = checked(five_days().closed_parts())
    export_csv.write_shocks(made, tmp_path / "s.csv")
    (row,) = rows_of(tmp_path / "s.csv")
    # 0.1 g a step, 1600 samples a second.
    assert float(row["peak_x_m_s2"]) == pytest.approx(34.0 * 9.80665, abs=1e-3)
    assert float(row["base_z_m_s2"]) == pytest.approx(1.0 * 9.80665, abs=1e-3)
    assert float(row["velocity_x_m_s"]) == pytest.approx(510 * 0.1 * 9.80665 / 1600, abs=1e-4)
    assert (row["duration_ms"], row["window_samples"], row["waveform"]) == ("2.500", "64", "stored")


def test_waveforms_are_files_of_their_own(tmp_path):
    (path,) = export_csv.write_waves(checked(five_days().closed_parts()), tmp_path / "waves")
    rows = rows_of(path)
    assert path.name == "shock-0000.csv"
    assert len(rows) == 64
    assert (rows[0]["time_ms"], rows[16]["time_ms"], rows[17]["time_ms"]) == ("-10.0000", "0.0000", "0.6250")
    assert float(rows[18]["x_m_s2"]) == pytest.approx(34.0 * 9.80665, abs=1e-3)


def test_parquet_holds_the_same_rows_and_says_where_they_come_from(tmp_path):
    made = checked(two_channels().running_parts())
    export_csv.write_readings(made, tmp_path / "r.csv")
    export_parquet.write_readings(made, tmp_path / "r.parquet")
    table = parquet.read_table(tmp_path / "r.parquet")
    for row, line in zip(table.to_pylist(), rows_of(tmp_path / "r.csv"), strict=True):
        assert row["utc"].isoformat(timespec="milliseconds") == line["utc"].replace("Z", "+00:00")
        assert (row["slot"], row["channel"], row["status"]) == (int(line["slot"]), int(line["channel"]), line["status"])
        assert ("" if row["raw"] is None else str(row["raw"])) == line["raw"]
        assert ("" if row["celsius"] is None else f"{row['celsius']:.4f}") == line["celsius"]
    facts = table.schema.metadata
    assert facts[b"celltrail.evidence.verdict"] == made.verdict.word.encode()
    assert facts[b"celltrail.trail_sha256"] == made.verdict.digest.hex().encode()


def test_parquet_shocks_carry_their_waveform(tmp_path):
    export_parquet.write_shocks(checked(five_days().closed_parts()), tmp_path / "s.parquet")
    (row,) = parquet.read_table(tmp_path / "s.parquet").to_pylist()
    assert len(row["wave_x_m_s2"]) == 64
    assert max(row["wave_x_m_s2"]) == pytest.approx(34.0 * 9.80665)


def test_the_json_document_holds_readings_and_events(tmp_path):
    export_json.write_record(checked(five_days().closed_parts()), tmp_path / "a.json")
    document = json.loads((tmp_path / "a.json").read_text())
    readings = document["readings"]
    assert {len(column) for column in readings.values()} == {7200}
    assert readings["status"][1000] == "sensor does not answer"
    assert readings["celsius"][1000] is None
    assert [state["state"] for state in document["states"]] == ["armed", "logging", "stopped"]
    assert document["verify"]["verdict"] == "not checkable"


def test_the_same_trip_gives_the_same_bytes(tmp_path):
    for number in range(2):
        made = checked(five_days().closed_parts())
        export_csv.write_readings(made, tmp_path / f"{number}.csv")
        export_parquet.write_readings(made, tmp_path / f"{number}.parquet")
        export_json.write_record(made, tmp_path / f"{number}.json")
    for ending in ("csv", "parquet", "json"):
        assert (tmp_path / f"0.{ending}").read_bytes() == (tmp_path / f"1.{ending}").read_bytes()


def test_an_absurd_gap_is_refused_and_not_written_out(tmp_path):
    forge = Forge()
    forge.begin()
    forge.readings(0, [1])
    forge.frame(frames.GAP, 1, 4_000_000_000, codes.GAP_LATE)
    with pytest.raises(UsageFault, match="slots without a reading"):
        export_csv.write_readings(checked(forge.running_parts()), tmp_path / "r.csv")


@pytest.mark.parametrize(
    ("out", "shocks"),
    [("readings.csv", "shocks.csv"), ("x.csv", "x-shocks.csv"), ("a-readings.parquet", "a-shocks.parquet")],
)
def test_where_the_shocks_go(out, shocks):
    assert shocks_path(Path("d") / out) == Path("d") / shocks


@pytest.fixture
def trip(tmp_path):
    KeyStore(tmp_path / "keys").save_trip(UID, 3, K0)
    write_trail(tmp_path / "t.trail", five_days().closed_parts())
    return tmp_path / "t.trail"


@pytest.mark.parametrize("kind", ["csv", "parquet", "json"])
def test_the_command_writes_and_says_what_it_wrote(kind, trip, tmp_path, capsys):
    out = tmp_path / f"readings.{kind}"
    assert run(["export", kind, str(trip), "-o", str(out), "--keys", str(tmp_path / "keys")]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"wrote {out}" in captured.err
    assert "CLOSED: complete and untouched" in captured.err
    assert out.exists()
    assert (tmp_path / f"shocks.{kind}").exists() == (kind != "json")


def test_a_place_that_is_not_there_is_one_line(trip, tmp_path, capsys):
    out = tmp_path / "no" / "readings.csv"
    assert run(["export", "csv", str(trip), "-o", str(out), "--keys", str(tmp_path / "keys")]) == 2
    assert "no such file or folder" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["csv", "parquet", "json"])
def test_no_export_replaces_a_read_out(kind, trip, tmp_path, capsys):
    other = tmp_path / "shocks.x"
    other.write_bytes(trip.read_bytes())
    damaged = tmp_path / "damaged.trail"
    damaged.write_bytes(b"?" + trip.read_bytes()[1:])
    before = trip.read_bytes()
    # Itself, another one, as the second file of an export, and a damaged one whose first bytes are not its own.
    cases = [(trip, trip), (trip, other), (damaged, damaged)] + [(trip, tmp_path / "readings.x")] * (kind != "json")
    for source, out in cases:
        words = ["export", kind, str(source), "-o", str(out), "--damaged", "--keys", str(tmp_path / "keys")]
        assert run(words) == 2
        assert "the evidence" in capsys.readouterr().err
    assert trip.read_bytes() == other.read_bytes() == before
    assert damaged.read_bytes() == b"?" + before[1:]
    assert not (tmp_path / "readings.x").exists()


@pytest.mark.parametrize("kind", ["csv", "parquet", "json"])
def test_only_plain_files_are_replaced(kind, trip, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for out, words in (("folder", "is a folder"), ("pipe", "is a device or the like"), ("-", "standard output")):
        assert run(["export", kind, str(trip), "-o", out, "--keys", str(tmp_path / "keys")]) == 2
        assert words in capsys.readouterr().err
    assert (tmp_path / "pipe").is_fifo()
    assert not (tmp_path / "-").exists()


def test_an_export_tells_the_verdict_and_does_not_judge(trip, tmp_path, capsys):
    (tmp_path / "empty").mkdir(mode=0o700)
    out = tmp_path / "readings.csv"
    assert run(["export", "csv", str(trip), "-o", str(out), "--keys", str(tmp_path / "empty")]) == 0
    assert "NOT CHECKABLE: complete; seals not checked" in capsys.readouterr().err
    run(["export", "--help"])
    assert "doesn't judge" in capsys.readouterr().out
