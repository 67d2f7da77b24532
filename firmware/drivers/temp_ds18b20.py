"""DS18B20 thermometer (Maxim 19-7487 rev. 6) on MicroPython's `onewire.OneWire`: one conversion for each reading.

A conversion takes up to 750 ms at 12 bits. Traps of the 1-Wire bus: a line that is held low looks like a chip that is
there and sends zeros, and zeros have a right check sum; a chip that has lost power reads 85 degC until it has
converted; a chip whose supply wire is broken lives on the data line and can't convert. None of them is a reading.
So is 85.0 degC exactly, even when it is true.
"""

from micropython import const

from celltrail_protocol import codes
from logger.hardware import SensorFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class OneWire(Protocol):
        """What is used of MicroPython's class, whose stubs have no types."""

        MATCH_ROM: int

        def reset(self) -> bool: ...
        def readbit(self) -> int: ...
        def readinto(self, buf: bytearray) -> None: ...
        def writebyte(self, value: int) -> None: ...
        def write(self, buf: bytes) -> None: ...
        def crc8(self, data: bytearray) -> int: ...


_READ_ROM = const(0x33)
_CONVERT = const(0x44)
_WRITE_SCRATCHPAD = const(0x4E)
_READ_SCRATCHPAD = const(0xBE)
_READ_POWER = const(0xB4)

_FAMILY = const(0x28)
_TWELVE_BITS = const(0x7F)
_AT_POWER_ON = const(0x0550)
_CONVERSION_MS = const(750)


class DS18B20:
    """One channel in steps of 1/16 degC; 0 is 0 degC. `sleep_ms(n)` waits at least n milliseconds.

    rom: the chip's 8 bytes, for several on one line; without it the only chip on the line is taken, and stays the one
    until the next start.

    uncertainty_mK: the worst line of the data sheet, +-2 degC over -55 to 125 degC (+-0.5 degC from -10 to 85 degC). A
    calibration states a smaller one.
    """

    model = codes.MODEL_DS18B20
    step_nK = 62500000
    low_raw = -880
    high_raw = 2000
    uncertainty_mK = 2000
    lead_ms = _CONVERSION_MS

    def __init__(self, wire: "OneWire", sleep_ms: "Callable[[int], object]", rom: "bytes | None" = None) -> None:
        self._wire = wire
        self._sleep_ms = sleep_ms
        self._given = rom
        self._rom = b""
        self._scratchpad = bytearray(9)
        self.begun = False

    def start(self) -> None:
        """Find the chip, see that it has its own supply, set 12 bits; raises SensorFault."""
        self.begun = False
        self._rom = b""
        rom = self._given or self._read_rom()
        if rom[0] != _FAMILY:
            raise SensorFault(codes.FAULT_WRONG_ID)
        self._rom = rom
        self._check_supply()
        self._command(_WRITE_SCRATCHPAD)
        # Two alarm limits, of which nobody makes use.
        self._wire.write(bytes((0, 0, _TWELVE_BITS)))

    def begin(self) -> None:
        """Start a conversion; `read_raw` fetches it, 750 ms later. Raises SensorFault."""
        self.begun = False
        if not self._rom:
            self.start()
        self._check_supply()
        self._command(_CONVERT)
        # A chip that converts answers 0; one that did not understand, or is not there, does not.
        if self._wire.readbit():
            self._read_scratchpad()
            raise SensorFault(codes.FAULT_NOT_READY)
        self.begun = True

    def read_raw(self) -> int:
        """The temperature, in steps, of the conversion that was begun, or of now; raises SensorFault."""
        if not self.begun:
            self.begin()
            self._sleep_ms(_CONVERSION_MS)
        self.begun = False
        data = self._read_scratchpad()
        if data[4] != _TWELVE_BITS:
            # It has lost power, and woke up with other settings.
            self._rom = b""
            raise SensorFault(codes.FAULT_NOT_READY)
        raw = data[0] | data[1] << 8
        raw -= (raw & 0x8000) << 1
        if raw == _AT_POWER_ON:
            raise SensorFault(codes.FAULT_NOT_READY)
        if not self.low_raw <= raw <= self.high_raw:
            raise SensorFault(codes.FAULT_SATURATED)
        return raw

    def _check_supply(self) -> None:
        """Raise SensorFault when the chip lives on the data line: its supply wire is broken."""
        self._command(_READ_POWER)
        if not self._wire.readbit():
            # So does a line that is held low.
            self._read_scratchpad()
            raise SensorFault(codes.FAULT_OPEN)

    def _command(self, command: int) -> None:
        if not self._wire.reset():
            raise SensorFault(codes.FAULT_ABSENT)
        self._wire.writebyte(self._wire.MATCH_ROM)
        self._wire.write(self._rom)
        self._wire.writebyte(command)

    def _read_scratchpad(self) -> bytearray:
        self._command(_READ_SCRATCHPAD)
        self._wire.readinto(self._scratchpad)
        self._check(self._scratchpad)
        return self._scratchpad

    def _read_rom(self) -> bytes:
        rom = bytearray(8)
        if not self._wire.reset():
            raise SensorFault(codes.FAULT_ABSENT)
        self._wire.writebyte(_READ_ROM)
        self._wire.readinto(rom)
        self._check(rom)
        return bytes(rom)

    def _check(self, data: bytearray) -> None:
        if not any(data):
            raise SensorFault(codes.FAULT_SHORT)
        if data == b"\xff" * len(data):
            raise SensorFault(codes.FAULT_ABSENT)
        if self._wire.crc8(data):
            raise SensorFault(codes.FAULT_BUS)
