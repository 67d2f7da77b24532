"""Tests of celltrail.virtual.replay and prepare: recordings are read exactly, or refused with their row."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from celltrail.errors import UsageFault
from celltrail.utc import parse
from celltrail.virtual.prepare import Request, prepare
from celltrail.virtual.replay import merge_shocks, parse_span_ms, read_readings, read_shock
from celltrail.virtual.stimulus import UNPLUGGED
from celltrail_protocol import codes


def write(folder: Path, text: str, name: str = "readings.csv") -> Path:
    path = folder / name
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def readings(folder: Path, *rows: str, header: str = "utc,temperature_c"):
    return read_readings(write(folder, "\n".join([header, *rows]) + "\n"))


GOOD = "2025-03-01T12:00:00Z,5.0"
SHOCK = "t_s,x_g,y_g,z_g\n0,0,0,1\n0.001,10,0,1\n0.002,0,0,1\n"


# --- readings ---


def test_rows_are_held_and_blanks_are_unplugged(tmp_path):
    found = readings(tmp_path, GOOD, "2025-03-01T12:00:10.5Z,", "2025-03-01T12:01:00Z,-3.141592")
    assert found.start_utc_ms == parse("2025-03-01T12:00:00Z")
    assert found.duration_ms == 60_000
    [probe] = found.temperatures
    assert probe.at_ms.tolist() == [0, 10_500, 60_000]
    assert probe.micro_C.tolist() == [5_000_000, UNPLUGGED, -3_141_592]
    held = probe.celsius_at([0, 10_499, 10_500, 59_999, 60_000, 10**9])
    assert np.array_equal(held, [5, 5, np.nan, np.nan, -3.141592, -3.141592], equal_nan=True)


def test_last_row_of_an_instant_wins_even_if_blank(tmp_path):
    found = readings(tmp_path, GOOD, "2025-03-01T12:00:00Z,6.0", "2025-03-01T12:00:00Z,")
    assert found.temperatures[0].micro_C.tolist() == [UNPLUGGED]


def test_offsets_from_utc_are_understood(tmp_path):
    found = readings(tmp_path, GOOD, "2025-03-01T14:00:30+02:00,5.1")
    assert found.temperatures[0].at_ms.tolist() == [0, 30_000]


def test_other_columns_are_ignored_and_four_channels_found(tmp_path):
    header = "light,temperature_c_2,utc,temperature_c,temperature_c_3,temperature_c_4"
    found = readings(tmp_path, "x,2,2025-03-01T12:00:00Z,1,3,4", header=header)
    assert [probe.micro_C[0] / 1e6 for probe in found.temperatures] == [1, 2, 3, 4]


def test_named_columns(tmp_path):
    path = write(tmp_path, "utc,probe b,probe a\n2025-03-01T12:00:00Z,2,1\n")
    found = read_readings(path, ("probe a", "probe b"))
    assert [probe.micro_C[0] / 1e6 for probe in found.temperatures] == [1, 2]


def test_world_can_start_elsewhere(tmp_path):
    path = write(tmp_path, f"utc,temperature_c\n{GOOD}\n2025-03-01T12:01:00Z,6\n")
    found = read_readings(path, start_utc_ms=parse("2025-03-01T12:00:30Z"))
    assert found.temperatures[0].at_ms.tolist() == [-30_000, 30_000]
    assert found.duration_ms == 30_000
    with pytest.raises(UsageFault, match="ends before"):
        read_readings(path, start_utc_ms=parse("2026-01-01T00:00:00Z"))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2025-03-01T12:00:10Z,warm", "row 3: temperature_c is 'warm', not a number"),
        ("2025-03-01T12:00:10Z,nan", "row 3: temperature_c is 'nan'; leave a cell blank"),
        ("2025-03-01T12:00:10Z,inf", "row 3: temperature_c is 'inf'; leave a cell blank"),
        ("2025-03-01T12:00:10Z,-999", "row 3: temperature_c is -999, not within -273.15 to 1000"),
        ("2025-03-01T11:59:59Z,5", "row 3: the time 2025-03-01T11:59:59Z lies before that of the row above"),
        ("yesterday,5", "row 3: 'yesterday' is not an instant"),
        (",5", "row 3: '' is not an instant"),
        ("2025-03-01T12:00:10,5", "row 3: '2025-03-01T12:00:10' lacks its offset from UTC"),
        ("2025-03-01T12:00:10Z", "row 3: has 1 cells, the header has 2"),
        ("2025-03-01T12:00:10Z,5,6", "row 3: has 3 cells, the header has 2"),
    ],
)
def test_bad_row_is_named(row, message, tmp_path):
    with pytest.raises(UsageFault) as caught:
        readings(tmp_path, GOOD, row)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "readings.csv"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "row 1: lacks the column utc"),
        ("utc,temp\n", "row 1: lacks the column temperature_c (columns: utc, temp)"),
        ("utc,temperature_c,utc\n", "row 1: has more than one column utc"),
        ("utc,temperature_c\n", "has no rows"),
        ("utc,temperature_c\n1969-12-31T23:59:59Z,5\n", "begins before 1970"),
    ],
)
def test_bad_file_is_refused(text, message, tmp_path):
    with pytest.raises(UsageFault) as caught:
        read_readings(write(tmp_path, text))
    assert message in str(caught.value)


def test_missing_file_is_told(tmp_path):
    with pytest.raises(UsageFault, match="no such file"):
        read_readings(tmp_path / "none.csv")
    with pytest.raises(UsageFault, match="folder"):
        read_readings(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(junk=st.binary(max_size=200), packed=st.booleans())
def test_junk_raises_only_declared_errors(junk, packed, tmp_path):
    path = tmp_path / ("junk.csv.gz" if packed else "junk.csv")
    path.write_bytes(gzip.compress(b"utc")[: len(junk) % 20] + junk if packed else b"utc,temperature_c\n" + junk)
    with pytest.raises(UsageFault):
        read_readings(path)
    with pytest.raises(UsageFault):
        read_shock(str(path))


# --- shocks ---


@pytest.mark.parametrize("name", ["window.csv", "window.csv.gz"])
@pytest.mark.parametrize(("offset", "at_us"), [("", 60_000_000), ("@90s", 90_000_000), ("@1.5h", 5_400_000_000)])
def test_shock_happens_at_its_offset(name, offset, at_us, tmp_path):
    shock = read_shock(f"{write(tmp_path, SHOCK, name)}{offset}")
    assert shock.at_us.tolist() == [at_us, at_us + 1000, at_us + 2000]
    assert shock.xyz_g.tolist() == [[0, 0, 1], [10, 0, 1], [0, 0, 1]]


def test_first_row_happens_at_the_offset_whatever_its_time(tmp_path):
    path = write(tmp_path, "t_s,x_g,y_g,z_g\n7.5,0,0,1\n7.6,0,0,1\n")
    assert read_shock(f"{path}@10s").span_us == (10_000_000, 10_100_000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t_s,x_g,y_g\n", "row 1: lacks the column z_g"),
        ("t_s,x_g,y_g,z_g\n0,0,0,1\n", "at least two rows"),
        ("t_s,x_g,y_g,z_g\n0,0,0,1\n0,0,0,1\n", "row 3: t_s must rise"),
        ("t_s,x_g,y_g,z_g\n0,0,0,1\n0.1,0,,1\n", "row 3: y_g is '', not a number"),
        ("t_s,x_g,y_g,z_g\n0,0,0,1\n0.1,0,1e9,1\n", "row 3: y_g is 1e9, not within"),
    ],
)
def test_bad_shock_is_refused(text, message, tmp_path):
    with pytest.raises(UsageFault) as caught:
        read_shock(str(write(tmp_path, text)))
    assert message in str(caught.value)


def test_replayed_shocks_displace_drawn_ones_but_not_each_other(tmp_path):
    path = write(tmp_path, SHOCK)
    early, late = read_shock(f"{path}@10s"), read_shock(f"{path}@20s")
    drawn = (read_shock(f"{path}@10.001s"), read_shock(f"{path}@15s"))
    assert merge_shocks((late, early), drawn) == (early, drawn[1], late)
    with pytest.raises(UsageFault, match="overlap"):
        merge_shocks((early, drawn[0]))


@pytest.mark.parametrize(
    ("text", "span_ms"),
    [("90", 90_000), ("90s", 90_000), ("250ms", 250), ("15m", 900_000), ("1.5 D", 129_600_000)],
)
def test_spans(text, span_ms):
    assert parse_span_ms(text) == span_ms


@pytest.mark.parametrize("text", ["", "h", "-5s", "5q", "1e3s", "5s5", "5 5"])
def test_bad_span(text):
    with pytest.raises(UsageFault):
        parse_span_ms(text)


# --- requests ---


def test_replay_fits_a_thermometer_for_each_column(tmp_path):
    path = write(tmp_path, "utc,temperature_c,temperature_c_2\n2025-03-01T12:00:00Z,1,2\n")
    assert len(prepare(Request(readings=path)).temperatures) == 2
    assert len(prepare(Request(readings=path, sensors="tmp117")).temperatures) == 1
    with pytest.raises(UsageFault, match="2 columns for 3"):
        prepare(Request(readings=path, sensors="tmp117,tmp117,tmp117"))


def test_replay_lasts_as_long_as_its_longest_part(tmp_path):
    path = write(tmp_path, f"utc,temperature_c\n{GOOD}\n")
    shock = write(tmp_path, SHOCK, "shock.csv")
    stimulus = prepare(Request(readings=path, shocks=(f"{shock}@1h",)))
    assert stimulus.duration_ms == 3_600_002
    assert len(stimulus.shocks) == 1


def test_request_is_carried_into_the_stimulus():
    request = Request(
        scenario="bench",
        days=1,
        start="2025-03-01T12:00:00Z",
        sensors="tmp117,DS18B20",
        accel="adxl345",
        presses=("2h:5s", "1h"),
    )
    stimulus = prepare(request)
    assert stimulus.start_utc_ms == parse("2025-03-01T12:00:00Z")
    assert stimulus.duration_ms == 86_400_000
    assert len(stimulus.temperatures) == 2
    assert stimulus.models == (codes.MODEL_TMP117, codes.MODEL_DS18B20)
    assert stimulus.accelerometer == codes.MODEL_ADXL345
    assert stimulus.presses_ms == ((3_600_000, 200), (7_200_000, 5000))


@pytest.mark.parametrize(
    "request_",
    [
        Request(accel="bmi270"),
        Request(sensors="tmp117,mcp9600"),
        Request(sensors="tmp117," * 4 + "tmp117"),
        Request(sensors=""),
        Request(columns=("a",)),
        Request(readings=Path("x.csv"), days=3),
        Request(scenario="moon"),
        Request(days=1000),
        Request(days=float("nan")),
        Request(seed=-1),
        Request(start="noon"),
        Request(start="1960-01-01T00:00:00Z"),
        Request(presses=("soon",)),
    ],
)
def test_bad_request_is_refused(request_):
    with pytest.raises(UsageFault) as caught:
        prepare(request_)
    assert "\n" not in str(caught.value)
