"""ADXL345 accelerometer, +-16 g (Analog Devices, data sheet rev. G): streams and wakes us on activity.

On a bus of 400 kHz the data sheet allows rates up to 800 Hz; the FIFO then covers 40 ms.
"""

from micropython import const

from celltrail_protocol import codes
from drivers import I2CChip
from logger.hardware import SensorFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

    from machine import I2C

_DEVID = const(0x00)
_THRESH_ACT = const(0x24)
_ACT_INACT_CTL = const(0x27)
_BW_RATE = const(0x2C)
_POWER_CTL = const(0x2D)
_INT_ENABLE = const(0x2E)
_INT_MAP = const(0x2F)
_INT_SOURCE = const(0x30)
_DATA_FORMAT = const(0x31)
_DATAX0 = const(0x32)
_FIFO_CTL = const(0x38)
_FIFO_STATUS = const(0x39)

_ID_ADXL345 = const(0xE5)
_MEASURE = const(0x08)
_ACTIVITY = const(0x10)
_FULL_RESOLUTION_16_G = const(0x0B)
_AC_COUPLED_XYZ = const(0xF0)
_FIFO_BYPASS = const(0x00)
_FIFO_STREAM = const(0x80)
_ENTRIES = const(0x3F)

# From 25 Hz on; the slower ones are no use for shocks.
_RATES_HZ = (25, 50, 100, 200, 400, 800, 1600, 3200)
_RATE_CODE_25_HZ = const(0x08)


def wake_threshold(threshold_mg: int) -> int:
    """The chip's threshold, in units of 62.5 mg, for shocks of `threshold_mg` or more away from rest."""
    # Half of what one axis of such a shock must show, whatever reference the chip took at its start: if rest is
    # nearer to it than this, the shock is farther; if rest is farther, the chip says "active" at every sample
    # and the logic looks at all of them. 0 would be undefined.
    return min(max(threshold_mg * 500 // 62_500, 1), 255)


class ADXL345(I2CChip):
    """Three axes in steps of 1/256 g; of 1/128 g at 1600 and 3200 Hz, where the chip's last bit is always 0.

    rate_mHz: samples a second, times 1000. depth: sets that the FIFO holds. kept_sets: sets that a read
    leaves in the FIFO. A value at or beyond +-range_raw is saturated. overrun: samples were lost since the
    reader cleared it; so it is set at the first read after a long sleep.
    """

    model = codes.MODEL_ADXL345
    depth = 32
    kept_sets = 0

    def __init__(self, i2c: "I2C", address: int = 0x53, rate_hz: int = 800) -> None:
        super().__init__(i2c, address)
        self._rate_code = _RATES_HZ.index(rate_hz) + _RATE_CODE_25_HZ
        self.rate_mHz = rate_hz * 1000
        self._shift = 1 if rate_hz >= 1600 else 0
        self.step_ng = 3_906_250 << self._shift
        self.range_raw = 4095 >> self._shift
        self.overrun = False
        self._running = False
        self._four = bytearray(4)
        self._six = bytearray(6)

    def start(self, threshold_mg: int) -> None:
        """Take a new reference, stream into the FIFO and watch for activity; raises SensorFault."""
        if self._read_byte(_DEVID) != _ID_ADXL345:
            raise SensorFault(codes.FAULT_WRONG_ID)
        self._write_byte(_POWER_CTL, 0)
        self._write_byte(_INT_ENABLE, 0)
        self._write_byte(_DATA_FORMAT, _FULL_RESOLUTION_16_G)
        self._write_byte(_BW_RATE, self._rate_code)
        self._write_byte(_THRESH_ACT, wake_threshold(threshold_mg))
        self._write_byte(_ACT_INACT_CTL, _AC_COUPLED_XYZ)
        self._write_byte(_INT_MAP, 0)
        # Bypass empties the FIFO.
        self._write_byte(_FIFO_CTL, _FIFO_BYPASS)
        self._write_byte(_FIFO_CTL, _FIFO_STREAM)
        self._read_byte(_INT_SOURCE)
        self._write_byte(_POWER_CTL, _MEASURE)
        self._write_byte(_INT_ENABLE, _ACTIVITY)
        self.overrun = False
        self._running = True

    def stop(self) -> None:
        """Stand by; raises SensorFault."""
        self._running = False
        self._write_byte(_POWER_CTL, 0)

    def active(self) -> bool:
        """Whether there was activity since the last call; releases the interrupt pin until there is more.

        Raises SensorFault, FAULT_NOT_READY when the chip has lost its settings: it wants a start().
        """
        if not self._running:
            return False
        # POWER_CTL, INT_ENABLE, INT_MAP, INT_SOURCE; reading the last one clears the activity.
        self._read_into(_POWER_CTL, self._four)
        self._check_measuring(self._four[0])
        return bool(self._four[3] & _ACTIVITY)

    def read_fifo(self, out: "array[int]", room_sets: int) -> int:
        """Move at most `room_sets` xyz sets into `out`, oldest first; their count. Raises SensorFault."""
        if self._running:
            self._check_measuring(self._read_byte(_POWER_CTL))
        entries = self._read_byte(_FIFO_STATUS) & _ENTRIES
        # The overrun flag stands in INT_SOURCE, where reading it would clear the activity. A FIFO and an
        # output register that are both full mean the same, but for the one period in which nothing was lost
        # yet.
        if entries > self.depth:
            self.overrun = True
        count = min(entries, room_sets)
        for i in range(count):
            self._read_into(_DATAX0, self._six)
            for axis in range(3):
                high = self._six[2 * axis + 1]
                out[3 * i + axis] = ((high - (high & 0x80) * 2) << 8 | self._six[2 * axis]) >> self._shift
        return count

    def _check_measuring(self, power_ctl: int) -> None:
        if not power_ctl & _MEASURE:
            raise SensorFault(codes.FAULT_NOT_READY)
