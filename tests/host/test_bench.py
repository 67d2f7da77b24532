"""What a technician does on the bench: calibrations on the logger, and what a self-test says to a person."""

import json
from pathlib import Path

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from celltrail.cli.main import run
from celltrail.errors import UsageFault
from celltrail.evaluate.calibration_record import from_record, to_record
from celltrail.evaluate.evaluation import evaluate
from celltrail.evaluate.rules import rules_as_armed
from celltrail.evaluate.uncertainty import Calibration, load_calibrations
from celltrail.operate.remedies import with_remedy
from celltrail.plans.sensor import Fitted, Sensor
from celltrail.views.audit import audit_of
from celltrail_protocol import codes, frames, smp
from celltrail_protocol.names import FAULT_NAMES
from tests.host.fake_logger import FakeLogger, OverTcp
from tests.host.forge import Forge, a_plan
from tests.host.test_audit import summary

TMP117 = Sensor(codes.MODEL_TMP117, 7_812_500, -7040, 19200, 300)
PT100 = Sensor(codes.MODEL_MAX31865, 10_000_000, -20000, 15000, 500)
FITTED = Fitted((TMP117, PT100))
DAY_MS = 86_400_000
CAL = """\
[[channel]]
number = 0
certificate = "LAB-2026-017"
date = "2026-01-15"
uncertainty_c = 0.0501
drift_c_per_year = 0.02
points = [[-0.02, 0.0], [8.03, 8.0]]
"""
ONE = Calibration("C-1", 20_000 * DAY_MS, 0.05, 0.02, 0.1, ((-0.02, 0.0), (8.03, 8.0)))


def test_what_is_kept_comes_back():
    data = to_record({0: ONE, 1: Calibration("C-2", 1 * DAY_MS, 0.1)}, FITTED, "cal.toml")
    assert from_record(data, FITTED.channels) == {0: ONE, 1: Calibration("C-2", 1 * DAY_MS, 0.1)}
    assert to_record({}, FITTED, "cal.toml") == b""
    assert from_record(b"", FITTED.channels) == {}


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_bounds_never_become_smaller(uncertainty, drift, probe):
    one = Calibration("C", 0, uncertainty, drift, probe)
    (kept,) = from_record(to_record({0: one}, FITTED, ""), FITTED.channels).values()
    for before, after in ((uncertainty, kept.uncertainty_c), (drift, kept.drift_c_per_year), (probe, kept.probe_c)):
        assert before - 1e-9 <= after <= before + 0.001 + 1e-9


def test_what_does_not_fit_is_refused(tmp_path):
    for calibrations, words in (
        ({2: ONE}, "channels 0 to 1"),
        ({0: Calibration("C", 0, 0.1, points=((0.0, 0.00005),))}, "parts of a millikelvin"),
        (dict.fromkeys((0, 1), Calibration("C" * 300, 0, 0.1)), "a logger keeps 480"),
    ):
        with pytest.raises(UsageFault, match=words):
            to_record(calibrations, FITTED, "cal.toml")


def test_a_sensor_that_was_changed_has_no_calibration():
    data = to_record({0: ONE}, FITTED, "")
    assert from_record(data, (PT100, PT100)) == {}
    assert from_record(data, ()) == {}


ENTRY = [0, 1, "C", 20_000, 50, 20, 0, [[0, 12]]]


@pytest.mark.parametrize(
    "entry",
    [
        ENTRY[:7],
        [*ENTRY, 1],
        ["0", *ENTRY[1:]],
        [True, *ENTRY[1:]],
        [0, 1, b"C", *ENTRY[3:]],
        [0, 1, "C", -1, *ENTRY[4:]],
        [0, 1, "C", 70_000, *ENTRY[4:]],
        [0, 1, "C", 20_000, -50, *ENTRY[5:]],
        [*ENTRY[:7], []],
        [*ENTRY[:7], [[0, 1]] * 4],
        [*ENTRY[:7], [[5, 5], [0, 0]]],
        [*ENTRY[:7], [[0]]],
        [*ENTRY[:7], 5],
        [*ENTRY[:7], [[0, 10**9]]],
        None,
    ],
)
def test_bytes_of_others_are_no_calibration(entry):
    assert from_record(cbor2.dumps({"v": 1, "c": [ENTRY]}), FITTED.channels)
    assert from_record(cbor2.dumps({"v": 1, "c": [entry]}), FITTED.channels) == {}
    for data in (b"\xff", cbor2.dumps([ENTRY]), cbor2.dumps({"v": 2, "c": [ENTRY]}), cbor2.dumps({"v": 1, "c": 5})):
        assert from_record(data, FITTED.channels) == {}


