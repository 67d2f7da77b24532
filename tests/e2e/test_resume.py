"""Read-outs that are cut off: by the logger's death, by ours, by the link, by the disk."""

import itertools
import resource
import signal
import subprocess
import sys
import threading

import pytest

from celltrail.cli.download import Screen
from celltrail.evidence.trail import read_trail
from celltrail.operate import download as module
from celltrail.virtual import VirtualLogger
from tests.e2e.conftest import handled

MAIN = "from celltrail.cli.main import main; main()"


def ring(path):
    """The sectors that a file holds."""
    return [bytes(one.data) for one in read_trail(path).sectors]


@pytest.fixture
def whole(stopped, tmp_path, cli, start):
    """(device options, sectors of an undisturbed read-out)."""
    logger = start(handled(), flash=stopped.copy_to(tmp_path))
    cli("download", "-d", logger.address, "-o", "whole.trail")
    return logger, ring(tmp_path / "whole.trail")


def test_the_flown_trip_is_worth_interrupting(whole):
    assert len(whole[1]) >= 5


@pytest.mark.parametrize(("after_kB", "for_s"), [(1, 0.3), (5, 0.3), (20, 0.3), (30, 0.3), (13, 4.5)])
def test_the_logger_dies_and_comes_back(whole, cli, mocker, after_kB, for_s):
    logger, sectors = whole
    mocker.patch.object(module, "PAUSES_S", (0.1, 0.5, 1.0, 2.0))
    honest = Screen.progress
    killed = threading.Event()

    def progress(self, have, total):
        honest(self, have, total)
        if have > after_kB * 1000 and not killed.is_set():
            killed.set()
            logger.kill()
            threading.Timer(for_s, logger.restart).start()

    mocker.patch.object(Screen, "progress", progress)
    answer = cli("download", "-d", logger.address, "-o", "again.trail")
    assert killed.is_set()
    assert for_s < 1 or "connecting again" in answer.err
    assert ring(cli.folder / "again.trail") == sectors


@pytest.mark.parametrize("kept", [1, 3])
def test_our_process_is_interrupted_and_started_again(whole, cli, kept):
    logger, sectors = whole
    words = [sys.executable, "-c", _interrupted(kept), "download", "-d", logger.address, "-o", "again.trail"]
    made = subprocess.run(words, cwd=cli.folder, capture_output=True, text=True, timeout=30, check=False)
    assert made.returncode == 130
    assert made.stderr.startswith("celltrail: interrupted; what has been read is kept in again.trail.part")
    assert made.stderr.endswith("the same command goes on from there\n")
    assert made.stderr.count("\n") == 1
    answer = cli("download", "-d", logger.address, "-o", "again.trail", "--json").json
    assert answer["sectors_reused"] >= kept
    assert answer["bytes_reused"] >= 4096 * kept
    assert answer["read_bytes"] == 4096 * len(sectors) - answer["bytes_reused"]
    assert ring(cli.folder / "again.trail") == sectors


def _interrupted(kept):
    """The command, with a Ctrl-C once so many sectors are kept."""
    return f"""
import os, signal
from celltrail.operate.part_file import PartFile
keep = PartFile.keep
def then_interrupt(self, offset, data):
    keep(self, offset, data)
    if len(self.sectors) == {kept}:
        # Once: a second one ends a process at once.
        PartFile.keep = keep
        os.kill(os.getpid(), signal.SIGINT)
PartFile.keep = then_interrupt
{MAIN}
"""


def test_a_full_disk_leaves_the_part_and_the_next_try_goes_on(whole, cli):
    logger, sectors = whole

    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    words = [sys.executable, "-c", MAIN, "download", "-d", logger.address, "-o", "again.trail"]
    made = subprocess.run(words, cwd=cli.folder, capture_output=True, text=True, preexec_fn=small_disk, check=False)
    assert made.returncode == 2
    assert made.stderr.startswith("celltrail: can't write again.trail.part: File too large")
    assert made.stderr.count("\n") == 1
    answer = cli("download", "-d", logger.address, "-o", "again.trail", "--json").json
    assert 8000 < answer["bytes_reused"] < 10_000
    assert answer["read_bytes"] == 4096 * len(sectors) - answer["bytes_reused"]
    assert ring(cli.folder / "again.trail") == sectors


def test_a_part_of_another_trip_is_not_mixed_in(whole, cli, start):
    logger, sectors = whole
    (cli.folder / "whole.trail").rename(cli.folder / "other.trail.part")
    assert "other.trail.part.1" in cli("download", "-d", logger.address, "-o", "other.trail").err
    assert ring(cli.folder / "other.trail") == sectors
    assert ring(cli.folder / "other.trail.part.1") == sectors


def test_a_running_trip_survives_a_cut_and_is_read_on(flying, cli, start, tmp_path):
    logger = start(handled(), flash=flying.copy_to(tmp_path))
    first = cli("download", "-d", logger.address, "-o", "first.trail", "--json").json
    assert first["verdict"]["verdict"] == "recording"
    logger.kill()
    logger.restart(off_ms=60_000)
    assert cli("status", "-d", logger.address, "--json").json["clock"] is False
    second = cli("download", "-d", logger.address, "-o", "second.trail", "--json").json
    assert cli("status", "-d", logger.address, "--json").json["clock"] is True
    assert second["verdict"]["verdict"] == "recording"
    sealed = len(ring(tmp_path / "first.trail")) - 1
    assert ring(tmp_path / "second.trail")[:sealed] == ring(tmp_path / "first.trail")[:sealed]


def test_a_link_that_stays_lost(stopped, cli, tmp_path, mocker):
    mocker.patch.object(module, "PAUSES_S", (0.05,))
    mocker.patch("celltrail.operate.fetch.TIMEOUT_S", 0.5)
    with VirtualLogger(handled(), flash=stopped.copy_to(tmp_path)) as logger:
        counter = itertools.count()
        honest = Screen.progress

        def progress(self, have, total):
            honest(self, have, total)
            if next(counter) == 6:
                logger.kill()

        mocker.patch.object(Screen, "progress", progress)
        answer = cli("download", "-d", logger.address, "-o", "a.trail", expect=3)
    assert "the same command goes on from here" in answer.err
    assert (tmp_path / "a.trail.part").exists()
