"""The demo tells its story to the end, twice, and leaves what it promises and nothing of others harmed."""

import json
import shlex

import pytest

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
