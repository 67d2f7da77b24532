"""The virtual logger's board: the chips' models and a simulated world, in a process on a PC.

It is started by `celltrail virtual`, which gives it `key=value` arguments:

    flash     file that holds the NOR flash; beside it lie FLASH.world (see `virtual_flash`) and FLASH.clock, the
              battery of the clock chip
    stimulus  file that tells what happens (see `virtual_stimulus`)
    port      the launcher's TCP port on 127.0.0.1 (see `virtual_wire`)
    token     a word that proves to the launcher who calls
    offset    ms of the world at power-on
    cause     reset cause, codes.RESET_*
    sectors   size of the flash
    radio     the Bluetooth stack to behave as, nimble or btstack; without it there is no radio
    ticks     period of the tick counter in ms, a power of two; without it that of a 32-bit chip
"""

import os
import sys

from boards.ticks import CHIP_PERIOD, LongTicks
from boards.virtual_clock import LONGEST_REST_MS, host_us
from boards.virtual_flash import VirtualFlash
from boards.virtual_sensors import Sensors
from boards.virtual_stimulus import Stimulus
from boards.virtual_tally import Tally
from boards.virtual_wire import Wire
from boards.virtual_world import World
from celltrail_protocol import codes
from logger.hardware import IDLE_LOOK_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boards.ble_link import BleLink
    from boards.virtual_bluetooth import VirtualBLE
    from logger.hardware import Board, ClockChip, Flash, Link, Radio, Retained

# The RP2040's watchdog can't count further than this.
_WATCHDOG_US = 8_388_000
# While the PC's clock drives the world, the models look this far ahead, so that the link stays quick.
_LOOK_AHEAD_US = 200_000
_REPORT_EVERY_US = 250_000


