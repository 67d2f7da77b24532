"""Model of the MAX31865 with its probe, cable and reference resistor (Maxim 19-6478 rev. 3).

A conversion samples the probe when it starts. The probe follows Callendar and Van Dusen with doubles (IEC 60751:2008).
Not modelled: DRDY, automatic conversions, the manual fault detection cycle.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Clock(Protocol):
        def now_us(self) -> int: ...

    class TemperatureSignal(Protocol):
        def celsius(self, t_us: int) -> "float | None": ...


_BIAS = 0x80
_ONE_SHOT = 0x20
_THREE_WIRES = 0x10
_DETECT = 0x0C
_DETECT_AUTO = 0x04
_CLEAR = 0x02
_NOTCH_50_HZ = 0x01

_CONFIGURATION, _RTD, _HIGH_THRESHOLD, _LOW_THRESHOLD, _STATUS = 0, 1, 3, 5, 7
_ABOVE, _BELOW, _REFIN_HIGH, _REFIN_LOW, _RTDIN_LOW, _VOLTAGE = 0x80, 0x40, 0x20, 0x10, 0x08, 0x04
_FULL_SCALE = 32767

# Typical and largest times of the data sheet; 10.5 time constants of the input filter of a breakout and 1 ms.
_CONVERSION_US = {0: 55_000, _NOTCH_50_HZ: 66_000}
_DETECT_US = 600
_SETTLE_US = 1_000 + 1_050

# What tables 11 and 12 of the data sheet say of a cable: bits that the conversion, and bits that the fault detection
# cycle finds, and the code that is read (None: as if nothing were wrong).
_CABLE = {
    "open": (0, _REFIN_HIGH, _FULL_SCALE),
    "short": (0, 0, 0),
    "force_open": (0, _REFIN_HIGH, 12345),
    "rtdin_low": (0, _REFIN_LOW | _RTDIN_LOW, None),
    "force_low": (0, _RTDIN_LOW, 0),
    "voltage": (_VOLTAGE, _VOLTAGE, 12345),
}


def ohms(celsius: float, r0_ohm: float) -> float:
    """Resistance of a probe."""
    cubic = -4.183e-12 * (celsius - 100) * celsius**3 if celsius < 0 else 0.0
    return r0_ohm * (1 + 3.9083e-3 * celsius - 5.775e-7 * celsius**2 + cubic)


class MAX31865Model:
    """`signal.celsius(t_us)` is what the probe feels; None: the probe is unplugged, which reads as open.

    wires: what is really connected; `lead_ohm` of each wire adds to what the chip reads, unless it is told of 3 wires
    or 4 are there. fail: None, "nack" (no chip: the line floats), "wrong_id" (another chip), "bus" (bytes are garbled),
    or what is wrong with the cable: "open", "short", "force_open", "rtdin_low", "force_low", "voltage".
    """

    def __init__(
        self,
        clock: "Clock",
        signal: "TemperatureSignal",
        wires: int = 4,
        r0_ohm: int = 100,
        rref_ohm: int = 430,
        lead_ohm: float = 0.0,
    ) -> None:
        self._clock = clock
        self._signal = signal
        self._wires = wires
        self._r0_ohm = r0_ohm
        self._rref_ohm = rref_ohm
        self._lead_ohm = lead_ohm
        self.fail: "str | None" = None
        self._pointer = -1
        self.power_on()

    def power_on(self) -> None:
        """What an interruption of the supply does."""
        self._registers = bytearray((0, 0, 0, 0xFF, 0xFF, 0, 0, 0))
        self._bias_us: "int | None" = None
        self._busy: "tuple[int, int, int] | None" = None

    # --- the bus ---

    def select(self) -> None:
        """A transfer begins: its first byte is an address."""
        self._pointer = -1
        self._writing = False
        self._configuration: "int | None" = None

    def exchange(self, sent: int) -> int:
        """One byte each way."""
        if self.fail == "nack":
            return 0xFF
        self._settle()
        if self._pointer < 0:
            self._writing = bool(sent & 0x80)
            self._pointer = sent & 0x7F
            return 0
        register, self._pointer = self._pointer, (self._pointer + 1) & 0x7F
        if self._writing:
            self._write(register, sent)
            return 0
        return self._read(register)

    def deselect(self) -> None:
        """The transfer ends: now a conversion or a fault detection starts."""
        if self._configuration is not None:
            self._begin(self._configuration)

    def _read(self, register: int) -> int:
        if register > _STATUS:
            return 0xFF
        value = self._registers[register]
        if self.fail == "wrong_id":
            return register * 37 & 0xFF
        return value ^ 0x10 if self.fail == "bus" and register == _LOW_THRESHOLD else value

    def _write(self, register: int, value: int) -> None:
        if register == _CONFIGURATION:
            self._configuration = value
        elif _HIGH_THRESHOLD <= register < _STATUS:
            self._registers[register] = value

    # --- what the configuration starts ---

    def _begin(self, value: int) -> None:
        now_us = self._clock.now_us()
        if not value & _BIAS:
            self._bias_us = None
        elif self._bias_us is None:
            self._bias_us = now_us
        # The data sheet: with the clear bit, those of a conversion and a detection must be 0.
        if value & _CLEAR and not value & (_ONE_SHOT | _DETECT):
            self._registers[_STATUS] = 0
        self._registers[_CONFIGURATION] = value & ~_CLEAR & 0xFF
        self._busy = None
        if value & _DETECT == _DETECT_AUTO and value & _BIAS:
            self._busy = (now_us + _DETECT_US, now_us, 0)
        elif value & _ONE_SHOT:
            self._busy = (now_us + _CONVERSION_US[value & _NOTCH_50_HZ], now_us, 1)

    def _settle(self) -> None:
        """Finish what has ended by now."""
        if self._busy is None or self._clock.now_us() < self._busy[0]:
            return
        _, sampled_us, converting = self._busy
        self._busy = None
        self._registers[_CONFIGURATION] &= ~(_ONE_SHOT | _DETECT) & 0xFF
        if converting:
            self._convert(sampled_us)
        else:
            self._registers[_STATUS] |= self._cable(sampled_us)[1]

    def _cable(self, t_us: int) -> "tuple[int, int, int | None]":
        name = "open" if self._signal.celsius(t_us) is None else self.fail
        return _CABLE.get(name or "", (0, 0, None))

    def _convert(self, sampled_us: int) -> None:
        found, _, code = self._cable(sampled_us)
        if code is None:
            code = self._code(sampled_us)
        self._registers[_RTD] = code >> 7
        self._registers[_STATUS] |= found
        if code >= self._threshold(_HIGH_THRESHOLD):
            self._registers[_STATUS] |= _ABOVE
        if code <= self._threshold(_LOW_THRESHOLD):
            self._registers[_STATUS] |= _BELOW
        self._registers[_RTD + 1] = (code << 1 & 0xFF) | (1 if self._registers[_STATUS] else 0)

    def _threshold(self, register: int) -> int:
        return self._registers[register] << 7 | self._registers[register + 1] >> 1

    def _code(self, sampled_us: int) -> int:
        celsius = self._signal.celsius(sampled_us)
        assert celsius is not None
        resistance = ohms(celsius, self._r0_ohm) + self._extra_ohm()
        if self._bias_us is None or sampled_us - self._bias_us < _SETTLE_US:
            # The input filter has not been charged yet.
            resistance /= 2
        return min(max(round(resistance * 32768 / self._rref_ohm), 0), _FULL_SCALE)

    def _extra_ohm(self) -> float:
        """What the leads add: nothing with 4 wires, one lead with 3 that the chip subtracts if it was told."""
        if self._wires == 4:
            return 0.0
        if self._wires == 3:
            return 0.0 if self._registers[_CONFIGURATION] & _THREE_WIRES else self._lead_ohm
        return 2 * self._lead_ohm
