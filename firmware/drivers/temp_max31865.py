"""MAX31865 with a platinum probe, PT100 or PT1000 (Maxim 19-6478 rev. 3): one conversion for each reading.

In between the bias voltage is off, so that the probe draws nothing and does not heat itself. Every reading sets the
chip up anew, looks at the cable with the chip's own fault detection and only then converts: a chip that has lost power
goes on with the next reading. The chip has no identity register: what was written must read back.

The chip measures the ratio of the probe's resistance to that of a reference resistor. A broken RTDIN+ wire shows only
with 10 Mohm from RTDIN+ to BIAS, as the data sheet advises.
"""

from micropython import const

from celltrail_protocol import codes
from logger.hardware import SensorFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from machine import SPI, Pin

_CONFIGURATION = const(0x80)
_HIGH_THRESHOLD = const(0x83)
_BIAS = const(0x80)
_ONE_SHOT = const(0x20)
_THREE_WIRES = const(0x10)
_DETECT_FAULTS = const(0x04)
_CLEAR_FAULTS = const(0x02)
_NOTCH_50_HZ = const(0x01)
_KEPT = const(0xD1)

_HIGH = const(0x80)
_LOW = const(0x40)
_REFIN_HIGH = const(0x20)
_REFIN_LOW = const(0x10)
_RTDIN_LOW = const(0x08)
_VOLTAGE = const(0x04)

_POWER_ON = b"\xff\xff\x00\x00"
_FULL_SCALE = const(32768)
# An open probe reads full scale. 32,000 is far above any probe in its range with the usual reference resistors.
_OPEN_CODE = const(32000)

# 10.5 time constants of a filter of 1 ms, which is far more than breakouts have, and 1 ms.
_BIAS_MS = const(12)
# 600 us at most.
_DETECT_MS = const(1)
# 66 ms at most with the 50 Hz notch.
_CONVERSION_MS = const(67)


def centi_celsius(code: int, rref_ohm: int, r0_ohm: int) -> int:
    """The temperature of a probe that reads `code`, in 0.01 degC, by Callendar and Van Dusen (IEC 60751:2008).

    r0_ohm: its resistance at 0 degC. In integers, so that every runtime gives the same.
    """
    wanted = code * rref_ohm * 1000000000 // (_FULL_SCALE * r0_ohm)
    t_mC = 0
    # Newton's method with the slope of the quadratic; five steps end within 1 mK of the root from -200 to 850 degC.
    for _ in range(5):
        ratio = 1000000000 + 39083 * t_mC // 10 - 5775 * t_mC * t_mC // 10000000
        if t_mC < 0:
            ratio -= 4183 * (t_mC - 100000) * t_mC * t_mC * t_mC // 1000000000000000000
        t_mC += (wanted - ratio) * 10 // (39083 - t_mC * 231 // 20000)
    return (t_mC + 5) // 10


class MAX31865:
    """One channel in steps of 0.01 degC; 0 is 0 degC. `sleep_ms(n)` waits at least n milliseconds.

    The bus runs at 5 MHz at most, in mode 1 or 3. wires: 2, 3 or 4. rref_ohm: the reference resistor, 430 and 4300 on
    common breakouts.

    uncertainty_mK: a probe of class B at -200 degC (1.3 K), the chip's 0.5 K, and 0.1 % of the reference resistor. A
    calibration states a smaller one.
    """

    model = codes.MODEL_MAX31865
    step_nK = 10000000
    low_raw = -20000
    high_raw = 15000
    uncertainty_mK = 2000
    lead_ms = _CONVERSION_MS

    def __init__(
        self,
        spi: "SPI",
        cs: "Pin",
        sleep_ms: "Callable[[int], object]",
        wires: int = 4,
        r0_ohm: int = 100,
        rref_ohm: int = 430,
    ) -> None:
        self._spi = spi
        self._cs = cs
        self._sleep_ms = sleep_ms
        self._r0_ohm = r0_ohm
        self._rref_ohm = rref_ohm
        self._base = _NOTCH_50_HZ | (_THREE_WIRES if wires == 3 else 0)
        # Below a tenth of its resistance at 0 degC a probe is shorted: at -200 degC it still has 18.5 %.
        low = _FULL_SCALE * r0_ohm // (10 * rref_ohm)
        self._thresholds = bytes((_OPEN_CODE >> 7, _OPEN_CODE << 1 & 0xFF, low >> 7, low << 1 & 0xFF))
        self._registers = bytearray(8)
        self._address = bytearray(1)
        self.begun = False

    def start(self) -> None:
        """See that the chip is there, and leave it at rest; raises SensorFault."""
        self.begun = False
        self._set_up()
        self._read_registers()
        if self._registers[3:7] != self._thresholds:
            raise SensorFault(codes.FAULT_WRONG_ID)
        self._configure(0)

    def begin(self) -> None:
        """Look at the cable and start a conversion, 14 ms; `read_raw` fetches it. Raises SensorFault."""
        self.begun = False
        self._set_up()
        self._configure(_BIAS | _CLEAR_FAULTS)
        self._sleep_ms(_BIAS_MS)
        self._configure(_BIAS | _DETECT_FAULTS)
        self._sleep_ms(_DETECT_MS)
        # What it finds stays until the next reading clears it.
        self._configure(_BIAS | _ONE_SHOT)
        self.begun = True

    def read_raw(self) -> int:
        """The temperature, in steps, of the conversion that was begun, or of now; raises SensorFault."""
        if not self.begun:
            self.begin()
            self._sleep_ms(_CONVERSION_MS)
        self.begun = False
        registers = self._registers
        status = self._read_registers()
        self._configure(0)
        self._check(status)
        raw = centi_celsius(registers[1] << 7 | registers[2] >> 1, self._rref_ohm, self._r0_ohm)
        if not self.low_raw <= raw <= self.high_raw:
            raise SensorFault(codes.FAULT_SATURATED)
        return raw

    def _set_up(self) -> None:
        self._write(_HIGH_THRESHOLD, self._thresholds)

    def _configure(self, bits: int) -> None:
        self._write(_CONFIGURATION, bytes((self._base | bits,)))

    def _check(self, status: int) -> None:
        """Raise SensorFault for what the registers say, as the data sheet's tables 10 to 12 read them."""
        registers = self._registers
        if registers[3:7] == _POWER_ON:
            raise SensorFault(codes.FAULT_NOT_READY)
        if registers[3:7] != self._thresholds or registers[0] & _KEPT != self._base | _BIAS:
            raise SensorFault(codes.FAULT_BUS)
        if status & _VOLTAGE:
            raise SensorFault(codes.FAULT_VOLTAGE)
        if status & (_HIGH | _REFIN_HIGH):
            raise SensorFault(codes.FAULT_OPEN)
        if status & (_LOW | _REFIN_LOW | _RTDIN_LOW):
            raise SensorFault(codes.FAULT_SHORT)

    def _read_registers(self) -> int:
        """All eight; the fault status. Nobody drives the line when the chip is absent."""
        registers = self._registers
        self._address[0] = 0
        self._cs(0)
        self._spi.write(self._address)
        self._spi.readinto(registers)
        self._cs(1)
        if registers[0] in (0x00, 0xFF) and registers == bytes((registers[0],)) * 8:
            raise SensorFault(codes.FAULT_ABSENT)
        return registers[7]

    def _write(self, register: int, data: bytes) -> None:
        self._address[0] = register
        self._cs(0)
        self._spi.write(self._address)
        self._spi.write(data)
        self._cs(1)
