"""BMP390 barometer (Bosch BST-BMP390-DS002-07): one forced measurement for each reading, asleep in between.

Pressure four times oversampled, temperature once: 10.9 ms, and 2 uA in between. The temperature is of the chip and only
serves the compensation, which is the data sheet's (section 8) in integers, so that every runtime gives the same.
"""

import struct

from micropython import const

from celltrail_protocol import codes
from drivers import I2CChip
from logger.hardware import SensorFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from machine import I2C

_CHIP_ID = const(0x00)
_ERR_REG = const(0x02)
_PWR_CTRL = const(0x1B)
_OSR = const(0x1C)
_NVM = const(0x31)

_ID_BMP390 = const(0x60)
_ERRORS = const(0x07)
_READY = const(0x60)
_FORCED_BOTH = const(0x13)
_OVERSAMPLING = const(0x02)
_CONVERSION_MS = const(12)
_LATE_POLLS = const(6)
_NVM_FORMAT = "<HHbhhbbHHbbhbb"


def pressure(words: "Sequence[int]", adc_t: int, adc_p: int) -> int:
    """Pa, times 65,536. words: the chip's coefficients, as they lie in its memory."""
    t1, t2, t3, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11 = words
    away = adc_t - (t1 << 8)
    # degC, times 65,536.
    t = ((away * t2 << 18) + away * away * t3) >> 32
    tt = t * t
    ttt = tt * t
    offset = (p5 << 19) + (p6 * t >> 6) + (p7 * tt >> 24) + (p8 * ttt >> 47)
    slope = (p1 - 16384 << 16) + ((p2 - 16384) * t >> 9) + (p3 * tt >> 28) + (p4 * ttt >> 49)
    square = adc_p * adc_p
    bend = (square * p9 >> 32) + (square * p10 * t >> 48) + (square * adc_p * p11 >> 49)
    return offset + (adc_p * slope >> 20) + bend


class BMP390(I2CChip):
    """One channel in steps of 4 Pa; 0 is 0 Pa. `sleep_ms(n)` waits at least n milliseconds.

    step_nK and uncertainty_mK are nPa and mPa here: 50 Pa is the data sheet's typical absolute accuracy.
    """

    model = codes.MODEL_BMP390
    step_nK = 4000000000
    low_raw = 7500
    high_raw = 31250
    uncertainty_mK = 50000
    lead_ms = 0

    def __init__(self, i2c: "I2C", sleep_ms: "Callable[[int], object]", address: int = 0x77) -> None:
        super().__init__(i2c, address)
        self._sleep_ms = sleep_ms
        self._words: "Sequence[int]" = ()
        self._seven = bytearray(7)
        self.begun = False

    def start(self) -> None:
        """Check the chip and read its coefficients; raises SensorFault."""
        self._words = ()
        if self._read_byte(_CHIP_ID) != _ID_BMP390:
            raise SensorFault(codes.FAULT_WRONG_ID)
        nvm = bytearray(struct.calcsize(_NVM_FORMAT))
        self._read_into(_NVM, nvm)
        self._words = struct.unpack(_NVM_FORMAT, nvm)

    def begin(self) -> None:
        """Nothing: a reading is so quick that waking up for it twice would cost more."""

    def read_raw(self) -> int:
        """Pressure of now, in steps; takes 12 to 18 ms; raises SensorFault."""
        if not self._words:
            self.start()
        self._write_byte(_OSR, _OVERSAMPLING)
        self._write_byte(_PWR_CTRL, _FORCED_BOTH)
        self._sleep_ms(_CONVERSION_MS)
        data = self._fresh()
        raw = pressure(self._words, _word(data, 4), _word(data, 1)) + (2 << 16) >> 18
        if not self.low_raw <= raw <= self.high_raw:
            raise SensorFault(codes.FAULT_SATURATED)
        return raw

    def _fresh(self) -> bytearray:
        """Status and data of the measurement that was forced."""
        polls = 0
        while True:
            if self._read_byte(_ERR_REG) & _ERRORS:
                raise SensorFault(codes.FAULT_NOT_READY)
            # Reading the data clears the flags before them.
            self._read_into(_ERR_REG + 1, self._seven)
            if self._seven[0] & _READY == _READY:
                return self._seven
            polls += 1
            if polls > _LATE_POLLS:
                raise SensorFault(codes.FAULT_NOT_READY)
            self._sleep_ms(1)


def _word(data: bytearray, at: int) -> int:
    return data[at] | data[at + 1] << 8 | data[at + 2] << 16
