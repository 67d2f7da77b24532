"""A record from anybody, printed: no byte of it reaches the terminal as a command, on either stream."""

import itertools
import unicodedata

import pytest

from celltrail.cli.main import run
from celltrail.evidence.trail import write_trail
from celltrail.keys.keystore import KeyStore
from celltrail_protocol import codes, frames, smp
from tests.host.forge import Forge, a_plan

HOUR_MS = 3_600_000
EVIL = (
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnp.exe",
    "a\r\nCLOSED: ok",
    "\x9b31m\x00",
    "\u2028x\ud7ff\ufeff",
    "%s{0}[bold]",
)


def hostile():
    """Every text that a record holds, in every way that a terminal may take it."""
    words = itertools.cycle(EVIL)

    def word(longest):
        return next(words).encode()[:longest].decode("utf-8", "ignore")

    forge = Forge(settings=a_plan(profile=word(16), alarms=[[0, 0, 0, 600, 0]]))
    forge.now_ms = 5000
    calibration = b"\xa2av\x01ac\x81\x88\x00\x01h\x1b[2J\x1b[1m\x19\x4e\x20\x182\x14\x00\x81\x82\x00\x0c"
    forge.frame(frames.CALIBRATION, 0, 1, calibration)
    for number in (smp.CMD_ERASE, 200):
        forge.frame(frames.EARLIER, 1, 0, 1000, number, word(12).encode(), 255, 7, HOUR_MS, 9)
    forge.arm()
    forge.begin()
    forge.readings(0, [640] * 60)
    for _ in EVIL:
        forge.now_ms += 1000
        forge.frame(frames.COMMAND, forge.now_ms, smp.CMD_CLOCK, word(12).encode(), 255, 7)
        forge.mark(codes.MARK_FREE, word(16), operator=word(12), note=word(80))
    forge.frame(frames.RADIO, forge.now_ms, 9, 255, 2**32 - 1)
    forge.frame(frames.FAULT, forge.now_ms, 99, 99, 0)
    forge.alarm(0, 0, 640, 1)
    forge.now_ms = HOUR_MS
    forge.state(codes.STATE_STOPPED, codes.REASON_COMMAND)
    forge.seal(1)
    return forge


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CELLTRAIL_KEYS", str(tmp_path / "keys"))
    KeyStore(tmp_path / "keys").save_trip(bytes(8), 1, bytes(32))
    parts = hostile().closed_parts(operator="\x1b[31mred\x07", name="CT\x1b[2J")
    write_trail(tmp_path / "evil.trail", parts)
    return "evil.trail"


COMMANDS = (
    ("verify",),
    ("show",),
    ("show", "--all"),
    ("show", "--audit"),
    ("evaluate",),
    ("evaluate", "--profile", "2-8C"),
    ("report", "-o", "evil.html"),
    ("export", "csv", "-o", "evil.csv"),
    ("merge", "-o", "evil2.trail"),
)


def may_be_printed(letter):
    return letter in "\n" or not unicodedata.category(letter).startswith(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nothing_of_a_record_commands_the_terminal(file, capsys, command):
    words = [command[0], command[1], file, *command[2:]] if command[0] == "export" else [command[0], file, *command[1:]]
    code = run(words)
    captured = capsys.readouterr()
    for text in (captured.out, captured.err):
        assert [letter for letter in text if not may_be_printed(letter)] == []
        # A mark can't add a line that looks like a verdict.
        assert not any(line.startswith("CLOSED: ok") for line in text.splitlines())
        assert "Traceback" not in text
    # Complete, and its key is not at hand: the record itself was read.
    assert code in (0, 5)
