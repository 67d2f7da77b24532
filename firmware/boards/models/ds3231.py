"""Model of the DS3231 clock chip with its battery (Maxim 19-5170 rev. 10).

`world_us()` is true time, which goes on while the board is off. Not modelled: alarms, square wave, the 12-hour mode,
the temperature.
"""

from boards.models.i2c_bus import ChipModel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS, _CONTROL, _STATUS, _AGING, _LAST = 0x00, 0x0E, 0x0F, 0x10, 0x12
_STOPPED = 0x80
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _days_of(year: int, month: int) -> int:
    return _DAYS[month - 1] + (month == 2 and year % 4 == 0)


class DS3231Model(ChipModel):
    """drift_ppm: how much the oscillator is fast, to which the aging register adds -0.1 ppm a step.

    fail: as ChipModel. `state` is all that the battery keeps, as text, and `load` takes it up again.
    """

    def __init__(self, world_us: "Callable[[], int]", address: int = 0x68, drift_ppm: float = 0.0) -> None:
        super().__init__(address)
        self._world_us = world_us
        self.drift_ppm = drift_ppm
        self.changed: "Callable[[], None] | None" = None
        self.battery_out()

    def battery_out(self) -> None:
        """All power was lost: it starts anew at 1 January 2000, and its flag tells."""
        self._registers = bytearray(_LAST + 1)
        self._registers[0:7] = b"\x00\x00\x00\x01\x01\x01\x00"
        self._registers[_CONTROL], self._registers[_STATUS] = 0x1C, 0x88
        self._begin()

    def _begin(self) -> None:
        """The chip counts on from its registers."""
        self._since_us = self._world_us()
        self._counted_s = 0

    def state(self) -> str:
        """What a battery keeps."""
        return "%d %d %s" % (self._since_us, self._counted_s, "".join("%02x" % byte for byte in self._registers))

    def load(self, state: str) -> None:
        """Go on with what the battery has kept."""
        since, counted, registers = state.split()
        self._since_us, self._counted_s = int(since), int(counted)
        self._registers = bytearray(int(registers[i : i + 2], 16) for i in range(0, len(registers), 2))

    def _settle(self) -> None:
        """Count the seconds that have passed."""
        aging = self._registers[_AGING] - (self._registers[_AGING] & 0x80) * 2
        passed_us = self._world_us() - self._since_us
        passed_s = int(passed_us * (1 + (self.drift_ppm - 0.1 * aging) * 1e-6)) // 1_000_000
        left_s, self._counted_s = passed_s - self._counted_s, passed_s
        if left_s > 0:
            self._count(left_s)

    def _count(self, seconds: int) -> None:
        numbers = [(byte >> 4) * 10 + (byte & 15) for byte in self._registers[:7]]
        second, minute, hour, weekday, day, month, year = numbers
        month = month % 80
        total = (hour * 60 + minute) * 60 + second + seconds
        for _ in range(total // 86_400):
            weekday = weekday % 7 + 1
            day += 1
            if day > _days_of(year, month):
                day = 1
                month += 1
            if month > 12:
                month = 1
                year = (year + 1) % 100
        total %= 86_400
        fields = (total % 60, total // 60 % 60, total // 3600, weekday, day, month, year)
        self._registers[:7] = bytes([field // 10 << 4 | field % 10 for field in fields])

    def read(self, register: int, buf: "bytearray | memoryview") -> None:
        """Serve one read transfer, during which the registers stand still."""
        self._settle()
        super().read(register, buf)

    def next_register(self, register: int) -> int:
        """After the last one comes the first."""
        return 0 if register >= _LAST else register + 1

    def read_register(self, register: int) -> int:
        """Value that is sent for one byte."""
        return self._registers[register] if register <= _LAST else 0

    def write(self, register: int, data: "bytes | bytearray | memoryview") -> None:
        """Serve one write transfer."""
        self._settle()
        super().write(register, data)
        if register == _SECONDS and len(data):
            self._begin()
        if self.changed is not None:
            self.changed()

    def write_register(self, register: int, value: int) -> None:
        """Effect of one byte: the flag can only be cleared, the temperature not be written."""
        if register == _STATUS:
            self._registers[_STATUS] &= value & _STOPPED | 0x7F
        elif register <= _AGING:
            self._registers[register] = value
