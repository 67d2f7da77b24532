"""Deep sleep of an ESP32: all but 2,048 bytes and the pins that wake it lose their power, and a wake is a restart.

Loaded only where the wiring asks for it. `machine.wake_reason` and `RTC.memory` as ports/esp32 has them in v1.29.
"""

import esp32
import machine
from machine import Pin
from micropython import const

from boards.chip_board import AWAKE_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boards.chip_board import ChipBoard

_ROOM = const(2048)


class DeepSleep:
    """`logger.hardware.Retained`; rests of at least `least_ms` are worth it. The button ends a sleep."""

    room = _ROOM

    def __init__(self, board: "ChipBoard", button: Pin, least_ms: int) -> None:
        self._board = board
        self._button = button
        self.least_ms = least_ms
        self._was_asleep = machine.reset_cause() == machine.DEEPSLEEP_RESET
        self._by_hand = self._was_asleep and machine.wake_reason() != machine.TIMER_WAKE

    def take(self) -> bytes:
        """What was kept; nothing after another start. It is gone then: nothing may be taken up twice."""
        memory = machine.RTC()
        kept = memory.memory()
        memory.memory(b"")
        return kept if self._was_asleep else b""

    def is_quiet(self) -> bool:
        """Whether nobody has touched the logger or talked to it for a while, and no pin would end the sleep at once."""
        board = self._board
        is_awake = board.ticks_ms() < board.awake_until_ms
        return not (is_awake or board.button() or board.accelerometer_int())

    def is_false_wake(self) -> bool:
        """Whether a pin has ended the sleep, and the button is not pressed."""
        return self._by_hand and not self._board.button()

    def go_on(self, tick_ms: int) -> None:
        """It is `tick_ms` now; whoever has pressed the button may want to talk."""
        self._board.long_ticks.go_on(tick_ms)
        self._board.awake_until_ms = tick_ms + AWAKE_MS if self._by_hand else tick_ms

    def power_down(self, kept: bytes, ms: int) -> None:
        """Sleep; does not return."""
        machine.RTC().memory(kept)
        if not hasattr(esp32, "wake_on_ext0"):
            # All pins that wake a C3 must have one level: now it is the button's.
            esp32.wake_on_gpio((self._button,), False)
        machine.deepsleep(ms)
