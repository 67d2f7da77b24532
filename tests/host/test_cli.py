import json
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
import typer

from celltrail.cli.main import COMMANDS, run
from celltrail.keys.keystore import KeyStore
from celltrail_protocol import codes, smp
from tests.host.fake_logger import KEY, UID, FakeLogger, OverPty, OverTcp


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path, mocker):
    """No setting, key store or serial port of this computer gets into the tests."""
    for name in ("CELLTRAIL_DEVICE", "CELLTRAIL_OPERATOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CELLTRAIL_KEYS", str(tmp_path / "keys"))
    monkeypatch.chdir(tmp_path)
    mocker.patch("celltrail.link.discovery.comports", return_value=[])
    KeyStore().save_device_key(UID, "CT-31A722", KEY)


@pytest.fixture
def logger():
    return FakeLogger()


@pytest.fixture
def device(logger):
    with OverTcp(logger) as served:
        yield served.address


def in_words(capsys):
    out, err = capsys.readouterr()
    return out, err


def test_help_names_every_command(capsys):
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {name} " in out for name in COMMANDS)
    assert "Examples:" in out


@pytest.mark.parametrize(
    "command", ["scan", "provision", "arm", "status", "start", "mark", "stop", "erase", "download", "merge", "demo"]
)
def test_each_command_has_help_with_examples(capsys, command):
    assert run([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert "Examples:" in out
    assert f"celltrail {command}" in out


def test_version(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("celltrail ")


@pytest.mark.parametrize(
    "words",
    [["nonsense"], ["status", "--nonsense"], ["mark"], ["status", "-d", "nonsense"], ["arm", "nonsense.toml"],
     ["arm", "2-8C", "--period", "often"], ["arm", "2-8C", "--start", "never"], ["mark", "eaten"],
     ["stop", "--operator", "a name that is long"], ["download", "--all", "--trip", "1"]],
)  # fmt: skip
def test_usage_faults(capsys, words):
    assert run(words) == 2
    out, err = in_words(capsys)
    assert out == ""
    assert "Traceback" not in err
    assert err.strip()


def test_no_device_in_reach(capsys):
    assert run(["status"]) == 3
    assert capsys.readouterr().err == (
        "celltrail: no logger in reach; plug one in, or name it: -d serial:///dev/ttyACM0 or -d ble://CT-3F2A91\n"
    )


def test_a_device_from_the_environment(capsys, device, monkeypatch):
    monkeypatch.setenv("CELLTRAIL_DEVICE", device)
    assert run(["status"]) == 0
    assert "CT-31A722" in capsys.readouterr().out


def test_status_for_people(capsys, device):
    assert run(["status", "-d", device]) == 0
    out = capsys.readouterr().out
    assert "logging (by command)" in out
    assert "5.00 degC (TMP117)" in out


@pytest.mark.parametrize(
    ("state", "slot", "words"),
    [
        (codes.STATE_LOGGING, 5, "NO READING (TMP117): check the sensor and its wires"),
        (codes.STATE_LOGGING, 0, "none yet (TMP117)\n"),
        (codes.STATE_ARMED, 0, "none yet (TMP117)\n"),
        (codes.STATE_IDLE, 0, "no trip has read it (TMP117); `celltrail selftest` shows what it reads"),
    ],
)
def test_status_says_why_there_is_no_reading(capsys, logger, device, state, slot, words):
    logger.state, logger.slot, logger.last = state, slot, [None]
    assert run(["status", "-d", device]) == 0
    assert words in capsys.readouterr().out


def test_status_for_scripts(capsys, device):
    assert run(["status", "-d", device, "--json"]) == 0
    out, err = in_words(capsys)
    answer = json.loads(out)
    assert (answer["uid"], answer["state_name"], answer["celsius"]) == (UID.hex(), "logging", [5.0])
    assert err == ""


def test_scan(capsys, device):
    assert run(["scan", "--also", device]) == 0
    assert "CT-31A722" in capsys.readouterr().out
    assert run(["scan", "--also", device, "--json"]) == 0
    assert [one["address"] for one in json.loads(capsys.readouterr().out)] == [device]


def test_scan_goes_on_and_tells_lines(capsys, device, mocker):
    mocker.patch("celltrail.link.nearby.asyncio.sleep", side_effect=[None, KeyboardInterrupt])
    assert run(["scan", "--also", device, "--watch", "--json", "--no-ble"]) == 130
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["CT-31A722"] * 2


def test_scan_asks_for_a_time_and_tells_once(capsys, device, logger, mocker):
    mocker.patch("celltrail.link.nearby.ASK_EVERY_S", 0.05)
    assert run(["scan", "--also", device, "--json", "--for", "0.3", "--no-ble"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 1
    assert len(logger.log) > 2


def test_a_new_logger_has_no_name_yet(capsys, device, logger):
    logger.name, logger.key = "", None
    assert run(["status", "-d", device]) == 0
    assert "no name yet" in capsys.readouterr().out
    assert run(["stop", "-d", device]) == 4
    assert f"the logger {UID.hex()} has no device key yet" in capsys.readouterr().err


def test_scan_without_loggers(capsys):
    assert run(["scan"]) == 0
    assert capsys.readouterr().out == "no logger in reach\n"
    assert run(["scan", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_stop_start_and_mark(capsys, device, logger):
    assert run(["mark", "received", "--place", "BEANR", "-d", device, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["proven"] is True
    assert run(["stop", "-d", device, "--operator", "KB"]) == 0
    assert "has stopped trip 7" in capsys.readouterr().out
    assert logger.commands[-1] == (smp.CMD_STOP, {"op": "KB"})
    assert run(["stop", "-d", device]) == 4
    assert "is stopped and can't be stopped" in capsys.readouterr().err
    logger.state = codes.STATE_ARMED
    assert run(["start", "-d", device, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "logging"


def test_a_mark_without_key_says_so(capsys, device, tmp_path):
    assert run(["mark", "received", "-d", device, "--keys", str(tmp_path / "none")]) == 2
    assert "there is no such key store" in capsys.readouterr().err
    (tmp_path / "none").mkdir(mode=0o700)
    assert run(["mark", "received", "-d", device, "--keys", str(tmp_path / "none")]) == 0
    assert "without proof" in capsys.readouterr().out


def test_erase_asks(capsys, device, logger, mocker):
    logger.state = codes.STATE_STOPPED
    assert run(["erase", "-d", device]) == 4
    assert "unread data of trip 7" in capsys.readouterr().err
    assert run(["erase", "-d", device, "--discard-unread"]) == 4
    assert "pass --yes" in capsys.readouterr().err
    assert logger.commands == []
    assert run(["erase", "-d", device, "--discard-unread", "--yes"]) == 0
    assert logger.commands == [(smp.CMD_ERASE, {"op": "", "discard": True})]


def test_arm_shows_asks_and_writes_the_receipt(capsys, device, logger, tmp_path):
    logger.state, logger.unread = codes.STATE_IDLE, False
    assert run(["arm", "2-8C", "-d", device]) == 4
    out, err = in_words(capsys)
    assert out == ""
    assert "at or above 8 degC" in err
    assert "pass --yes" in err
    assert run(["arm", "2-8C", "-d", device, "--yes", "--receipt", "r.json", "--json"]) == 0
    receipt = json.loads(capsys.readouterr().out)
    assert receipt == json.loads((tmp_path / "r.json").read_text())
    assert receipt["trip"] == 8
    assert run(["arm", "2-8C", "-d", device, "--yes"]) == 4
    assert "is logging and can't be armed" in capsys.readouterr().err


@pytest.mark.parametrize(("agreed", "code"), [(True, 0), (False, 4), (typer.Abort, 130)])
def test_arm_asks_a_person(capsys, device, logger, mocker, agreed, code):
    logger.state, logger.unread = codes.STATE_IDLE, False
    mocker.patch("sys.stdin.isatty", return_value=True)
    mocker.patch("typer.confirm", side_effect=[agreed])
    assert run(["arm", "2-8C", "-d", device]) == code
    assert len(logger.commands) == (code == 0)


def test_arm_checks_the_receipts_folder_first(capsys, device, logger):
    logger.state, logger.unread = codes.STATE_IDLE, False
    assert run(["arm", "2-8C", "-d", device, "--yes", "--receipt", "no/r.json"]) == 2
    assert logger.commands == []


@pytest.mark.parametrize("profile", ["LN2"])
def test_arm_refuses_a_profile_that_the_sensor_can_not_measure(capsys, device, logger, profile):
    logger.state, logger.unread = codes.STATE_IDLE, False
    assert run(["arm", profile, "-d", device, "--yes"]) == 2
    assert "TMP117" in capsys.readouterr().err


def test_provision(capsys, device, logger, tmp_path):
    assert run(["provision", "-d", device]) == 4
    assert "has a device key already" in capsys.readouterr().err
    logger.key, logger.state = None, codes.STATE_IDLE
    new = tmp_path / "new"
    assert run(["provision", "-d", device, "--json", "--keys", str(new)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["name"] == "CT-31A722"
    assert told["test"]["good"] is True
    assert KeyStore(new).device_key(UID) == logger.key


def test_provision_over_the_air_is_refused_before_anybody_connects(capsys):
    assert run(["provision", "-d", "ble://CT-31A722"]) == 4
    assert "a device key goes over a cable only" in capsys.readouterr().err


def test_download_reports_the_verdict(capsys, device, tmp_path):
    # The fake's sectors are made up, so the verifier must not be pleased.
    assert run(["download", "-d", device, "-o", "a.trail"]) in (1, 5)
    assert capsys.readouterr().out.startswith("a.trail: ")
    assert run(["download", "-d", device, "-o", "a.trail"]) == 2
    assert run(["download", "-d", device, "-o", "b.trail", "--json"]) in (1, 5)
    assert json.loads(capsys.readouterr().out)["file"] == "b.trail"


def test_download_from_every_logger_on_the_ports(capsys, mocker, tmp_path):
    one, other, empty = FakeLogger(), FakeLogger(), FakeLogger()
    other.name, other.trip, empty.sectors = "CT-OTHER", 2, []
    with OverPty(one) as first, OverPty(other) as second, OverPty(empty) as third:
        ports = [SimpleNamespace(device=served.port, vid=0x2E8A) for served in (first, second, third)]
        mocker.patch("celltrail.link.discovery.comports", return_value=ports)
        assert run(["download", "--all", "--json"]) in (1, 5)
        first_time = capsys.readouterr().out
        # One that can't be written does not keep the other from being read.
        (tmp_path / "CT-OTHER-2.trail").unlink()
        assert run(["download", "--all", "--json"]) == 2
        again = capsys.readouterr()
    assert [entry["file"] for entry in json.loads(again.out)] == ["CT-OTHER-2.trail"]
    assert "celltrail: CT-31A722-7.trail exists already" in again.err
    files = {entry["file"] for entry in json.loads(first_time)}
    assert files == {"CT-31A722-7.trail", "CT-OTHER-2.trail"}
    assert all((tmp_path / file).exists() for file in files)


def test_download_into_a_folder_that_is_not_there(capsys, device):
    assert run(["download", "-d", device, "-o", "no/a.trail"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_interrupt(capsys, device, logger, mocker):
    mocker.patch("celltrail.operate.readout.Readout.run", side_effect=KeyboardInterrupt)
    assert run(["download", "-d", device, "-o", "a.trail"]) == 130
    assert "Traceback" not in capsys.readouterr().err


MAIN = "from celltrail.__main__ import main; main()"
INTERRUPTED_IMPORT = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder())
"""


def test_an_interrupt_while_modules_load():
    words = [sys.executable, "-c", INTERRUPTED_IMPORT + MAIN]
    child = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (child.returncode, child.stderr) == (130, "celltrail: interrupted\n")


def test_a_closed_pipe_is_quiet():
    line = f"{sys.executable} -c '{MAIN}' --help | true"
    made = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert made.stderr == ""


def test_a_keyboard_interrupt_while_nobody_answers(logger):
    """A real Ctrl-C in a real process: one line, exit code 130."""
    logger.deaf.add((64, 0))
    asked = threading.Event()
    logger.before_answer = lambda group, command: asked.set()
    with OverPty(logger) as served:
        words = [sys.executable, "-c", MAIN, "status", "-d", served.address]
        child = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        assert asked.wait(20)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=20)
    assert (child.returncode, err) == (130, "celltrail: interrupted\n")


@pytest.mark.parametrize(
    ("kind", "words"), [("recieved", "did you mean received? It may be packed,"), ("lunch", "; one of packed,")]
)
def test_a_misspelled_mark_is_guessed(capsys, device, kind, words):
    assert run(["mark", kind, "-d", device]) == 2
    assert words in capsys.readouterr().err
