"""MCP9808 thermometer (Microchip DS20005095B): one conversion for each reading, shutdown in between."""

from micropython import const

from celltrail_protocol import codes
from drivers import I2CChip
from logger.hardware import SensorFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from machine import I2C

_CONFIG = const(0x01)
_TEMPERATURE = const(0x05)
_IDS = const(0x06)

_ID_MICROCHIP = b"\x00\x54\x04"
# A hysteresis that nobody uses tells that the chip has not been without power: it would read 0 degC then.
_OURS = const(0x0600)
_SHUTDOWN = const(0x0100)
_SIGN = const(0x1000)
# 250 ms typical for the finest resolution.
_CONVERSION_MS = const(300)


class MCP9808(I2CChip):
    """One channel; 0 is 0 degC. uncertainty_mK: +-1 degC from -40 to 125 degC."""

    model = codes.MODEL_MCP9808
    step_nK = 62500000
    low_raw = -640
    high_raw = 2000
    uncertainty_mK = 1000
    lead_ms = _CONVERSION_MS

    def __init__(self, i2c: "I2C", sleep_ms: "Callable[[int], object]", address: int = 0x18) -> None:
        super().__init__(i2c, address)
        self._sleep_ms = sleep_ms
        self._two = bytearray(2)
        self.begun = False

    def start(self) -> None:
        """Check the chip and shut it down until the first reading; raises SensorFault."""
        self.begun = False
        self._read_into(_IDS, self._two)
        found = bytes(self._two)
        self._read_into(_IDS + 1, self._two)
        if found + self._two[:1] != _ID_MICROCHIP:
            raise SensorFault(codes.FAULT_WRONG_ID)
        self._configure(_OURS | _SHUTDOWN)

    def begin(self) -> None:
        """Start converting; raises SensorFault."""
        self._configure(_OURS)
        self.begun = True

    def read_raw(self) -> int:
        """The conversion that was begun, or one of now; raises SensorFault."""
        if not self.begun:
            self.begin()
            self._sleep_ms(_CONVERSION_MS)
        self.begun = False
        if self._word(_CONFIG) != _OURS:
            raise SensorFault(codes.FAULT_NOT_READY)
        raw = self._word(_TEMPERATURE)
        self._configure(_OURS | _SHUTDOWN)
        return (raw & 0x0FFF) - (raw & _SIGN)

    def _word(self, register: int) -> int:
        self._read_into(register, self._two)
        return self._two[0] << 8 | self._two[1]

    def _configure(self, value: int) -> None:
        self._two[0], self._two[1] = value >> 8, value & 0xFF
        self._write(_CONFIG, self._two)
