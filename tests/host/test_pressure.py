"""A barometer's channel through the host's tools: record, show, exports, and no part in a verdict on temperature."""

import csv
import json
from pathlib import Path

import pytest
from pyarrow import parquet

from celltrail.evaluate.evaluation import evaluate
from celltrail.evaluate.rules import rules_as_armed
from celltrail.evidence.decode import read_record
from celltrail.evidence.trail import parse_trail, trail_bytes
from celltrail.evidence.verify import check_trail
from celltrail.views import export_csv, export_json, export_parquet
from celltrail.views.show_text import summary_lines
from celltrail.views.summary import summarize, to_json
from celltrail_protocol import codes
from tests.host.forge import TMP117, Forge, a_plan

BMP390 = (codes.MODEL_BMP390, 4_000_000_000, 7500, 31250, 50_000)
ALARM = [0, codes.ALARM_HIGH, codes.ALARM_SINGLE, 1024, 0]


def flown(channels=(TMP117, BMP390)):
    """Four slots, of which the barometer missed one."""
    forge = Forge(channels=channels, settings=a_plan(alarms=[ALARM]))
    forge.arm()
    forge.begin()
    forge.readings(0, [640, 641, 642, 643])
    forge.readings(0, [25331, 22500, 19750], channel=1)
    forge.missing(3, 1, codes.FAULT_BUS, channel=1)
    return forge.running_parts()


@pytest.fixture
def checked():
    return check_trail(parse_trail(trail_bytes(flown()), Path("a.trail")), None)


def test_record_keeps_pressure_apart_from_temperature(checked):
    record = checked.record
    assert [channel.number for channel in record.channels] == [0]
    (barometer,) = record.pressures
    assert (barometer.number, barometer.hectopascal.tolist()) == (1, [1013.24, 900.0, 790.0])
    assert record.fitted.sensors[1].range_text() == "300 to 1250 hPa"
    assert (barometer.sensor.uncertainty, barometer.sensor.unit) == (0.5, "hPa")
    assert record.readings == 7


def test_completeness_covers_the_barometer(checked):
    assert checked.verdict.complete
    assert [one.channel for one in checked.verdict.coverage] == [0, 1]
    assert not checked.verdict.holes


def test_show_tells_hectopascal(checked):
    summary = summarize(checked)
    assert "channel 1  BMP390, 3 readings: lowest 790.0, mean 901.1, highest 1013.2 hPa" in summary_lines(summary)
    (told,) = to_json(summary)["pressures"]
    assert (told["channel"], told["sensor"], told["readings"], told["lowest_hPa"]) == (1, "BMP390", 3, 790.0)
    assert len(to_json(summary)["channels"]) == 1


def test_exports_have_a_column_of_their_own(checked, tmp_path):
    export_csv.write_readings(checked, tmp_path / "r.csv")
    rows = list(csv.DictReader((tmp_path / "r.csv").read_text().splitlines()))
    told = [(row["channel"], row["celsius"], row["hectopascal"], row["status"]) for row in rows]
    assert told[:2] == [("0", "5.0000", "", "ok"), ("1", "", "1013.24", "ok")]
    assert told[-1] == ("1", "", "", "bus error")
    export_parquet.write_readings(checked, tmp_path / "r.parquet")
    table = parquet.read_table(tmp_path / "r.parquet").to_pylist()
    assert [(row["celsius"], row["hectopascal"]) for row in table[:2]] == [(5.0, None), (None, 1013.24)]
    readings = json.loads(json.dumps(export_json.record_json(checked)))["readings"]
    assert readings["celsius"][:2] == [5.0, None]
    assert readings["hectopascal"] == [None, 1013.24, None, 900.0, None, 790.0, None, None]


def test_verdict_on_temperature_does_not_look_at_it(checked):
    made = evaluate(checked, rules_as_armed(checked.record))
    assert [one.series.number for one in made.channels] == [0]
    assert made.answer == "in"


def test_pressure_before_temperature_is_refused():
    record = read_record(parse_trail(trail_bytes(flown((BMP390, TMP117))), Path("a.trail")))
    assert record.channels == record.pressures == ()
    assert any("a channel of pressure before one of temperature" in flaw.text for flaw in record.flaws)
