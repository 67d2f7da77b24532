import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from celltrail.cli.main import run
from celltrail.errors import UsageFault
from celltrail.keys.keystore import KeyStore
from celltrail_protocol import codes, smp
from tests.host.fake_logger import KEY, UID, FakeLogger, OverTcp

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="nobody, not even root, can write into Linux's /proc")


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    for name in ("CELLTRAIL_DEVICE", "CELLTRAIL_OPERATOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CELLTRAIL_KEYS", str(tmp_path / "keys"))
    monkeypatch.chdir(tmp_path)
    KeyStore().save_device_key(UID, "CT-31A722", KEY)


@pytest.fixture
def logger():
    made = FakeLogger()
    made.state, made.unread = codes.STATE_STOPPED, False
    return made


@pytest.fixture
def device(logger):
    with OverTcp(logger) as served:
        yield served.address


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (".", "is a folder"),
        ("pipe", "is not a regular file"),
        pytest.param("/proc/r.json", "/proc/r.json", marks=LINUX),
    ],
)
def test_the_place_of_the_receipt_is_checked_before_arming(capsys, device, logger, path, words):
    os.mkfifo("pipe")
    assert run(["arm", "2-8C", "-d", device, "--yes", "--receipt", path]) == 2
    assert words in capsys.readouterr().err
    assert logger.commands == []


def test_a_copy_that_fails_later_does_not_hide_that_the_trip_is_armed(capsys, device, logger, mocker):
    mocker.patch("celltrail.cli.arm.save_receipt", side_effect=UsageFault("r.json: the disk is full"))
    assert run(["arm", "2-8C", "-d", device, "--yes", "--receipt", "r.json"]) == 2
    out, err = capsys.readouterr()
    assert "is armed: trip 8" in out
    assert "a copy" not in out
    assert "trip 8 is armed, its key and receipt are kept" in err
    assert "the disk is full" in err


def test_a_first_reading_that_is_missing_is_told_once_the_trip_is_kept(capsys, device, logger):
    logger.last = [None]
    assert run(["arm", "2-8C", "-d", device, "--yes"]) == 1
    out, err = capsys.readouterr()
    assert "is armed: trip 8" in out
    assert "channel 0 (TMP117) gave NO READING: `celltrail stop`, then `celltrail selftest`" in err
    assert KeyStore().trip(UID, 8) is not None


def test_the_first_reading_of_a_trip_is_awaited(capsys, device, logger):
    logger.slot, logger.last = 0, [None]
    asked = []

    def look(group, command):
        if logger.commands and (group, command) == (smp.GROUP_CELLTRAIL, smp.CMD_STATUS):
            asked.append(command)
            if len(asked) == 3:
                logger.slot, logger.last = 1, [640]

    logger.before_answer = look
    assert run(["arm", "2-8C", "-d", device, "--yes"]) == 0
    assert len(asked) == 3


def test_a_first_reading_that_never_comes_is_told(capsys, device, logger, mocker):
    mocker.patch("celltrail.operate.first_reading._LONGEST_S", 0.5)
    logger.slot = 0
    assert run(["arm", "2-8C", "-d", device, "--yes"]) == 3
    out, err = capsys.readouterr()
    assert "is armed: trip 8" in out
    assert "took no reading within 0.5 s" in err


def test_a_trip_that_is_started_without_a_reading_is_told(capsys, device, logger):
    logger.state, logger.last = codes.STATE_ARMED, [None]
    assert run(["start", "-d", device]) == 1
    out, err = capsys.readouterr()
    assert "is logging trip 7" in out
    assert "channel 0 (TMP117) gave NO READING" in err


def test_a_window_that_is_past_is_refused(capsys, device, logger):
    assert run(["arm", "2-8C", "-d", device, "--yes", "--radio-window", "2020-03-01T06:00Z/2h"]) == 2
    assert "ends 2020-03-01T08:00:00.000Z, which is past" in capsys.readouterr().err
    assert logger.commands == []


@pytest.mark.parametrize("option", ["--period", "--duration", "--delay"])
def test_a_span_without_its_unit_is_asked_for(capsys, option):
    assert run(["arm", "2-8C", option, "5"]) == 2
    assert f"{option} 5: of what? Write 5s, 5min, 5h or 5d" in capsys.readouterr().err


def test_a_trip_that_begins_later_is_not_waited_for(capsys, device, logger):
    logger.slot, logger.last = 0, [None]
    assert run(["arm", "2-8C", "-d", device, "--yes", "--start", "command"]) == 0


@pytest.mark.parametrize(
    ("option", "text", "bounds"),
    [
        ("--period", "1500ms", "1 s to 1 h"),
        ("--period", "1.5s", "1 s to 1 h"),
        ("--period", "0.5s", "1 s to 1 h"),
        ("--period", "2h", "1 s to 1 h"),
        ("--delay", "400d", "0 s to 31 d"),
        ("--duration", "10000d", "0 s to 400 d"),
    ],
)
def test_a_span_that_no_plan_can_hold_is_refused_with_its_bounds(capsys, option, text, bounds):
    assert run(["arm", "2-8C", option, text]) == 2
    err = capsys.readouterr().err
    assert f"{option} {text}:" in err
    assert bounds in err


def test_a_span_within_its_bounds_is_taken_as_it_is(device, logger):
    assert run(["arm", "2-8C", "-d", device, "--yes", "--period", "1.5min", "--delay", "31d", "--json"]) == 0


