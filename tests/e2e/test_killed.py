"""The real `celltrail download` is killed at random moments under load, again and again; the same command goes on.

CELLTRAIL_KILLS is the number of kills (6), CELLTRAIL_SEED the seed of their moments.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from celltrail.evidence.trail import read_trail
from celltrail.operate.part_file import read_part
from tests.e2e.conftest import handled

# Under load most of a command's time goes into imports. They are done once: each command is a fork of this.
NURSERY = """
import os, sys
from celltrail.cli.main import main
import celltrail.cli.download, celltrail.evidence.verify, celltrail.link.transport_serial
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        sys.argv = ["celltrail", *line.split()]
        main()
    print(child, flush=True)
    # Until then it keeps its number, so that nobody else is killed.
    sys.stdin.readline()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
KILLS = int(os.environ.get("CELLTRAIL_KILLS", "6"))
SEED = int(os.environ.get("CELLTRAIL_SEED", "1"))
_HEADER = 24
_LONGEST_S = 60.0


@contextlib.contextmanager
def busy():
    """Other work for all cores."""
    with contextlib.ExitStack() as stack:
        for _ in range((os.cpu_count() or 1) + 1):
            hog = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(hog.kill)
        yield


class Victim:
    """One command line that is started and killed until it ends by itself."""

    def __init__(self, folder, address, chance):
        self.path = folder / "t.trail"
        self.part = folder / "t.trail.part"
        self._line = f"download -d {address} -o t.trail\n"
        self._chance = chance
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self._nursery = subprocess.Popen([sys.executable, "-c", NURSERY], cwd=folder, text=True, **pipes)

    def run_a_while(self):
        """The exit code; -9 when it was killed, 0 when the read-out is complete."""
        done = self.path.exists() and not self.part.exists()
        self._nursery.stdin.write(self._line)
        self._nursery.stdin.flush()
        child = int(self._nursery.stdout.readline())
        if self._chance.random() < 0.8:
            self._wait_for_news()
        time.sleep(self._chance.uniform(0, 0.4))
        os.kill(child, signal.SIGKILL)
        self._nursery.stdin.write("\n")
        self._nursery.stdin.flush()
        code = int(next(line for line in self._nursery.stdout if line.strip().lstrip("-").isdigit()))
        if done:
            # Killed when all was done but the telling: the file is whole, and is not replaced.
            assert code in (2, -9), self.end()
            return 0
        assert code in (0, -9), self.end()
        return code

    def end(self):
        """What went to standard error in all the time."""
        err = self._nursery.communicate(timeout=_LONGEST_S)[1]
        assert "Traceback" not in err
        return err

    def _wait_for_news(self):
        """The moments of interest come when the part file grows."""
        before = self._size()
        end_s = time.monotonic() + 3
        while self._size() <= before and time.monotonic() < end_s:
            time.sleep(0.002)

    def _size(self):
        return self.part.stat().st_size if self.part.exists() else -1

    def kept(self):
        """How many bytes of the trip are safe."""
        if self.path.exists():
            return 1 << 30
        return read_part(self.part).pieces.size if self._size() >= _HEADER else 0


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("which", ["stopped", "flying"])
def test_killed_again_and_again_under_load(request, which, cli, start, tmp_path):
    logger = start(handled(), flash=request.getfixturevalue(which).copy_to(tmp_path))
    cli("download", "-d", logger.address, "-o", "whole.trail")
    whole = [bytes(one.data) for one in read_trail(tmp_path / "whole.trail").sectors if one.whole]
    victim = Victim(tmp_path, logger.address, random.Random(SEED))
    kills = ends = 0
    kept = 0
    with busy():
        while kills < KILLS:
            code = victim.run_a_while()
            kills += code == -9
            ends += code == 0
            now = victim.kept()
            assert now >= kept
            kept = now
            if code == 0:
                check_end(victim, whole)
                kept = 0
    victim.end()
    if not victim.path.exists() or victim.part.exists():
        cli("download", "-d", logger.address, "-o", "t.trail")
    check_end(victim, whole)
    assert sorted(os.listdir(tmp_path)) == sorted(NAMES)
    print(f"{kills} kills, {ends} downloads that ended between them")


NAMES = ["eager.toml", "flash", "flash.lock", "flash.world", "keys", "whole.trail"]


def check_end(victim, whole):
    """Complete, and nothing left beside."""
    assert [bytes(one.data) for one in read_trail(victim.path).sectors if one.whole][: len(whole)] == whole
    assert not victim.part.exists()
    victim.path.unlink()
