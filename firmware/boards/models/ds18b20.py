"""Model of the DS18B20 thermometer at the level of its ROM and scratchpad (Maxim 19-7487 rev. 6).

A conversion samples its input once, when it starts. Not modelled: the search and the alarm search.
"""

import math

from boards.models.onewire_bus import crc8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Clock(Protocol):
        def now_us(self) -> int: ...

    class TemperatureSignal(Protocol):
        def celsius(self, t_us: int) -> "float | None": ...


_READ_ROM, _MATCH_ROM, _SKIP_ROM = 0x33, 0x55, 0xCC
_CONVERT, _WRITE, _READ, _COPY, _RECALL, _POWER = 0x44, 0x4E, 0xBE, 0x48, 0xB8, 0xB4
_AT_POWER_ON = 0x0550
# The largest time at 9 bits; each bit more doubles it.
_CONVERSION_US = 93_750

# What the chip waits for.
_SILENT, _ROM_COMMAND, _ROM_CODE, _FUNCTION, _LIMITS, _SENDING = range(6)


class DS18B20Model:
    """`signal.celsius(t_us)` is what the chip feels; None: it is unplugged, and has no power.

    fail: None, "nack" (no answer), "wrong_id" (a DS18S20), "bus" (a bit flips on the way), "parasite" (its supply wire
    is broken: it lives on the data line, which can't feed a conversion), "deaf" (it does not understand "convert").
    """

    def __init__(self, clock: "Clock", signal: "TemperatureSignal", serial: int = 1) -> None:
        self._clock = clock
        self._signal = signal
        self._serial = serial
        self.fail: "str | None" = None
        self.eeprom = bytearray((0x4B, 0x46, 0x7F))
        self._powered = True
        self.power_on()

    @property
    def rom(self) -> bytes:
        """Family, serial number, CRC."""
        family = 0x10 if self.fail == "wrong_id" else 0x28
        code = bytes((family,)) + self._serial.to_bytes(6, "little")
        return code + bytes((crc8(code),))

    def power_on(self) -> None:
        """What an interruption of the supply does."""
        self._raw = _AT_POWER_ON
        self._limits = bytearray(self.eeprom)
        self._state = _SILENT
        self._until_us: "int | None" = None
        self._sampled_us = 0
        self._shift = self._bits = 0
        self._code = bytearray()
        self._out = b""
        self._at = 0

    def scratchpad(self) -> bytes:
        """Its nine bytes."""
        data = bytes((self._raw & 0xFF, self._raw >> 8 & 0xFF)) + bytes(self._limits) + b"\xff\x0c\x10"
        return data + bytes((crc8(data),))

    # --- the line ---

    def _is_there(self) -> bool:
        if self.fail == "nack" or self._signal.celsius(self._clock.now_us()) is None:
            self._powered = False
            return False
        if not self._powered:
            self._powered = True
            self.power_on()
        return True

    def reset(self) -> bool:
        """A reset pulse; whether the chip answers with its presence."""
        if not self._is_there():
            self._state = _SILENT
            return False
        self._settle()
        self._expect(_ROM_COMMAND)
        return True

    def _expect(self, state: int) -> None:
        self._state = state
        self._shift = self._bits = 0
        self._code = bytearray()

    def take(self, bit: int) -> None:
        """A write slot."""
        if self._state in (_SILENT, _SENDING) or not self._is_there():
            return
        self._shift |= bit << self._bits
        self._bits += 1
        if self._bits == 8:
            byte, self._shift, self._bits = self._shift, 0, 0
            self._take_byte(byte)

    def drive(self) -> int:
        """What the chip does in a read slot."""
        if not self._is_there():
            return 1
        self._settle()
        if self._until_us is not None and self._state == _SILENT:
            return 0
        if self._state != _SENDING or self._at >= 8 * len(self._out):
            return 1
        bit = self._out[self._at >> 3] >> (self._at & 7) & 1
        if self.fail == "bus" and self._at == 10:
            bit ^= 1
        self._at += 1
        return bit

    def _send(self, data: bytes) -> None:
        self._state = _SENDING
        self._out = data
        self._at = 0

    # --- commands ---

    def _take_byte(self, byte: int) -> None:
        if self._state == _ROM_COMMAND:
            self._rom_command(byte)
        elif self._state == _ROM_CODE:
            self._code.append(byte)
            if len(self._code) == 8:
                self._expect(_FUNCTION if bytes(self._code) == self.rom else _SILENT)
        elif self._state == _FUNCTION:
            self._function(byte)
        elif self._state == _LIMITS:
            self._limits[len(self._code)] = byte
            self._code.append(byte)
            if len(self._code) == 3:
                self._limits[2] = self._limits[2] & 0x60 | 0x1F
                self._state = _SILENT

    def _rom_command(self, byte: int) -> None:
        if byte == _READ_ROM:
            self._send(self.rom)
        elif byte == _MATCH_ROM:
            self._expect(_ROM_CODE)
        else:
            self._expect(_FUNCTION if byte == _SKIP_ROM else _SILENT)

    def _function(self, byte: int) -> None:
        self._state = _SILENT
        if byte == _CONVERT:
            self._convert()
        elif byte == _WRITE:
            self._expect(_LIMITS)
        elif byte == _READ:
            self._send(self.scratchpad())
        elif byte == _COPY:
            self.eeprom[:] = self._limits
        elif byte == _RECALL:
            self._limits[:] = self.eeprom
        elif byte == _POWER:
            # A parasitic chip pulls the line down, once; any other leaves it.
            self._send(b"\xfe" if self.fail == "parasite" else b"\xff")

    def _convert(self) -> None:
        if self.fail == "deaf":
            return
        if self.fail == "parasite":
            # The weak pull-up can't feed it: its supply breaks down.
            self.power_on()
            return
        self._sampled_us = self._clock.now_us()
        self._until_us = self._sampled_us + (_CONVERSION_US << (self._limits[2] >> 5 & 3))

    def _settle(self) -> None:
        """Finish the conversion if it has ended by now."""
        if self._until_us is None or self._clock.now_us() < self._until_us:
            return
        self._until_us = None
        celsius = self._signal.celsius(self._sampled_us)
        if celsius is not None:
            unused = 3 - (self._limits[2] >> 5 & 3)
            raw = min(max(math.floor(celsius * 16 + 0.5), -55 * 16), 125 * 16)
            self._raw = raw >> unused << unused & 0xFFFF
