"""Downloads of a real logger in memory, and what two read-outs of one trip have in common."""

import asyncio
import itertools

from celltrail.evidence.trail import read_trail
from celltrail.link.address import parse_address
from celltrail.operate.download import Download, Wish
from tests.host.real_logger import RealLogger

ADDRESS = parse_address("tcp://127.0.0.1:1")


class Told:
    """A reporter that remembers."""

    def __init__(self):
        self.lines = []
        self.bars = []

    def say(self, text):
        self.lines.append(text)

    def progress(self, have, total):
        self.bars.append((have, total))


class Bench:
    """A logger, a key store, and numbered read-outs."""

    def __init__(self, logger, folder):
        self.logger = logger
        self.folder = folder
        self.keys = logger.keys_in(folder / "keys")
        self._numbers = itertools.count()

    def read(self, path=None, told=None):
        """(outcome, the file) of one download."""
        path = path or self.folder / f"{next(self._numbers)}.trail"
        told = told or Told()
        outcome = asyncio.run(Download(ADDRESS, Wish(path=path), self.keys, told).run())
        assert all(have <= total for have, total in told.bars)
        return outcome, read_trail(path)

    def content(self, trail):
        """All that two read-outs of one trip have in common."""
        meta = {key: value for key, value in trail.meta.items() if key != "pairs"}
        return meta, [(one.index, bytes(one.data)) for one in trail.sectors], trail.pending

    def leftovers(self):
        """Names of files that are no finished read-out."""
        return sorted(path.name for path in self.folder.iterdir() if path.suffix != ".trail" and path.is_file())


def running():
    """Two sealed sectors, an open one, pending readings."""
    logger = RealLogger()
    logger.fly_until(3, 10)
    return logger


def stopped():
    logger = running()
    logger.stop()
    return logger


TRIPS = {"running": (running, "recording"), "stopped": (stopped, "closed")}


def in_peace(bench, kind):
    """(bench, what a read-out holds, the bytes of each direction); the first one changes what is unread."""
    make, word = TRIPS[kind]
    made = bench(make())
    made.read()
    made.logger.forget_the_link()
    outcome, trail = made.read()
    assert outcome.verdict.word == word
    assert (trail.pending is not None) == (kind == "running")
    return made, made.content(trail), made.logger
