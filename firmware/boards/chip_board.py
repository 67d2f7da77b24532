"""What the boards with a real chip have in common: time, waiting, light, button, battery, sensors from the wiring."""

import os
import sys
import time

from machine import ADC, I2C, SPI, WDT, Pin

from boards.lamp import Lamp
from boards.repl_link import ReplLink
from boards.ticks import LongTicks, ticks_period
from logger.forget import forget
from logger.hardware import IDLE_LOOK_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from onewire import OneWire

    from boards.ble_link import BleLink
    from celltrail_protocol.wiring import Wiring
    from logger.hardware import Accelerometer, ClockChip, Flash, Link, Radio, Retained, Thermometer

# After a start, a byte from a host or a press of the button a host may want to talk: the chip stays awake.
AWAKE_MS = 30000
_NAP_MS = 2
_DOZE_MS = 50
_SAMPLES = 8


class ChipBoard:
    """A board as `logger.hardware.Board` describes it, but for what differs between chips.

    A subclass gives uid, reset_cause, and the methods at the end.
    """

    # The watchdog can't count further than this on an RP2040; a rest must end, and the work after it, before that.
    watchdog_ms = 8388
    longest_rest_ms = 7000
    # Only where the wiring asks for it.
    retained: "Retained | None" = None
    # What the Bluetooth stack must leave of the heap, where it queues there without limit.
    radio_reserve = 0

    name: str = getattr(sys.implementation, "_machine", "")
    uid = b""
    reset_cause = 0

    def __init__(self, flash: "Flash", default: "Wiring") -> None:
        self.flash = flash
        counter_ms: "Any" = time.ticks_ms
        self.long_ticks = LongTicks(counter_ms, ticks_period())
        self._watchdog: "WDT | None" = None
        self._event = bytearray(1)
        self._told = False
        self._was_attached = False
        self._was_pressed = False
        self.wiring_used = True
        from boards.wired import read_wiring

        wiring = read_wiring(flash)
        try:
            self._fit(wiring or default)
        except (KeyError, ValueError, OSError):
            # Pins that this chip does not have. A logger that can't start can't be told better.
            self.wiring_used = False
            self._fit(default)
        forget("boards.fit", "boards.wired", "celltrail_protocol.wiring")
        self._heard_until_ms = 0
        self._port = ReplLink(self._hear, self._in_touch)
        self.link: "Link" = self._port
        self._ble = self._find_radio()
        self.radio: "Radio | None" = self._ble
        self.awake_until_ms = self.ticks_ms() + AWAKE_MS

    def _find_radio(self) -> "BleLink | None":
        """None on a chip whose MicroPython has no Bluetooth."""
        try:
            import bluetooth

            from boards.ble_link import BleLink

            return BleLink(bluetooth.BLE(), self.radio_reserve)
        except ImportError:
            return None

    # --- wiring ---

    def _fit(self, wiring: "Wiring") -> None:
        from boards.fit import Buses, accelerometer, barometer, clock_chip, thermometers

        buses = Buses(wiring, self)
        self.thermometers: "list[Thermometer]" = thermometers(wiring, buses)
        self.barometer: "Thermometer | None" = barometer(wiring, buses)
        self.rtc: "ClockChip | None" = clock_chip(wiring, buses)
        self.accelerometer: "Accelerometer | None" = accelerometer(wiring, buses)
        self._int = self._input(wiring.get("accel", ())[2:], 0)
        self._button = self._input(wiring.get("button", ()), Pin.PULL_UP)
        self._cable = self._input(wiring.get("cable", ()), 0)
        self._fit_lamp(wiring.get("led", ()))
        battery = wiring.get("battery", ())
        self._battery = self.make_adc(Pin(battery[0])) if battery else None
        self._permille = battery[1] if battery else 0
        # A pin wakes the chip only when its interrupt has a handler.
        if self._int:
            self._int.irq(self._notice, Pin.IRQ_RISING)
        if self._button:
            self._button.irq(self._notice, Pin.IRQ_FALLING | Pin.IRQ_RISING)

    def _input(self, pins: "Sequence[int]", pull: int) -> "Pin | None":
        if not pins:
            return None
        return Pin(pins[0], Pin.IN, pull) if pull else Pin(pins[0], Pin.IN)

    def _fit_lamp(self, led: "Sequence[int]") -> None:
        self._led = Pin(led[0], Pin.OUT, value=1 - led[1]) if led else None
        self._lit = led[1] if led else 1
        self.lamp = Lamp(self._switch)

    def _switch(self, lit: bool) -> None:
        if self._led:
            self._led.value(self._lit if lit else 1 - self._lit)

    def _notice(self, pin: Pin) -> None:
        """Interrupt: allocates nothing."""
        self._event[0] = 1

    # --- time ---

    def ticks_ms(self) -> int:
        """Milliseconds since power-on; never wraps."""
        return self.long_ticks.now()

    def world_utc_ms(self) -> "int | None":
        """None: this world is not simulated."""
        return None

    def sleep_ms(self, ms: int) -> None:
        """How drivers wait for their chips."""
        time.sleep_ms(ms)

    def stay_awake(self, now_ms: int) -> None:
        """A host or a hand is here: answer at once for a while."""
        self.awake_until_ms = now_ms + AWAKE_MS

    def _hear(self) -> None:
        """A host has sent something: it may go on."""
        now_ms = self.ticks_ms()
        self._heard_until_ms = now_ms + AWAKE_MS
        self.stay_awake(now_ms)

    def _in_touch(self) -> bool:
        # A UART does not tell when a host goes.
        return self.attached() or self.ticks_ms() < self._heard_until_ms

    def wait(self, until_ms: "int | None") -> None:
        """Sleep until then, at most IDLE_LOOK_MS with None, or until link bytes, an interrupt or the button."""
        if until_ms is None:
            until_ms = self.ticks_ms() + IDLE_LOOK_MS
        while True:
            self.feed()
            now_ms = self.ticks_ms()
            next_ms = min(self.lamp.service(now_ms), self.long_ticks.longest())
            if self._woken(now_ms) or now_ms >= until_ms:
                return
            self._pause(min(next_ms, until_ms) - now_ms, now_ms)

    def _pause(self, rest_ms: int, now_ms: int) -> None:
        if now_ms < self.awake_until_ms or self._was_attached or (self._ble and self._ble.connection()):
            time.sleep_ms(min(rest_ms, _NAP_MS))
        elif self._ble and self._ble.is_on:
            # The chip's deeper sleep would take the radio with it.
            time.sleep_ms(min(rest_ms, _DOZE_MS))
        else:
            self.rest(min(rest_ms, self.longest_rest_ms))
            # What an interrupt has scheduled has its turn.
            time.sleep_ms(0)

    def _woken(self, now_ms: int) -> bool:
        noticed, level = bool(self._event[0]), self.accelerometer_int()
        self._event[0] = 0
        # The pin falls only when the firmware reads the chip: a level that was told is no news.
        impact = level and not self._told
        self._told = level
        attached, before = self.attached(), self._was_attached
        self._was_attached = attached
        pressed, talks = self.button(), self._port.waiting()
        # Not every chip's sleep is ended by its button: the level tells as well.
        noticed = noticed or pressed != self._was_pressed
        self._was_pressed = pressed
        if talks or pressed:
            self.stay_awake(now_ms)
        return noticed or impact or talks or attached != before or self._heard_radio()

    def _heard_radio(self) -> bool:
        if self._ble is None or not self._ble.news:
            return False
        self._ble.news = False
        return True

    # --- the rest of the board ---

    def accelerometer_int(self) -> bool:
        """The level of the accelerometer's interrupt pin."""
        return self._int is not None and self._int.value() == 1

    def button(self) -> bool:
        """Whether the button is pressed now: it connects its pin to ground."""
        return self._button is not None and self._button.value() == 0

    def led(self, pattern: int) -> None:
        """Show one of `codes.LED_*`."""
        self.lamp.show(pattern, self.ticks_ms())

    def battery_mV(self) -> int:
        """The battery's voltage behind its divider; 0 without one."""
        if self._battery is None:
            return 0
        total = 0
        for _ in range(_SAMPLES):
            total += self.pin_mV(self._battery)
        return total * self._permille // (1000 * _SAMPLES)

    def random(self, n: int) -> bytes:
        """`n` bytes from the chip's random source."""
        return os.urandom(n)

    def feed(self) -> None:
        """Tell the watchdog that all is well; it starts with the first call, and nothing stops it."""
        if self._watchdog is None:
            self._watchdog = WDT(timeout=self.watchdog_ms)
        self._watchdog.feed()

    # --- what differs ---

    def attached(self) -> bool:
        """Whether a host may be at the serial link."""
        return self._cable is not None and self._cable.value() == 1

    def make_i2c(self, pins: "Sequence[int]") -> I2C:
        """The bus on SDA, SCL, at so many kHz."""
        raise NotImplementedError

    def make_spi(self, pins: "Sequence[int]") -> SPI:
        """The bus on SCK, MOSI, MISO."""
        raise NotImplementedError

    def make_onewire(self, pins: "Sequence[int]") -> "OneWire":
        """The line on a pin."""
        from onewire import OneWire

        return OneWire(Pin(pins[0]))

    def make_output(self, pin: int, level: int) -> Pin:
        """A pin that is driven."""
        return Pin(pin, Pin.OUT, value=level)

    def make_adc(self, pin: Pin) -> ADC:
        """A pin that measures up to 3.3 V."""
        return ADC(pin)

    def pin_mV(self, pin: ADC) -> int:
        """The voltage at an ADC pin."""
        raise NotImplementedError

    def rest(self, ms: int) -> None:
        """Sleep so long, or until a pin wakes the chip, at as little current as goes."""
        raise NotImplementedError

    def reset(self) -> None:
        """Restart the board; does not return."""
        raise NotImplementedError
