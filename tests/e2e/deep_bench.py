"""A board whose whole world is a folder: flash, retained bytes, and the time; each wake is a process of its own.

Its arguments: folder=PATH, until=MS, least=MS (the shortest rest to be powered down for). It ends by itself when it is
powered down, or at that time.
"""

import os
import sys

from boards.models.nor_flash import NorFlash
from celltrail_protocol import codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_EPOCH_S = 1748844000
_START_MS = 1200


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


class Silence:
    """A link that nobody is at."""

    def read(self, limit: int) -> bytes:
        return b""

    def write(self, data: "Any") -> int:
        return len(data)

    def connected(self) -> bool:
        return False


class Probe:
    """Rises by a step with each hour."""

    model = codes.MODEL_TMP117
    step_nK = 7812500
    low_raw = -7040
    high_raw = 19200
    uncertainty_mK = 300
    lead_ms = 0
    begun = False

    def __init__(self, board: "Bench") -> None:
        self._board = board

    def start(self) -> None:
        pass

    def begin(self) -> None:
        pass

    def read_raw(self) -> int:
        return 640 + self._board.true_ms // 3600000


class Bench:
    """The board, its clock chip and its retained bytes in one."""

    name = "bench"
    uid = b"BENCH001"
    barometer = accelerometer = radio = None
    room = 2048

    def __init__(self, folder: str, until_ms: int, least_ms: int) -> None:
        self._folder, self._until_ms, self.least_ms = folder, until_ms, least_ms
        told = _read(folder + "/world").split() or [b"0", b"%d" % codes.RESET_POWER_ON]
        self.true_ms, self.reset_cause = int(told[0]), int(told[1])
        self._zero_ms = self.true_ms
        self.flash = NorFlash(16, folder + "/flash")
        self.link = Silence()
        self.thermometers = [Probe(self)]
        self.rtc = self.retained = self

    def ticks_ms(self) -> int:
        return self.true_ms - self._zero_ms

    def wait(self, until_ms: "int | None") -> None:
        self.true_ms = self._zero_ms + (self.ticks_ms() + 1000 if until_ms is None else until_ms)
        if self.true_ms >= self._until_ms:
            self._end(codes.RESET_POWER_ON)

    def _end(self, cause: int) -> None:
        self.flash.close()
        _write(self._folder + "/world", b"%d %d" % (self.true_ms, cause))
        sys.exit(0)

    def accelerometer_int(self) -> bool:
        return False

    def button(self) -> bool:
        return False

    def led(self, pattern: int) -> None:
        pass

    def battery_mV(self) -> int:
        return 4000

    def random(self, n: int) -> bytes:
        return os.urandom(n)

    def feed(self) -> None:
        pass

    def reset(self) -> None:
        self._end(codes.RESET_SOFT)

    def world_utc_ms(self) -> "int | None":
        return None

    # The clock chip

    def read(self) -> "tuple[int, int]":
        return _EPOCH_S + self.true_ms // 1000, 10

    def set(self, utc_s: int, doubt_ms: int) -> None:
        pass

    # What is retained

    def take(self) -> bytes:
        kept = _read(self._folder + "/retained")
        _write(self._folder + "/retained", b"")
        return kept if self.reset_cause == codes.RESET_SLEEP else b""

    def is_quiet(self) -> bool:
        return True

    def is_false_wake(self) -> bool:
        return False

    def go_on(self, tick_ms: int) -> None:
        self._zero_ms = self.true_ms - tick_ms

    def power_down(self, kept: bytes, ms: int) -> None:
        _write(self._folder + "/retained", kept)
        self.true_ms += ms + _START_MS
        self._end(codes.RESET_SLEEP)


def make_board() -> "Bench":
    """The board of the command line."""
    told = dict([word.split("=", 1) for word in sys.argv[1:]])
    return Bench(told["folder"], int(told["until"]), int(told["least"]))
