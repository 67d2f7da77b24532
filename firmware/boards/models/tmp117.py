"""Model of the TMP117 thermometer (TI SNOSD82).

A conversion samples its input once, when it starts; its result appears when all of its averages would be
done. Not modelled: limits, alerts and the EEPROM.
"""

import math

from boards.models.i2c_bus import ChipModel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Clock(Protocol):
        def now_us(self) -> int: ...

    class TemperatureSignal(Protocol):
        def celsius(self, t_us: int) -> "float | None": ...


TEMP_RESULT = 0x00
CONFIGURATION = 0x01
DEVICE_ID = 0x0F

_RESET_CONFIGURATION = 0x0220
_NO_RESULT = 0x8000
_DATA_READY = 0x2000
_MOD = 0x0C00
_MOD_SHUTDOWN = 0x0400
_MOD_ONE_SHOT = 0x0C00
_WRITABLE = 0x0FFC
_SOFT_RESET = 0x0002

_CONVERSION_US = 15_500
_AVERAGES = (1, 8, 32, 64)
_CYCLES_US = (15_500, 125_000, 250_000, 500_000, 1_000_000, 4_000_000, 8_000_000, 16_000_000)
_READ_WRITE = (0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08)


class TMP117Model(ChipModel):
    """`signal.celsius(t_us)` is what the chip feels; None: it is unplugged, and has no power."""

    def __init__(self, clock: "Clock", signal: "TemperatureSignal", address: int = 0x48) -> None:
        super().__init__(address)
        self._clock = clock
        self._signal = signal
        self._powered = True
        self.power_on()

    def power_on(self) -> None:
        """What an interruption of the supply does; the chip converts continuously from then on."""
        self._registers = {0x02: 0x6000, 0x03: 0x8000}
        self._configuration = _RESET_CONFIGURATION
        self._result = _NO_RESULT
        self._ready = False
        self._begin(self._clock.now_us())

    def present(self) -> bool:
        """Whether the chip acknowledges; seeing it come back starts it anew."""
        if self.fail == "nack" or self._signal.celsius(self._clock.now_us()) is None:
            self._powered = False
            return False
        if not self._powered:
            self._powered = True
            self.power_on()
        return True

    # --- conversions ---

    def _begin(self, t_us: int) -> None:
        self._began_us = t_us
        self._converting = True

    def _duration_us(self) -> int:
        return _CONVERSION_US * _AVERAGES[self._configuration >> 5 & 3]

    def _settle(self) -> None:
        """Finish the conversions that have ended by now."""
        now_us = self._clock.now_us()
        duration_us = self._duration_us()
        if not self._converting or now_us < self._began_us + duration_us:
            return
        if self._configuration & _MOD == _MOD_ONE_SHOT:
            self._configuration = self._configuration & ~_MOD | _MOD_SHUTDOWN
            self._finish(self._began_us)
            self._converting = False
        else:
            cycle_us = max(_CYCLES_US[self._configuration >> 7 & 7], duration_us)
            self._began_us += (now_us - self._began_us - duration_us) // cycle_us * cycle_us
            self._finish(self._began_us)
            self._began_us += cycle_us

    def _finish(self, sampled_us: int) -> None:
        celsius = self._signal.celsius(sampled_us)
        if celsius is None:
            return
        # Half a step up, within the register; -256 degC is kept for "no result".
        raw = min(max(math.floor(celsius * 128 + 0.5), -32767), 32767)
        self._result = raw & 0xFFFF
        self._ready = True

    # --- registers of 16 bits, most significant byte first; the pointer does not move ---

    def read(self, register: int, buf: "bytearray | memoryview") -> None:
        """Serve one read transfer."""
        self._settle()
        value = self._read_word(register)
        for i in range(len(buf)):
            buf[i] = value & 0xFF if i & 1 else value >> 8

    def _read_word(self, register: int) -> int:
        if register == TEMP_RESULT:
            self._ready = False
            return self._result
        if register == CONFIGURATION:
            value = self._configuration | (_DATA_READY if self._ready else 0)
            self._ready = False
            return value
        if register == DEVICE_ID:
            return 0x0116 if self.fail == "wrong_id" else 0x0117
        return self._registers.get(register, 0)

    def write(self, register: int, data: "bytes | bytearray | memoryview") -> None:
        """Serve one write transfer; half a word has no effect."""
        if len(data) < 2:
            return
        self._settle()
        value = data[0] << 8 | data[1]
        if register == CONFIGURATION:
            self._write_configuration(value)
        elif register in _READ_WRITE:
            self._registers[register] = value

    def _write_configuration(self, value: int) -> None:
        if value & _SOFT_RESET:
            self.power_on()
            return
        self._configuration = value & _WRITABLE
        self._converting = False
        if value & _MOD != _MOD_SHUTDOWN:
            self._ready = False
            self._begin(self._clock.now_us())
