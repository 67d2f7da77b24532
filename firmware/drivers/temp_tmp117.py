"""TMP117 thermometer (TI SNOSD82): one conversion for each reading, shutdown in between.

Each reading triggers a one-shot conversion without averaging and waits for it: 15.5 ms, 17.5 ms at most. So a
value belongs to its own reading, and nothing depends on what the chip remembers: one that has lost power is
set up again by the next reading. In between the chip draws 150 nA; converting by itself once a second costs
3.5 uA, more with averaging, for values that may be a second old. The price is noise of about one step and 16
ms with the processor awake at each reading.
"""

from micropython import const

from celltrail_protocol import codes
from drivers import I2CChip
from logger.hardware import SensorFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from machine import I2C

_TEMP_RESULT = const(0x00)
_CONFIGURATION = const(0x01)
_DEVICE_ID = const(0x0F)

_ID_TMP117 = const(0x0117)
_SHUTDOWN = const(0x0400)
_ONE_SHOT = const(0x0C00)
_DATA_READY = const(0x2000)
# Reads -256 degC from reset until the first conversion ends.
_NO_RESULT = const(-32768)
_CONVERSION_MS = const(16)
_LATE_POLLS = const(4)


class TMP117(I2CChip):
    """One channel; 0 is 0 degC. `sleep_ms(n)` waits at least n milliseconds.

    uncertainty_mK: the worst line of the datasheet's accuracy table, +-0.3 degC over the whole range of -55
    to 150 degC (+-0.1 degC holds from -20 to 50 degC). A calibration states a smaller one.
    """

    model = codes.MODEL_TMP117
    step_nK = 7812500
    low_raw = -7040
    high_raw = 19200
    uncertainty_mK = 300
    lead_ms = 0

    def __init__(self, i2c: "I2C", sleep_ms: "Callable[[int], object]", address: int = 0x48) -> None:
        super().__init__(i2c, address)
        self._sleep_ms = sleep_ms
        self._two = bytearray(2)
        self.begun = False

    def start(self) -> None:
        """Check the chip and shut it down until the first reading; raises SensorFault."""
        # The four upper bits are the revision of the die.
        if self._read_word(_DEVICE_ID) & 0x0FFF != _ID_TMP117:
            raise SensorFault(codes.FAULT_WRONG_ID)
        self._write_word(_CONFIGURATION, _SHUTDOWN)

    def begin(self) -> None:
        """Nothing: a reading is so quick that waking up for it twice would cost more."""

    def read_raw(self) -> int:
        """Temperature of now in steps, i16; takes 16 to 20 ms; raises SensorFault."""
        self._write_word(_CONFIGURATION, _ONE_SHOT)
        self._sleep_ms(_CONVERSION_MS)
        polls = 0
        while not self._read_word(_CONFIGURATION) & _DATA_READY:
            polls += 1
            if polls > _LATE_POLLS:
                raise SensorFault(codes.FAULT_NOT_READY)
            self._sleep_ms(1)
        raw = self._read_word(_TEMP_RESULT)
        raw -= (raw & 0x8000) << 1
        if raw == _NO_RESULT:
            raise SensorFault(codes.FAULT_NOT_READY)
        if not self.low_raw <= raw <= self.high_raw:
            raise SensorFault(codes.FAULT_SATURATED)
        return raw

    def _read_word(self, register: int) -> int:
        self._read_into(register, self._two)
        return self._two[0] << 8 | self._two[1]

    def _write_word(self, register: int, value: int) -> None:
        self._two[0] = value >> 8
        self._two[1] = value & 0xFF
        self._write(register, self._two)
