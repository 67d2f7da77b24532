"""The real commands against the real firmware in the real MicroPython; a stopped trip is flown once and copied."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from celltrail.cli.main import run
from celltrail.link import bluetooth
from celltrail.virtual import Stimulus, VirtualLogger, make_scenario
from celltrail.virtual.world_file import world_path

START_UTC_MS = 1_748_844_000_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
# Frequent checkpoints and a waveform of every knock, so that a short trip fills several sectors.
EAGER_PROFILE = """\
name = "eager"
title = "2 to 8 degC, and every knock"
period_s = 60
checkpoint_s = 120
[[alarm]]
side = "high"
limit_c = 8.0
mode = "single"
delay_s = 1800
[shock]
threshold_g = 2.0
quiet_ms = 20
before_samples = 64
after_samples = 960
waveforms = 100
"""


@dataclass(frozen=True)
class Answer:
    """What a command left on both streams, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class Commands:
    """Runs command lines in this process with a key store of their own."""

    def __init__(self, capsys, folder: Path) -> None:
        self._capsys = capsys
        self.folder = folder
        (folder / "eager.toml").write_text(EAGER_PROFILE)

    def __call__(self, *words: object, expect: int = 0) -> Answer:
        self._capsys.readouterr()
        code = run([str(word) for word in words])
        out, err = self._capsys.readouterr()
        assert "Traceback" not in err
        assert code == expect, f"{words}: exit code {code} instead of {expect}: {out}{err}"
        return Answer(code, out, err)


@pytest.fixture
def cli(capsys, monkeypatch, tmp_path) -> Iterator[Commands]:
    for name in ("CELLTRAIL_DEVICE", "CELLTRAIL_OPERATOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CELLTRAIL_KEYS", str(tmp_path / "keys"))
    monkeypatch.chdir(tmp_path)
    yield Commands(capsys, tmp_path)
    # A command chooses its radio for the rest of its process.
    bluetooth.choose_radio(None)


@pytest.fixture
def start() -> Iterator:
    """start(stimulus, **options) -> a running virtual logger; all end with the test.

    Its tick counter wraps every 131 s, so that all that is tested here is tested over wraps.
    """

    def started(stimulus=None, **options) -> VirtualLogger:
        wrapping = {"tick_period_ms": 1 << 17} | options
        return stack.enter_context(VirtualLogger(stimulus or bench(), **wrapping))

    with contextlib.ExitStack() as stack:
        yield started


def bench(days: float = 0.5) -> Stimulus:
    """A logger on a table."""
    return make_scenario("bench", seed=1, days=days, start_utc_ms=START_UTC_MS)


def handled(days: float = 1.0, seed: int = 3) -> Stimulus:
    """A box that travels and is knocked about."""
    return make_scenario("box", seed=seed, days=days, start_utc_ms=START_UTC_MS)


@dataclass(frozen=True)
class Flown:
    """A logger that has flown: its flash, the keys, and what its trip was."""

    folder: Path
    name: str
    trip: int

    def copy_to(self, folder: Path) -> Path:
        """Keys and flash for one test; the flash file's path."""
        shutil.copytree(self.folder / "keys", folder / "keys", dirs_exist_ok=True)
        for path in (self.folder / "flash", world_path(self.folder / "flash")):
            shutil.copy(path, folder)
        return folder / "flash"


def fly(folder: Path, stop: bool) -> Flown:
    """Provision, arm, fly for a day, and stop or only cut the power."""
    (folder / "eager.toml").write_text(EAGER_PROFILE)
    keys = ("--keys", str(folder / "keys"))
    # Until it is armed, and once it is stopped, a virtual logger's world goes at the PC's pace.
    with VirtualLogger(handled(), flash=folder / "flash", speed="max", pauses_ms=(23 * HOUR_MS,)) as logger:
        device = ("-d", logger.address)
        assert run(["provision", "--name", "CT-FLOWN", *device, *keys]) == 0
        assert run(["arm", str(folder / "eager.toml"), "--yes", *device, *keys]) == 0
        logger.wait_for("paused", 60)
        if stop:
            assert run(["stop", *device, *keys]) == 0
    return Flown(folder, "CT-FLOWN", 1)


@pytest.fixture(scope="session")
def stopped(tmp_path_factory) -> Flown:
    return fly(tmp_path_factory.mktemp("stopped"), stop=True)


@pytest.fixture(scope="session")
def flying(tmp_path_factory) -> Flown:
    return fly(tmp_path_factory.mktemp("flying"), stop=False)
