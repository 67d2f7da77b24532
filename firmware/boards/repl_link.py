"""The serial link of a board: the port that MicroPython otherwise gives to its prompt, USB or UART.

While the logger runs, Ctrl-C is a byte like any other.
"""

import select
import sys

from micropython import kbd_intr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_NO_INTERRUPT = -1
# What a port takes at once when it says that it takes anything.
_PIECE = 64


class ReplLink:
    """`logger.hardware.Link` on standard input and output.

    heard: called when bytes have come; in_touch: whether a host is there, or was a moment ago.
    """

    def __init__(self, heard: "Callable[[], None]", in_touch: "Callable[[], bool]") -> None:
        kbd_intr(_NO_INTERRUPT)
        self._heard = heard
        self._in_touch = in_touch
        self._in: "Any" = sys.stdin.buffer
        self._out: "Any" = sys.stdout.buffer
        self._can_read = select.poll()
        self._can_read.register(sys.stdin, select.POLLIN)
        self._can_write = select.poll()
        self._can_write.register(sys.stdout, select.POLLOUT)

    def waiting(self) -> bool:
        """Whether a byte has arrived."""
        return any(True for _ in self._can_read.ipoll(0))

    def read(self, limit: int) -> bytes:
        """At most `limit` bytes that have arrived; empty when there are none."""
        # The port's read blocks until it has all that is asked for, so it is asked for one at a time.
        data = bytearray()
        while len(data) < limit and self.waiting():
            data += self._in.read(1)
        if data:
            self._heard()
        return bytes(data)

    def write(self, data: "bytes | bytearray | memoryview") -> int:
        """Take some of `data`; the count taken, perhaps 0."""
        done = 0
        while done < len(data) and any(True for _ in self._can_write.ipoll(0)):
            piece = data[done : done + _PIECE]
            self._out.write(piece)
            done += len(piece)
        return done

    def connected(self) -> bool:
        """Whether a host has the link open, as far as the board can tell."""
        return self._in_touch()