@given(st.binary(max_size=600))
def test_any_bytes_are_harmless(data):
    assert isinstance(from_record(data, FITTED.channels), dict)


# In a record


def recorded(data):
    forge = Forge(settings=a_plan(alarms=[[0, 0, 0, 1024, 0]]))
    forge.now_ms = 5000
    half = len(data) // 2 + 1
    for part, piece in enumerate((data[:half], data[half:])):
        forge.frame(frames.CALIBRATION, part, 2, piece)
    forge.arm()
    forge.begin()
    forge.readings(0, [640] * 60)
    forge.now_ms = 3_600_000
    forge.state(codes.STATE_STOPPED, codes.REASON_COMMAND)
    forge.seal(1)
    return summary(forge).checked


def basis(checked, calibrations=None):
    made = evaluate(checked, rules_as_armed(checked.record), calibrations)
    return made.channels[0].series.uncertainty.basis, made.channels[0].series.uncertainty


def test_the_evaluation_takes_the_calibrations_of_the_record():
    data = to_record({0: ONE}, FITTED, "")
    said, uncertainty = basis(recorded(data))
    assert said == "calibration C-1"
    assert uncertainty.points == ONE.points
    # A file that is named counts, also an empty one's choice of channels.
    assert basis(recorded(data), {0: Calibration("MINE", 0, 1.0)})[0] == "calibration MINE"
    assert basis(recorded(data), {})[0] == "datasheet"
    assert basis(recorded(b"\xff\xff"))[0] == "datasheet"


@pytest.mark.parametrize(
    ("failed", "said"),
    [(0, "all parts are good"), (1 | codes.TEST_FLASH | codes.TEST_BATTERY, "FAILED: channel 0, flash, battery low")],
)
def test_the_record_tells_what_a_self_test_found(failed, said):
    forge = Forge(settings=a_plan())
    forge.frame(frames.EARLIER, 0, 1, 1000, smp.CMD_TEST, b"LAB-7", 0, failed, 0, 0)
    forge.arm()
    forge.begin()
    forge.readings(0, [640] * 3)
    forge.now_ms = 600_000
    forge.state(codes.STATE_STOPPED, codes.REASON_COMMAND)
    forge.seal(1)
    (one,) = [one for one in audit_of(summary(forge)) if one.what == "self-test"]
    assert (one.who, one.how) == ("LAB-7", "key")
    assert one.details == f"before this trip, {said}"


# The commands


@pytest.fixture
def logger():
    made = FakeLogger()
    made.state, made.unread = codes.STATE_IDLE, False
    return made


@pytest.fixture
def device(logger, tmp_path, monkeypatch):
    from celltrail.keys.keystore import KeyStore
    from tests.host.fake_logger import KEY, UID

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CELLTRAIL_KEYS", str(tmp_path / "keys"))
    KeyStore(tmp_path / "keys").save_device_key(UID, "CT-31A722", KEY)
    (tmp_path / "cal.toml").write_text(CAL)
    with OverTcp(logger) as served:
        yield str(served.address)


