"""A trip from a bare logger to verified readings, and what the logger refuses on the way."""

import csv
import dataclasses
import json
import time

import pytest

from celltrail.virtual import make_scenario
from celltrail_protocol import codes
from tests.e2e.conftest import HOUR_MS, MINUTE_MS, START_UTC_MS, bench, handled


def test_from_a_bare_logger_to_verified_readings(cli, start):
    pauses_ms = tuple(MINUTE_MS * at for at in (4, 200, 201))
    logger = start(handled(0.25), speed="max", pauses_ms=pauses_ms)
    device = ("-d", logger.address)

    def later():
        logger.wait_for("paused", 60)

    assert cli("status", *device, "--json").json["keyed"] is False
    name = cli("provision", *device, "--json").json["name"]
    receipt = cli("arm", "eager.toml", *device, "--yes", "--json", "--operator", "KB").json
    assert (receipt["name"], receipt["trip"], receipt["simulated"]) == (name, 1, True)
    later()
    assert cli("mark", "received", *device, "--place", "BEANR", "--json").json["proven"] is True
    later()
    middle = cli("download", *device, "-o", "middle.trail", "--json").json
    assert middle["verdict"]["verdict"] == "recording"
    assert middle["acknowledged"] is True
    later()
    cli("stop", *device, "--operator", "KB")
    end = cli("download", *device, "--json").json
    assert (end["file"], end["verdict"]["verdict"]) == (f"{name}-1.trail", "closed")
    assert cli("status", *device, "--json").json["unread"] in (0, False)
    verdict = cli("verify", end["file"], "--json").json
    channel = verdict["complete"]["channels"][0]
    assert channel["readings"] == channel["expected"] >= 197
    cli("show", end["file"])
    cli("export", "csv", end["file"], "-o", "readings.csv")
    assert len((cli.folder / "readings.csv").read_text().splitlines()) == channel["readings"] + 1


def test_a_trip_that_starts_by_command(cli, start):
    logger = start()
    device = ("-d", logger.address)
    cli("provision", *device)
    cli("arm", "2-8C", "--start", "command", "--yes", *device)
    assert cli("status", *device, "--json").json["state_name"] == "armed"
    cli("mark", "packed", *device)
    cli("start", *device)
    assert cli("status", *device, "--json").json["state_name"] == "logging"
    cli("stop", *device)
    assert cli("download", *device, "--json").json["verdict"]["verdict"] == "closed"


@pytest.mark.parametrize(("scenario", "profile"), [("dewar", "LN2"), ("dry-ice", "dry-ice")])
def test_a_cold_trip_with_a_platinum_probe(cli, start, scenario, profile):
    stimulus = make_scenario(
        scenario, seed=3, days=1, start_utc_ms=START_UTC_MS, models=(codes.MODEL_MAX31865, codes.MODEL_DS18B20)
    )
    logger = start(stimulus, speed="max")
    device = ("-d", logger.address)
    cli("provision", *device)
    cli("arm", profile, "--duration", "8h", "--yes", *device)
    while cli("status", *device, "--json").json["state_name"] == "logging":
        time.sleep(0.2)
    assert cli("download", *device, "-o", "cold.trail", "--json").json["verdict"]["verdict"] == "closed"
    cli("export", "csv", "cold.trail", "-o", "cold.csv")
    rows = list(csv.DictReader((cli.folder / "cold.csv").read_text().splitlines()))
    payload = [float(row["celsius"]) for row in rows if row["channel"] == "0"]
    assert len(payload) in (96, 97)
    assert min(payload) < {"LN2": -180, "dry-ice": -77}[profile]


def test_a_flight_with_barometer_and_clock_chip_over_a_power_cut(cli, start):
    flown = make_scenario("box", seed=3, days=1, start_utc_ms=START_UTC_MS, barometer=True)
    logger = start(dataclasses.replace(flown, clock_chip=True), speed="max", pauses_ms=(10 * HOUR_MS, 23 * HOUR_MS))
    device = ("-d", logger.address)
    cli("provision", *device)
    cli("arm", "2-8C", "--yes", *device)
    # Nobody has called yet, so the world stands still at this pause, the cut comes at this instant, and the pause holds
    # after it until a client has come and gone.
    logger.wait_for("paused", 60)
    logger.restart(off_ms=2 * HOUR_MS)
    logger.wait_for("paused", 60)
    cli("status", *device)
    assert int(logger.wait_for("paused", 60).split()[1]) >= 23 * HOUR_MS
    status = cli("status", *device, "--json").json
    assert status["models"] == [codes.MODEL_TMP117, codes.MODEL_BMP390]
    assert 700 < status["hectopascal"][0] < 1050
    assert status["clock"] is True
    cli("stop", *device)
    assert cli("download", *device, "-o", "flight.trail", "--json").json["verdict"]["verdict"] == "closed"
    shown = cli("show", "flight.trail", "--json").json
    (pressure,) = shown["pressures"]
    assert pressure["lowest_hPa"] < 800 < 1000 < pressure["highest_hPa"]
    assert shown["clock_flags"] == []
    # Both boots have a time: the first by the host, the second by the chip.
    document = cli("export", "json", "flight.trail", "-o", "flight.json")
    assert document.code == 0
    readings = json.loads((cli.folder / "flight.json").read_text())["readings"]
    assert None not in readings["utc"]