class VirtualBoard:
    """A board as `logger.hardware.Board` describes it."""

    name = "virtual"
    wiring_used = True

    def __init__(self, arguments: "dict[str, str]") -> None:
        stimulus = Stimulus(arguments["stimulus"])
        self.world = World(stimulus, int(arguments["offset"]) * 1000)
        self._clock = self.world.clock
        self._period_ms = int(arguments.get("ticks", CHIP_PERIOD))
        self._ticks = LongTicks(self._counter_ms, self._period_ms)
        flash = VirtualFlash(arguments["flash"], int(arguments["sectors"]), self.world.utc_ms)
        self.flash: "Flash" = flash
        self.uid = flash.uid
        self._sensors = Sensors(stimulus, self._clock, self.world.offset_us)
        self.thermometers = self._sensors.thermometers
        self.barometer = self._sensors.barometer
        self.rtc: "ClockChip | None" = None
        if stimulus.clock_chip:
            self.rtc = self._sensors.fit_clock(arguments["flash"] + ".clock", self.world.utc_us)
        self.accelerometer = self._sensors.accelerometer
        self._tally = Tally(flash, self.thermometers + ([self.barometer] if self.barometer else []))
        self.reset_cause = int(arguments["cause"])
        self.retained: "Retained | None" = None
        self._led: "int | None" = None
        self._fed_us = 0
        self._reported_us = 0
        self._started = False
        self._wire = Wire(int(arguments["port"]), arguments["token"], self._obey)
        self.link: "Link" = self._wire
        self._air: "VirtualBLE | None" = None
        self._ble = self._fit_radio(arguments.get("radio"))
        self.radio: "Radio | None" = self._ble
        # The launcher says all that must hold from the first instant on, such as the speed, and then "go".
        while not self._started:
            self._wire.service(-1)

    def _fit_radio(self, stack: "str | None") -> "BleLink | None":
        """The same file as on real boards, on a stand-in for MicroPython's module."""
        if stack is None:
            return None
        from boards import virtual_bluetooth

        ble = self._air = virtual_bluetooth.VirtualBLE(stack, self._wire.radio)
        virtual_bluetooth.fit(ble)
        sys.modules["bluetooth"] = virtual_bluetooth
        from boards.ble_link import BleLink

        self._wire.on_radio = ble.receive
        return BleLink(ble)

    def _obey(self, line: str) -> None:
        if line == "go":
            self._started = True
            return
        if line == "tally":
            self._wire.event(self._tally.report())
            return
        paused = self.world.paused
        self.world.control(line)
        if paused and not self.world.paused:
            self._report("resumed")

    # --- time ---

    def _counter_ms(self) -> int:
        # Wraps as those of real boards do, so that every simulation shows that the ticks don't.
        return self._clock.now_us() // 1000 % self._period_ms

    def ticks_ms(self) -> int:
        """Milliseconds since power-on; never wraps."""
        return self._ticks.now()

    def world_utc_ms(self) -> "int | None":
        """UTC of the simulated world, ms since 1970."""
        return self.world.utc_ms()

    def wait(self, until_ms: "int | None") -> None:
        """Sleep until then, or until link bytes, a coming or going client, an interrupt or the button."""
        # With nothing to wait for, the world does not fly.
        flies = until_ms is not None
        until_us = until_ms * 1000 if until_ms is not None else self._clock.now_us() + IDLE_LOOK_MS * 1000
        self._check_watchdog()
        self._wire.service()
        self._tally.sleeps(self._clock.now_us())
        while not self._woken(until_us):
            self._pass_time(until_us, flies)
        self._tally.wakes(self._clock.now_us(), self._air.interval_ms if self._air else 0)
        self._fed_us = self._clock.now_us()
        self._report()

    def _woken(self, until_us: int) -> bool:
        now_us = self._clock.now_us()
        if self.world.pause_reached(now_us):
            self._report("paused")
        moved = self.world.edge_passed(now_us)
        changed, self._wire.changed = self._wire.changed, False
        if moved or changed or self._heard_radio() or self._wire.received or self._sensors.interrupted():
            return True
        return now_us >= until_us

    def _heard_radio(self) -> bool:
        if self._ble is None or not self._ble.news:
            return False
        self._ble.news = False
        self.world.set_client("air", self._ble.connection() != 0)
        return True

    def _pass_time(self, until_us: int, flies: bool) -> None:
        now_us = self._clock.now_us()
        # The tick counter must be asked in time, whatever is due when.
        rest_us = min(self._ticks.longest() * 1000, until_us)
        if flies and self.world.may_fly(now_us):
            self.world.take_off()
            self._fly(self._next_us(self.world.flight_end_us(rest_us)))
        else:
            if self.world.land():
                self._report("landed")
            event_us = self.world.next_event_us(rest_us)
            if self._sensors.sampling():
                event_us = self._next_us(min(event_us, now_us + _LOOK_AHEAD_US))
            self._sleep(event_us)

    def _next_us(self, limit_us: int) -> int:
        interrupt_us = self._sensors.next_interrupt_us(limit_us)
        return limit_us if interrupt_us is None else min(interrupt_us, limit_us)

    def _fly(self, target_us: int) -> None:
        left_ms = self.world.flight_ms(target_us)
        while left_ms and not self._wire.service(min(left_ms, LONGEST_REST_MS)):
            left_ms = self.world.flight_ms(target_us)
        if left_ms:
            self.world.fly_interrupted(target_us, self.world.flight_ms(target_us))
        else:
            self._clock.jump(target_us)

    def _sleep(self, target_us: int) -> None:
        # Rounded up: a sleep of 0 ms would keep the processor busy for the last millisecond.
        left_ms = (target_us - self._clock.now_us() + 999) // 1000
        self._wire.service(min(max(0, left_ms), LONGEST_REST_MS))

    # --- the rest of the board ---

    def accelerometer_int(self) -> bool:
        """The level of the accelerometer's interrupt pin."""
        return self._sensors.interrupt_level()

    def button(self) -> bool:
        """Whether the button is pressed now."""
        return self.world.pressed()

    def led(self, pattern: int) -> None:
        """Show one of `codes.LED_*`: the launcher hears of changes."""
        if pattern != self._led:
            self._led = pattern
            self._wire.event("led %d" % pattern)

    def battery_mV(self) -> int:
        """The battery's voltage."""
        return self.world.battery_mV()

    def random(self, n: int) -> bytes:
        """`n` bytes from the PC's random source."""
        return os.urandom(n)

    def feed(self) -> None:
        """Tell the watchdog that all is well."""
        self._check_watchdog()
        self._fed_us = self._clock.now_us()

    def _check_watchdog(self) -> None:
        if self._clock.now_us() - self._fed_us > _WATCHDOG_US:
            self._restart(codes.RESET_WATCHDOG)

    def reset(self) -> None:
        """Restart the board; does not return."""
        self._restart(codes.RESET_SOFT)

    def _restart(self, cause: int) -> None:
        self._wire.event("reset %d %d" % (cause, self.world.world_ms()))
        self._wire.close()
        sys.exit(0)

    def _report(self, word: str = "world") -> None:
        now_us = host_us()
        if word != "world" or now_us - self._reported_us >= _REPORT_EVERY_US:
            self._reported_us = now_us
            self._wire.event("%s %d %d" % (word, self.world.world_ms(), self._clock.held))


def make_board() -> "Board":
    """The board that the command line describes."""
    return VirtualBoard(dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word))
