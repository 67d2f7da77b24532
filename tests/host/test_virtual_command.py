"""Tests of `celltrail virtual`: what it prints where, and how it refuses."""

import signal
import subprocess
import sys

import pytest

from celltrail.cli.main import run
from celltrail.virtual import list_scenarios


def test_scenarios_are_listed_with_a_line_each(capsys):
    assert run(["virtual", "--list-scenarios"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(list_scenarios())
    assert all(len(line) < 110 for line in lines)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--scenario", "moon"],
        ["--speed", "0"],
        ["--speed", "fast"],
        ["--tcp", "80000"],
        ["--runtime", "pypy"],
        ["--uid", "12"],
        ["--pause-at", "later"],
        ["--replay", "no/such/file.csv"],
        ["--flash", "no/such/folder/flash"],
        ["--sectors", "4"],
    ],
)
def test_refusal_is_one_line_and_exit_code_2(arguments, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert run(["virtual", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.strip()
    assert "Traceback" not in captured.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither pseudo-terminals nor SIGTERM")
@pytest.mark.parametrize(("options", "scheme"), [([], "serial:///dev/"), (["--tcp", "0"], "tcp://127.0.0.1:")])
def test_address_is_the_first_line_and_the_rest_goes_to_stderr(options, scheme):
    source = f"import sys; sys.path[:0] = {[path for path in sys.path if path]!r}\n"
    source += "from celltrail.cli.main import main; main()"
    command = [sys.executable, "-c", source, "virtual", "--scenario", "bench", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    address = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=10)
    assert address.startswith(scheme)
    assert out == ""
    assert "world: starts" in err
    assert process.returncode == 130