def test_a_trip_that_ends_by_itself(cli, start):
    logger = start(bench(0.2), speed="max")
    device = ("-d", logger.address)
    cli("provision", *device)
    cli("arm", "CRT", "--duration", "3h", "--yes", *device)
    while cli("status", *device, "--json").json["state_name"] == "logging":
        time.sleep(0.2)
    answer = cli("download", *device, "--json").json
    assert answer["verdict"]["verdict"] == "closed"
    assert answer["verdict"]["complete"]["channels"][0]["expected"] in (36, 37)


def test_the_receipt_pairs_tick_and_world(cli, start):
    logger = start(bench())
    cli("provision", "-d", logger.address)
    cli("arm", "CRT", "--yes", "-d", logger.address, "--receipt", "receipt.json")
    receipt = json.loads((cli.folder / "receipt.json").read_text())
    assert receipt["armed_utc"].startswith("2025-06-02T06:00:0")
    # Tick and world are looked at one after the other.
    assert 0 <= receipt["clock_offset_ms"] - START_UTC_MS <= 2


def test_what_a_logger_refuses(cli, start):
    logger = start()
    device = ("-d", logger.address)
    assert "has no trip to read" in cli("download", *device, expect=4).err
    assert "celltrail provision" in cli("arm", "2-8C", "--yes", *device, expect=4).err
    assert "can't take marks" in cli("mark", "packed", *device, expect=4).err
    cli("provision", *device)
    assert "has a device key already" in cli("provision", *device, expect=4).err
    assert "TMP117" in cli("arm", "LN2", "--yes", *device, expect=2).err
    cli("arm", "2-8C", "--yes", *device)
    assert "is logging and can't be armed" in cli("arm", "2-8C", "--yes", *device, expect=4).err
    assert "is logging and can't be erased" in cli("erase", "--yes", *device, expect=4).err
    cli("stop", *device)
    assert "holds unread data" in cli("arm", "2-8C", "--yes", *device, expect=4).err
    assert "holds unread data" in cli("erase", "--yes", *device, expect=4).err
    cli("erase", "--yes", "--discard-unread", *device)
    assert "has no trip to read" in cli("download", *device, expect=4).err
    assert cli("arm", "2-8C", "--yes", "--json", *device).json["trip"] == 2


def test_a_foreign_key_store_can_read_and_mark_and_nothing_else(cli, start, tmp_path):
    logger = start()
    device = ("-d", logger.address)
    cli("provision", *device)
    cli("arm", "2-8C", "--yes", *device)
    foreign = (*device, "--keys", tmp_path / "foreign")
    assert "there is no such key store" in cli("mark", "received", *foreign, expect=2).err
    (tmp_path / "foreign").mkdir(mode=0o700)
    assert "holds no key for" in cli("stop", *foreign, expect=4).err
    assert cli("mark", "received", "--json", *foreign).json["proven"] is False
    answer = cli("download", "--json", *foreign, expect=5).json
    assert answer["verdict"]["verdict"] == "not checkable"
    assert answer["acknowledged"] is False
    assert cli("status", "--json", *device).json["unread"]


def test_a_wrong_device_key(cli, start, tmp_path):
    from celltrail.keys.keystore import KeyStore

    logger = start()
    device = ("-d", logger.address)
    cli("provision", *device)
    uid = bytes.fromhex(cli("status", "--json", *device).json["uid"])
    KeyStore(tmp_path / "wrong").save_device_key(uid, "CT-WRONG", bytes(32))
    wrong = (*device, "--keys", tmp_path / "wrong")
    assert "does not accept this device key" in cli("arm", "2-8C", "--yes", *wrong, expect=4).err
    assert not list((tmp_path / "wrong").glob("pending/*"))
    cli("arm", "2-8C", "--yes", *device)


def test_ten_loggers_are_scanned(cli, start):
    loggers = [start(runtime="cpython") for _ in range(3)]
    words = [word for logger in loggers for word in ("--also", logger.address)]
    found = cli("scan", "--json", *words).json
    assert [one["address"] for one in found] == [logger.address for logger in loggers]
    assert all(one["state"] == "idle" for one in found)


def test_calibrations_travel_with_the_trip(cli, start):
    (cli.folder / "cal.toml").write_text(
        '[[channel]]\nnumber = 0\ncertificate = "LAB-17"\ndate = "2025-05-01"\nuncertainty_c = 0.05\n'
        "points = [[-0.02, 0.0], [8.03, 8.0]]\n"
    )
    logger = start(handled(0.1), speed="max", pauses_ms=(MINUTE_MS * 100,))
    device = ("-d", logger.address)
    made = cli("provision", "--calibration", "cal.toml", *device, "--operator", "LAB-7")
    assert made.out.count("ok ") == 4
    armed = cli("arm", "2-8C", "--yes", *device).err
    assert "calibration" not in armed
    logger.wait_for("paused", 60)
    cli("stop", *device)
    cli("download", *device, "-o", "trip.trail")
    evaluated = cli("evaluate", "trip.trail", "--json").json
    assert "LAB-17" in json.dumps(evaluated)
    events = [one for one in cli("show", "trip.trail", "--audit", "--json").json["audit"] if one["who"] == "LAB-7"]
    assert [one["what"] for one in events] == ["provision", "calibrate", "self-test"]
    # Another site, which has no file of calibrations, corrects the readings by the same certificate.
    assert "LAB-17" in (cli("report", "trip.trail", "-o", "trip.html"), (cli.folder / "trip.html").read_text())[1]