@pytest.mark.parametrize(
    "words", [("--start", "now", "--delay", "2h"), ("--start", "button", "--delay", "2h"), ("--start", "delay"),
              ("--delay", "0s")]
)  # fmt: skip
def test_a_delay_belongs_to_a_start_by_delay(capsys, words):
    assert run(["arm", "2-8C", *words]) == 2
    assert "delay" in capsys.readouterr().err


def test_nothing_to_erase(capsys, device, logger):
    logger.state, logger.sectors, logger.trip = codes.STATE_IDLE, [], 0
    assert run(["erase", "-d", device]) == 0
    assert "nothing to erase" in capsys.readouterr().out
    assert run(["erase", "-d", device, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "idle"
    assert logger.commands == []


def test_after_a_restart_no_readings_are_counted_as_none(capsys, device, logger):
    logger.state, logger.slot = codes.STATE_LOGGING, 0
    assert run(["status", "-d", device]) == 0
    out = capsys.readouterr().out
    assert "0 readings" not in out
    assert "7: a reading every 1 min, 4 sectors" in out


def test_an_armed_logger_tells_what_it_waits_for(capsys, device, logger, tmp_path):
    assert run(["arm", "2-8C", "-d", device, "--yes", "--start", "button"]) == 0
    capsys.readouterr()
    assert run(["status", "-d", device]) == 0
    assert "armed, starts by its button" in capsys.readouterr().out
    assert run(["status", "-d", device, "--keys", str(tmp_path / "none")]) == 0
    assert "armed\n" in capsys.readouterr().out


def test_the_receipt_may_replace_an_older_one(device, tmp_path):
    Path("r.json").write_text("old")
    assert run(["arm", "2-8C", "-d", device, "--yes", "--receipt", "r.json"]) == 0
    assert json.loads(Path("r.json").read_text())["trip"] == 8


@pytest.mark.parametrize(("battery_mV", "is_low"), [(3499, True), (3500, False), (0, False)])
def test_a_low_battery_is_told_before_arming(capsys, device, logger, battery_mV, is_low):
    logger.battery = battery_mV
    assert run(["arm", "2-8C", "-d", device, "--yes"]) == 0
    assert ("battery LOW" in capsys.readouterr().err) == is_low


_DAY_S = 86_400


def calibrated(days_ago, number=0):
    date = time.strftime("%Y-%m-%d", time.gmtime(time.time() - days_ago * _DAY_S))
    Path("cal.toml").write_text(
        f'[[channel]]\nnumber = {number}\ncertificate = "K-17"\ndate = "{date}"\nuncertainty_c = 0.08\n'
    )
    return "cal.toml"


@pytest.mark.parametrize(
    ("days_ago", "words"),
    [
        (363, None),
        (360, "K-17 of channel 0 will be older than 365 days before the trip's planned end"),
        (367, "K-17 of channel 0 is OLD, 367 days"),
        (-1, "K-17 of channel 0 is dated after today"),
    ],
)
def test_an_old_calibration_is_told_before_arming(capsys, device, logger, days_ago, words):
    logger.battery = 4000
    duration = "1d" if words is None else "10d"
    file = calibrated(days_ago)
    assert run(["arm", "2-8C", "-d", device, "--yes", "--duration", duration, "--calibration", file]) == 0
    err = capsys.readouterr().err
    assert (words or "") in err
    assert "unchecked" not in err
    assert words or "K-17" not in err


def test_a_thermometer_without_calibration_is_told_before_arming(capsys, device):
    file = calibrated(1, number=3)
    assert run(["arm", "2-8C", "-d", device, "--yes", "--calibration", file]) == 0
    err = capsys.readouterr().err
    assert "MISSING for channel 0" in err
    assert "channel 3: the logger has no such thermometer" in err


def test_arming_a_logger_that_keeps_no_calibrations_says_so(capsys, device):
    assert run(["arm", "2-8C", "-d", device, "--yes"]) == 0
    assert "calibration MISSING for channel 0" in capsys.readouterr().err


def test_a_calibration_file_that_makes_no_sense_is_refused_before_arming(capsys, device, logger):
    Path("cal.toml").write_text("[[channel]]\nnumber = 0\n")
    assert run(["arm", "2-8C", "-d", device, "--yes", "--calibration", "cal.toml"]) == 2
    assert "certificate" in capsys.readouterr().err
    assert logger.commands == []


def test_one_interrupt_ends_the_question(device, logger):
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "celltrail", "arm", "2-8C", "-d", device]
    process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    told = b""
    while b"[y/N]" not in told:
        told += os.read(ours, 4096)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    os.close(ours)
    assert logger.commands == []


def test_an_interrupt_while_it_arms_says_where_to_look(capsys, device, mocker):
    mocker.patch("celltrail.operate.arming.arm", side_effect=asyncio.CancelledError)
    assert run(["arm", "2-8C", "-d", device, "--yes"]) == 130
    assert "whether a trip began tells `celltrail status`" in capsys.readouterr().err


def test_an_interrupt_at_the_first_reading_does_not_hide_the_trip(capsys, device, logger, mocker):
    mocker.patch("celltrail.operate.first_reading._missing", side_effect=asyncio.CancelledError)
    assert run(["arm", "2-8C", "-d", device, "--yes"]) == 130
    out, err = capsys.readouterr()
    assert "is armed: trip 8" in out
    assert "the trip runs, and its first reading was not awaited" in err
