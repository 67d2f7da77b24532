"""`celltrail evaluate` as people and scripts meet it."""

import json
from pathlib import Path

import pytest

from celltrail.cli.main import run
from celltrail.evidence.trail import write_trail
from celltrail.keys.keystore import KeyStore
from tests.host.evaluating import begun, put
from tests.host.forge import K0, UID, five_days

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def written(tmp_path, keys, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(parts, name="trip.trail"):
        write_trail(tmp_path / name, parts)
        return ["evaluate", name, "--keys", str(keys.folder)]

    return write


def closed(celsius):
    forge = begun(alarms=[[0, 0, 0, 80, 1800]])
    put(forge, celsius)
    forge.now_ms += 60_000
    forge.close()
    return forge.closed_parts()


def test_the_text_is_the_reviewed_one(written, capsys):
    assert run(written(five_days().closed_parts())) == 0
    assert capsys.readouterr().out == (GOLDEN / "evaluate.txt").read_text(encoding="utf-8")


def test_the_document(written, capsys):
    assert run([*written(five_days().closed_parts()), "--json", "--profile", "WHO-TR07-1"]) == 0
    out, err = capsys.readouterr()
    made = json.loads(out)
    assert err == ""
    assert (made["version"], made["verify"], made["answer"], made["trip"]) == (1, "closed", "undecidable", 3)
    assert [one["verdict"] for one in made["rules"]] == ["undecidable", "in", "undecidable"]
    assert made["profile"]["name"] == "WHO-TR07-1"
    assert made["profile"]["sources"]


@pytest.mark.parametrize(
    ("celsius", "code", "first"),
    [
        ([5.0] * 60, 0, "WITHIN LIMITS: the only limit is kept"),
        ([9.0] * 60, 1, "OUT OF LIMITS: the only limit is broken"),
        ([8.0] * 60, 1, "UNDECIDABLE: the only limit is not decidable, none is broken"),
    ],
)
def test_exit_codes(written, capsys, celsius, code, first):
    words = written(closed(celsius))
    assert run(words) == 0
    assert run([*words, "--fail-on-excursion"]) == code
    assert capsys.readouterr().out.startswith(first)


def test_the_exit_code_is_that_of_the_record_first(written, tmp_path, capsys):
    words = written(five_days(close=False).running_parts(live=False))
    assert run(words) == 1
    words = written(closed([5.0] * 60), "closed.trail")
    path = tmp_path / "closed.trail"
    for more in ([], ["--fail-on-excursion", "--profile", "LN2"]):
        # That nobody could check the record must not look like an excursion.
        assert run([*words[:2], "--keys", str(tmp_path), *more]) == 5
    data = bytearray(path.read_bytes())
    data[600] ^= 1
    path.write_bytes(data)
    assert run(words) == 2
    assert "--damaged" in capsys.readouterr().err
    assert run([*words, "--damaged"]) == 1


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--profile", "lunch"], "no such profile"),
        (["--milestones", "none.csv"], "none.csv: there is no such file"),
        (["--calibration", "trip.trail"], "is not text in UTF-8; is it a file of calibrations?"),
    ],
)
def test_usage_faults_are_one_line(written, capsys, more, complaint):
    assert run([*written(closed([5.0])), *more]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert complaint in err


def test_no_reading_no_verdict(written, capsys):
    assert run(written(closed([None] * 3))) == 0
    assert capsys.readouterr().out.startswith("UNDECIDABLE")


def test_a_logger_without_key_store_entry_is_not_checkable(written, tmp_path):
    words = written(closed([5.0]))
    other = KeyStore(tmp_path / "other")
    other.save_trip(UID, 4, K0)
    assert run([*words[:2], "--keys", str(other.folder)]) == 5


def test_only_so_many_lines_unless_all_are_asked_for(written, capsys):
    words = written(closed([9.0, 5.0] * 40))
    run(words)
    assert "... and 20 more; --all lists them" in capsys.readouterr().out
    run([*words, "--all"])
    assert capsys.readouterr().out.count(" above 8 degC ") == 40
