"""The demo tells its story to the end, twice, and leaves what it promises and nothing of others harmed."""

import json
import shlex
import sys

import pytest

from celltrail import demo
from celltrail.demo import FILES
from celltrail.keys.keystore import KeyStore


@pytest.mark.timeout(180)
def test_the_story_is_told_twice(cli, tmp_path):
    out = tmp_path / "demo"
    KeyStore(out / "keys").save_device_key(b"someone!", "CT-OTHER", bytes(32))
    (out / "note.txt").write_text("mine")
    for _ in range(2):
        told = cli("demo", "--out", out).out
    assert all((out / name).stat().st_size for name in FILES)
    assert json.loads((out / "verify.json").read_text())["verdict"] == "closed"
    assert (out / "note.txt").read_text() == "mine"
    assert KeyStore(out / "keys").device_key(b"someone!") == bytes(32)
    commands = [line.removeprefix("$ celltrail ") for line in told.splitlines() if line.startswith("$ celltrail")]
    by_hand = [shlex.split(line) for line in commands[-2:]]
    assert [words[0] for words in by_hand] == ["verify", "show"]
    for words in by_hand:
        cli(*words)


@pytest.mark.parametrize(
    ("started", "path", "typed"),
    [
        ("env/bin/celltrail", "", "env/bin/celltrail"),
        ("{here}/env/bin/celltrail", "", "env/bin/celltrail"),
        ("{here}/env/bin/celltrail", "{here}/env/bin", "celltrail"),
        ("/opt/my env/celltrail", "", "'/opt/my env/celltrail'"),
    ],
)
def test_the_last_lines_name_a_command_that_works_from_here(tmp_path, monkeypatch, started, path, typed):
    (tmp_path / "env" / "bin").mkdir(parents=True)
    (tmp_path / "env" / "bin" / "celltrail").touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", path.format(here=tmp_path))
    monkeypatch.setattr(sys, "argv", [started.format(here=tmp_path), "demo"])
    assert demo._program() == typed
