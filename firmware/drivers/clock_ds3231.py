"""DS3231 clock chip (Maxim 19-5170 rev. 10): keeps UTC on its own battery, so that a restart does not lose it.

It tells whole seconds. Beside them lie seven bytes of alarms that nobody uses: there stand when it was set, and how
exactly. A chip whose oscillator has stopped since (its flag says so) has no time.
"""

import struct

from micropython import const

from celltrail_protocol import codes
from drivers import I2CChip
from logger.hardware import SensorFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import I2C

_TIME = const(0x00)
_ALARMS = const(0x07)
_CONTROL = const(0x0E)
_STATUS = const(0x0F)
_AGING = const(0x10)
_STOPPED = const(0x80)
_CENTURY = const(0x80)
# In 24 hours, no alarm to the pin, the oscillator on also on its battery.
_NO_ALARMS = const(0x04)
_DAY_S = const(86400)
_NOTE = "<IHB"
# +-3.5 ppm from -40 to 85 degC and +-1 ppm of aging in the first year, in parts of 2^-20.
_DRIFT = const(5)
# Days before each month of a year that begins in March, so that a leap day is its last.
_DAYS = (0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337)
# From 1970-01-01 to 2000-03-01.
_MARCH_2000_DAYS = const(11017)


def _bcd(value: int) -> int:
    return value // 10 << 4 | value % 10


def _number(byte: int, low: int, high: int) -> int:
    """The number of two decimal digits; SensorFault unless it is one within bounds."""
    value = (byte >> 4) * 10 + (byte & 15)
    if byte & 15 > 9 or not low <= value <= high:
        raise SensorFault(codes.FAULT_BUS)
    return value


def _check(data: "bytes | bytearray") -> int:
    return (sum(data) ^ 0xA5) & 0xFF


class DS3231(I2CChip):
    """`read` and `set` take UTC in seconds since 1970; from March 2000 to the end of 2099."""

    def __init__(self, i2c: "I2C", address: int = 0x68) -> None:
        super().__init__(i2c, address)
        self._seven = bytearray(7)

    def read(self) -> "tuple[int, int]":
        """(UTC in whole seconds, uncertainty in ms without the part of a second); raises SensorFault.

        FAULT_NOT_READY: it has stopped, or was never set. FAULT_BUS: what it says is no time.
        """
        if self._read_byte(_STATUS) & _STOPPED:
            raise SensorFault(codes.FAULT_NOT_READY)
        note = self._seven
        self._read_into(_ALARMS, note)
        minutes, doubt_ms, check = struct.unpack(_NOTE, note)
        if _check(note[:6]) != check:
            raise SensorFault(codes.FAULT_NOT_READY)
        # All seven in one transfer: the chip holds them still meanwhile.
        self._read_into(_TIME, self._seven)
        utc_s = self._utc_s()
        age_s = max(0, utc_s - minutes * 60)
        return utc_s, doubt_ms + (age_s * 1000 * _DRIFT >> 20)

    def _utc_s(self) -> int:
        second, minute, hour, _, day, month, year = self._seven
        days = _number(year, 0, 99) * 12 + _number(month & ~_CENTURY, 1, 12) - 3
        whole, rest = days // 12, days % 12
        days = whole * 365 + whole // 4 + _DAYS[rest] + _number(day, 1, 31) - 1 + _MARCH_2000_DAYS
        clock_s = (_number(hour, 0, 23) * 60 + _number(minute, 0, 59)) * 60 + _number(second, 0, 59)
        return days * _DAY_S + clock_s

    def set(self, utc_s: int, doubt_ms: int) -> None:
        """A second begins now, and it is within `doubt_ms`; raises SensorFault."""
        days, clock_s = utc_s // _DAY_S - _MARCH_2000_DAYS, utc_s % _DAY_S
        # Of the four years the last has the leap day.
        four, days = days // 1461, days % 1461
        whole = min(days // 365, 3)
        days -= whole * 365
        rest = 11
        while _DAYS[rest] > days:
            rest -= 1
        year, month = 4 * four + whole + (rest + 3) // 13, (rest + 2) % 12 + 1
        fields = (clock_s % 60, clock_s // 60 % 60, clock_s // 3600, 1, days - _DAYS[rest] + 1, month, year)
        # Writing the seconds restarts the chip's count within one.
        self._write(_TIME, bytes([_bcd(field) for field in fields]))
        note = struct.pack("<IH", utc_s // 60, min(doubt_ms, 0xFFFF))
        self._write(_ALARMS, note + bytes((_check(note), _NO_ALARMS)))
        self._write_byte(_STATUS, 0)

    def aging(self) -> int:
        """The aging offset, about 0.1 ppm slower a step at 25 degC; raises SensorFault."""
        value = self._read_byte(_AGING)
        return value - (value & 0x80) * 2
