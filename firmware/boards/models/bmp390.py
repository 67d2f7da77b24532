"""Model of the BMP390 barometer (Bosch BST-BMP390-DS002-07), with the coefficients of a likely chip.

It knows the pressure and finds the converter's words that the data sheet's compensation, in doubles, turns into it. Not
modelled: normal mode, the filter, the FIFO and interrupts.
"""

import struct

from boards.models.i2c_bus import ChipModel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Clock(Protocol):
        def now_us(self) -> int: ...

    class Signal(Protocol):
        def celsius(self, t_us: int) -> "float | None": ...


# T1 to T3 and P1 to P11, as they lie in the memory.
WORDS = (27400, 18800, -10, -1200, -3000, 33, 0, 27000, 31000, -9, -6, 14000, 24, -60)
_NVM_FORMAT = "<HHbhhbbHHbbhbb"
_SCALES = (2**8, 2**-30, 2**-48, 2**-20, 2**-29, 2**-32, 2**-37, 2**3, 2**-6, 2**-8, 2**-15, 2**-48, 2**-48, 2**-65)

_CHIP_ID, _ERR, _STATUS, _DATA, _PWR_CTRL, _OSR, _NVM, _CMD = 0x00, 0x02, 0x03, 0x04, 0x1B, 0x1C, 0x31, 0x7E
_SOFT_RESET = 0xB6
_COMMAND_READY = 0x10
_PRESSURE_READY, _TEMPERATURE_READY = 0x20, 0x40
_PRESSURE_ON, _TEMPERATURE_ON, _FORCED = 0x01, 0x02, 0x10
_NO_DATA = 0x800000


def coefficients(words: "tuple[int, ...]") -> "list[float]":
    """The data sheet's PAR_T1 to PAR_P11."""
    found = [word * scale for word, scale in zip(words, _SCALES)]
    found[3] -= 2**-6
    found[4] -= 2**-15
    return found


def temperature(words: "tuple[int, ...]", adc_t: float) -> float:
    """degC, by the data sheet's section 8.5."""
    t1, t2, t3 = coefficients(words)[:3]
    return (adc_t - t1) * t2 + (adc_t - t1) ** 2 * t3


def pascal(words: "tuple[int, ...]", t: float, adc_p: float) -> float:
    """Pa at a chip temperature, by the data sheet's section 8.6."""
    p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11 = coefficients(words)[3:]
    return (
        p5
        + p6 * t
        + p7 * t**2
        + p8 * t**3
        + adc_p * (p1 + p2 * t + p3 * t**2 + p4 * t**3)
        + adc_p**2 * (p9 + p10 * t)
        + adc_p**3 * p11
    )


def _find(function: "Callable[[float], float]", wanted: float) -> int:
    """The 24-bit word at which a monotonic function is nearest to a value."""
    low, high = 0, 0xFFFFFF
    rising = function(high) > function(low)
    while high - low > 1:
        middle = (low + high) // 2
        if (function(middle) < wanted) == rising:
            low = middle
        else:
            high = middle
    return low if abs(function(low) - wanted) < abs(function(high) - wanted) else high


class BMP390Model(ChipModel):
    """`signal.celsius(t_us)` is the pressure in hPa; None: the chip has no power.

    chip_C: its temperature. fail: as ChipModel, or "fatal" (its error register says so), or "slow" (no data in time).
    """

    def __init__(
        self,
        clock: "Clock",
        signal: "Signal",
        address: int = 0x77,
        chip_C: float = 25.0,
        words: "tuple[int, ...]" = WORDS,
    ) -> None:
        super().__init__(address)
        self._clock = clock
        self._signal = signal
        self._words = words
        self._nvm = struct.pack(_NVM_FORMAT, *words)
        self.chip_C = chip_C
        self._powered = True
        self.power_on()

    def power_on(self) -> None:
        """What an interruption of the supply, or a reset, does."""
        self._registers = {_PWR_CTRL: 0x00, _OSR: 0x02}
        self._data = [_NO_DATA, _NO_DATA]
        self._ready = 0
        self._until_us: "int | None" = None
        self._sampled_us = 0

    def present(self) -> bool:
        """Whether the chip acknowledges; seeing it come back starts it anew."""
        if self.fail == "nack" or self._signal.celsius(self._clock.now_us()) is None:
            self._powered = False
            return False
        if not self._powered:
            self._powered = True
            self.power_on()
        return True

    def _conversion_us(self) -> int:
        """Section 3.9.2 of the data sheet."""
        control, oversampling = self._registers[_PWR_CTRL], self._registers[_OSR]
        pressure_us = 392 + (2020 << (oversampling & 7)) if control & _PRESSURE_ON else 0
        temperature_us = 163 + (2020 << (oversampling >> 3 & 7)) if control & _TEMPERATURE_ON else 0
        return 234 + pressure_us + temperature_us

    def _settle(self) -> None:
        """Finish the measurement if it has ended by now."""
        if self._until_us is None or self._clock.now_us() < self._until_us or self.fail == "slow":
            return
        self._until_us = None
        control = self._registers[_PWR_CTRL]
        self._registers[_PWR_CTRL] = control & ~0x30
        hPa = self._signal.celsius(self._sampled_us)
        adc_t = _find(lambda word: temperature(self._words, word), self.chip_C)
        felt_C = temperature(self._words, adc_t)
        if control & _TEMPERATURE_ON:
            self._data[1] = adc_t
            self._ready |= _TEMPERATURE_READY
        if control & _PRESSURE_ON and hPa is not None:
            self._data[0] = _find(lambda word: pascal(self._words, felt_C, word), hPa * 100)
            self._ready |= _PRESSURE_READY

    def read_register(self, register: int) -> int:
        """Value that is sent for one byte."""
        self._settle()
        if register == _CHIP_ID:
            return 0x50 if self.fail == "wrong_id" else 0x60
        if register == _ERR:
            return 0x01 if self.fail == "fatal" else 0x00
        if register == _STATUS:
            return self._ready | _COMMAND_READY
        if _DATA <= register < _DATA + 6:
            return self._read_data(register - _DATA)
        if _NVM <= register < _NVM + len(self._nvm):
            return self._nvm[register - _NVM]
        return self._registers.get(register, 0)

    def _read_data(self, at: int) -> int:
        which = at // 3
        # Reading the most significant byte clears the flag.
        if at % 3 == 2:
            self._ready &= ~(_TEMPERATURE_READY if which else _PRESSURE_READY)
        return self._data[which] >> 8 * (at % 3) & 0xFF

    def write_register(self, register: int, value: int) -> None:
        """Effect of one byte."""
        self._settle()
        if register == _CMD and value == _SOFT_RESET:
            self.power_on()
        elif register == _OSR:
            self._registers[_OSR] = value & 0x3F
        elif register == _PWR_CTRL:
            self._registers[_PWR_CTRL] = value & 0x33
            if value & 0x30 in (_FORCED, 0x20):
                self._sampled_us = self._clock.now_us()
                self._until_us = self._sampled_us + self._conversion_us()
