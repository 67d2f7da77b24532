"""One Bluetooth LE connection on the virtual radio: when which packet is on the air, and when it has arrived.

Times are those of the Core Specification (volume 6, part B, sections 2.1 and 4.1): a packet of n bytes takes 10 + n
bytes of air, 150 us lie between two packets. A connection event begins every `interval_ms` with a packet of the
central's and goes on while one of the two has more to say.
"""

import asyncio
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

_PACKET_BYTES = 10
_BETWEEN_S = 150e-6
_L2CAP_BYTES = 4
_ATT_BYTES = 3
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Conditions:
    """How good the radio is; the central decides most of it.

    mtu: the largest that the central offers. data_length: bytes of a packet, 27 without and 251 with data length
    extension. Mbps: of the air, 1 or 2. device_kBps: what the logger's chip takes from its processor; a Pico W was
    measured at 36.5 (pico-sdk#2625). loss: the share of packet pairs that are lost and sent again.
    """

    interval_ms: float = 15.0
    mtu: int = 247
    data_length: int = 251
    Mbps: int = 1
    device_kBps: float = 36.5
    loss: float = 0.0

    def air_s(self, size: int) -> float:
        """How long a packet of `size` bytes is on the air."""
        return (_PACKET_BYTES + size) * 8e-6 / self.Mbps


@dataclass
class _Value:
    """An attribute's value on its way; `left` bytes of it, with the heads of both layers, are still to be sent."""

    handle: int
    data: bytes
    ready_s: float
    left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = len(self.data) + _ATT_BYTES + _L2CAP_BYTES


class AirLink:
    """Moves values both ways; `to_logger` and `to_host` are called with (handle, bytes) when one has arrived."""

    def __init__(
        self,
        conditions: Conditions,
        to_logger: Callable[[int, bytes], None],
        to_host: Callable[[int, bytes], None],
        chance: random.Random,
    ) -> None:
        self._conditions = conditions
        self._to_logger = to_logger
        self._to_host = to_host
        self._chance = chance
        self._loop = asyncio.get_running_loop()
        self._down: deque[_Value] = deque()
        self._up: deque[_Value] = deque()
        self._began_s = self._loop.time()
        self._at_s = self._began_s
        self._chip_s = self._began_s
        self._timer: asyncio.TimerHandle | None = None
        self._runs = False
        self._is_closed = False

    def write(self, handle: int, data: bytes) -> None:
        """The host writes."""
        self._down.append(_Value(handle, data, self._loop.time()))
        self._wake()

    def notify(self, handle: int, data: bytes) -> None:
        """The logger notifies: its processor hands the value to its radio."""
        begin_s = max(self._chip_s, self._loop.time())
        self._chip_s = begin_s + len(data) / (self._conditions.device_kBps * 1000)
        self._up.append(_Value(handle, data, self._chip_s))
        self._wake()

    def close(self) -> None:
        """Nothing more arrives."""
        if self._timer is not None:
            self._timer.cancel()
        self._is_closed = True

    def next_event_s(self, now_s: float) -> float:
        """When the next connection event begins."""
        interval_s = self._conditions.interval_ms / 1000
        return self._began_s + math.ceil((now_s - self._began_s) / interval_s - _ROUNDING) * interval_s

    def _wake(self) -> None:
        if not self._runs and not self._is_closed:
            self._runs = True
            self._at_s = self.next_event_s(self._loop.time())
            self._go_on()

    def _go_on(self) -> None:
        """The next exchange: in this connection event if somebody has something to say, else in a later one."""
        ready_s = min(queue[0].ready_s for queue in (self._down, self._up) if queue)
        if ready_s > self._at_s:
            self._at_s = self.next_event_s(ready_s)
        lasts_s = self._lasts_s()
        end_s = self.next_event_s(self._at_s + _BETWEEN_S)
        if self._at_s + lasts_s > end_s - _BETWEEN_S:
            self._at_s = end_s
            lasts_s = self._lasts_s()
        down, up = self._size(self._down), self._size(self._up)
        self._at_s += lasts_s
        self._timer = self._loop.call_at(self._at_s, self._arrive, down, up)

    def _size(self, queue: deque[_Value]) -> int:
        if not queue or queue[0].ready_s > self._at_s:
            return 0
        return min(queue[0].left, self._conditions.data_length)

    def _lasts_s(self) -> float:
        """Of an exchange that begins now: each side sends a packet, an empty one if it has nothing to say."""
        sizes = self._size(self._down), self._size(self._up)
        return sum(self._conditions.air_s(size) for size in sizes) + 2 * _BETWEEN_S

    def _arrive(self, down: int, up: int) -> None:
        if self._chance.random() >= self._conditions.loss:
            self._move(self._down, down, self._to_logger)
            self._move(self._up, up, self._to_host)
        # A PC that is late catches up, unless it is late by a whole interval.
        self._at_s = max(self._at_s, self._loop.time() - self._conditions.interval_ms / 1000)
        if self._is_closed or not (self._down or self._up):
            self._runs = False
        else:
            self._go_on()

    def _move(self, queue: deque[_Value], size: int, arrived: Callable[[int, bytes], None]) -> None:
        if size:
            queue[0].left -= size
            if queue[0].left <= 0:
                value = queue.popleft()
                arrived(value.handle, value.data)