def test_calibrate_keeps_shows_and_clears(capsys, device, logger):
    assert run(["calibrate", "-d", device]) == 0
    assert "no calibrations" in capsys.readouterr().out
    assert run(["calibrate", "cal.toml", "-d", device]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("channel 0: LAB-2026-017 of 2026-01-15, within 0.051 degC, drift 0.02 a year; -0.02 is 0")
    assert run(["calibrate", "-d", device, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["channels"]
    assert told["points"] == [[-0.02, 0.0], [8.03, 8.0]]
    assert run(["arm", "2-8C", "-d", device, "--yes"]) == 0
    assert "calibration" not in capsys.readouterr().err.replace("cal.toml", "")
    logger.state, logger.unread = codes.STATE_STOPPED, False
    assert run(["calibrate", "--clear", "-d", device]) == 0
    assert logger.calibrations == b""


def test_calibrate_refuses_in_clear_words(capsys, device, logger, tmp_path):
    assert run(["calibrate", "cal.toml", "--clear", "-d", device]) == 2
    assert run(["calibrate", "no.toml", "-d", device]) == 2
    logger.state = codes.STATE_LOGGING
    assert run(["calibrate", "cal.toml", "-d", device]) == 4
    assert "is logging and can't be calibrated" in capsys.readouterr().err
    assert run(["selftest", "-d", device]) == 4
    assert "is logging and can't test itself" in capsys.readouterr().err
    logger.state = codes.STATE_IDLE
    assert run(["calibrate", "cal.toml", "-d", device, "--keys", str(tmp_path / "others")]) == 2
    assert load_calibrations(tmp_path / "cal.toml")[0].certificate == "LAB-2026-017"


def test_a_self_test_names_what_failed(capsys, device, logger):
    logger.test_result = {
        "probes": [[codes.FAULT_OPEN, None]],
        "accel": [codes.FAULT_BUS],
        "flash": codes.FAULT_FLASH_ERASE,
        "battery": 3400,
        "clock": [0, 1_600_000_000, 0],
        "radio": False,
        "failed": 0,
    }
    assert run(["selftest", "-d", device]) == 1
    out = capsys.readouterr().out
    for words in ("probe open", "bus error", "flash erase failed", "3.40 V: charge it", "behind this computer; check"):
        assert words in out
    assert out.count("FAILED") == 6
    assert "does not switch on" in out


def test_a_self_test_that_is_good(capsys, device, logger):
    logger.test_result |= {"clock": [codes.FAULT_NOT_READY], "radio": True, "battery": 0}
    assert run(["selftest", "-d", device, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["good"]
    assert {one["part"]: one["text"] for one in told["parts"]}["clock chip"] == "not set yet; arming sets it"


@pytest.mark.parametrize("told", [{}, {"probes": 5}, {"probes": [[0, 1], [0, 2]], "flash": 0, "battery": 1}])
def test_a_test_result_that_makes_no_sense(capsys, device, logger, told):
    logger.test_result = told
    assert run(["selftest", "-d", device]) == 3
    assert "makes no sense" in capsys.readouterr().err


def test_each_fault_that_a_part_can_have_says_what_to_do():
    parts = set(FAULT_NAMES) - {codes.FAULT_FIRMWARE, codes.FAULT_WRONG_KEY}
    for code in parts:
        name, _, remedy = with_remedy(code).partition(": ")
        assert name == FAULT_NAMES[code]
        assert remedy
    assert with_remedy(99) == "fault 99"


def test_provision_calibrates_and_tests(capsys, device, logger, tmp_path):
    logger.key = None
    logger.test_result |= {"probes": [[codes.FAULT_ABSENT, None]]}
    new = str(tmp_path / "new")
    assert run(["provision", "-d", device, "--keys", new, "--calibration", "cal.toml"]) == 1
    out = capsys.readouterr().out
    assert "is provisioned" in out
    assert "FAILED  sensor does not answer: check its supply and its wires" in out
    assert logger.calibrations
    logger.key = None
    other = str(tmp_path / "other")
    assert run(["provision", "-d", device, "--keys", other, "--no-test"]) == 0
    assert "channel" not in capsys.readouterr().out


def test_a_calibration_for_another_logger_leaves_a_new_one_as_it_is(capsys, device, logger, tmp_path):
    logger.key = None
    Path("cal.toml").write_text(CAL.replace("number = 0", "number = 1"))
    new = str(tmp_path / "new")
    assert run(["provision", "-d", device, "--keys", new, "--calibration", "cal.toml"]) == 2
    assert "is for channel 1" in capsys.readouterr().err
    assert logger.key is None
    assert logger.commands == []


def test_who_provisions_twice_is_told_where_the_key_is(capsys, device):
    assert run(["provision", "-d", device]) == 4
    assert "go on with `celltrail calibrate` and `celltrail selftest`" in capsys.readouterr().err


def test_who_holds_another_key_of_the_logger_is_not_told_that_it_is_here(capsys, device, logger):
    logger.key = bytes(32)
    assert run(["provision", "-d", device]) == 4
    assert "lies in the key store of that time" in capsys.readouterr().err


def test_a_logger_that_keeps_other_calibrations_than_it_was_given(capsys, device, logger, mocker):
    mocker.patch.object(logger, "calibrations_of", lambda sent: sent[:-1])
    assert run(["calibrate", "cal.toml", "-d", device]) == 3
    assert "keeps other calibrations than were sent" in capsys.readouterr().err
