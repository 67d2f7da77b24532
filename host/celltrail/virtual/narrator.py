"""Says on standard error what a virtual logger and its world do."""

import sys
import threading
import time

from celltrail.utc import iso, span
from celltrail_protocol import names

_WORLD_EVERY_S = 10.0


class Narrator:
    """Call it with each event line of the board; may be called from any thread."""

    def __init__(self, start_utc_ms: int) -> None:
        self._start_utc_ms = start_utc_ms
        self._lock = threading.Lock()
        self._world_said_s = time.monotonic()

    def __call__(self, event: str) -> None:
        words = event.split()
        line = {
            "led": self._led,
            "world": self._world,
            "landed": self._landed,
            "paused": self._paused,
            "resumed": self._resumed,
            "reset": self._reset,
        }.get(words[0], _silent)(words[1:])
        if line:
            self.say(line)

    def say(self, line: str) -> None:
        """Print one line."""
        with self._lock:
            print(line, file=sys.stderr, flush=True)

    def _when(self, words: list[str]) -> str:
        world_ms = int(words[0])
        return f"world: {iso(self._start_utc_ms + world_ms)} ({span(world_ms)})"

    def _led(self, words: list[str]) -> str:
        return f"led: {names.LED_NAMES.get(int(words[0]), words[0])}"

    def _world(self, words: list[str]) -> str:
        now_s = time.monotonic()
        if now_s - self._world_said_s < _WORLD_EVERY_S:
            return ""
        self._world_said_s = now_s
        return self._when(words)

    def _landed(self, words: list[str]) -> str:
        return f"{self._when(words)}, now at the pace of this PC"

    def _paused(self, words: list[str]) -> str:
        return f"{self._when(words)}, waits here until a client has come and gone"

    def _resumed(self, words: list[str]) -> str:
        return f"{self._when(words)}, goes on"

    def _reset(self, words: list[str]) -> str:
        return f"logger: restarts ({names.RESET_NAMES.get(int(words[0]), words[0])})"


def _silent(words: list[str]) -> str:
    return ""
