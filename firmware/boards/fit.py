"""From a wiring record to drivers: which chip is where, and its driver; only what is fitted is loaded."""

from celltrail_protocol import codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    from machine import I2C, SPI, Pin
    from onewire import OneWire

    from celltrail_protocol.wiring import Wiring
    from logger.hardware import Accelerometer, ClockChip, Thermometer

    class Maker(Protocol):
        """What a board makes; ValueError for pins that it has not got."""

        def sleep_ms(self, ms: int) -> None:
            """How drivers wait."""

        def make_i2c(self, pins: Sequence[int]) -> I2C:
            """The bus on SDA, SCL, at so many kHz."""

        def make_spi(self, pins: Sequence[int]) -> SPI:
            """The bus on SCK, MOSI, MISO."""

        def make_onewire(self, pins: Sequence[int]) -> OneWire:
            """The line on a pin."""

        def make_output(self, pin: int, level: int) -> Pin:
            """A pin that is driven."""


class Buses:
    """The buses of a board, each made when the first chip on it is."""

    def __init__(self, wiring: "Wiring", board: "Maker") -> None:
        self._wiring = wiring
        self._board = board
        self._made: "dict[str, Any]" = {}
        self.sleep_ms: "Callable[[int], None]" = board.sleep_ms

    def _bus(self, name: str, make: "Callable[[Sequence[int]], Any]") -> "Any":
        """KeyError when the wiring has no such bus, ValueError when its pins are none."""
        if name not in self._made:
            self._made[name] = make(self._wiring[name])
        return self._made[name]

    def i2c(self) -> "I2C":
        """The I2C bus."""
        bus: "I2C" = self._bus("i2c", self._board.make_i2c)
        return bus

    def spi(self) -> "SPI":
        """The SPI bus."""
        bus: "SPI" = self._bus("spi", self._board.make_spi)
        return bus

    def onewire(self) -> "OneWire":
        """The 1-Wire line."""
        line: "OneWire" = self._bus("onewire", self._board.make_onewire)
        return line

    def select(self, pin: int) -> "Pin":
        """A chip's select line, at rest."""
        return self._board.make_output(pin, 1)


def _tmp117(buses: Buses, address: int) -> "Thermometer":
    from drivers.temp_tmp117 import TMP117

    return TMP117(buses.i2c(), buses.sleep_ms, address)


def _max31865(buses: Buses, cs: int, wires: int, r0_ohm: int, rref_ohm: int) -> "Thermometer":
    from drivers.temp_max31865 import MAX31865

    return MAX31865(buses.spi(), buses.select(cs), buses.sleep_ms, wires, r0_ohm, rref_ohm)


def _ds18b20(buses: Buses, rom: "bytes | None" = None) -> "Thermometer":
    from drivers.temp_ds18b20 import DS18B20

    return DS18B20(buses.onewire(), buses.sleep_ms, rom)


def _adxl372(buses: Buses, address: int) -> "Accelerometer":
    from drivers.accel_adxl372 import ADXL372

    return ADXL372(buses.i2c(), address)


def _adxl345(buses: Buses, address: int) -> "Accelerometer":
    from drivers.accel_adxl345 import ADXL345

    return ADXL345(buses.i2c(), address)


def _bmp390(buses: Buses, address: int) -> "Thermometer":
    from drivers.press_bmp390 import BMP390

    return BMP390(buses.i2c(), buses.sleep_ms, address)


_THERMOMETERS: "dict[int, Callable[..., Thermometer]]" = {
    codes.MODEL_TMP117: _tmp117,
    codes.MODEL_MAX31865: _max31865,
    codes.MODEL_DS18B20: _ds18b20,
}
_BAROMETERS: "dict[int, Callable[[Buses, int], Thermometer]]" = {codes.MODEL_BMP390: _bmp390}
_ACCELEROMETERS: "dict[int, Callable[[Buses, int], Accelerometer]]" = {
    codes.MODEL_ADXL372: _adxl372,
    codes.MODEL_ADXL345: _adxl345,
}


def thermometers(wiring: "Wiring", buses: Buses) -> "list[Thermometer]":
    """A driver for each probe, in the order of the channels."""
    return [_THERMOMETERS[probe[0]](buses, *probe[1:]) for probe in wiring["probes"]]


def accelerometer(wiring: "Wiring", buses: Buses) -> "Accelerometer | None":
    """The accelerometer's driver, if one is fitted."""
    if "accel" not in wiring:
        return None
    model, address, _ = wiring["accel"]
    return _ACCELEROMETERS[model](buses, address)


def barometer(wiring: "Wiring", buses: Buses) -> "Thermometer | None":
    """The barometer's driver, if one is fitted."""
    if "barometer" not in wiring:
        return None
    model, address = wiring["barometer"]
    return _BAROMETERS[model](buses, address)


def clock_chip(wiring: "Wiring", buses: Buses) -> "ClockChip | None":
    """The clock chip's driver, if one is fitted."""
    if "clock" not in wiring:
        return None
    from drivers.clock_ds3231 import DS3231

    return DS3231(buses.i2c(), wiring["clock"][0])
