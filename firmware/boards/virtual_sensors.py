"""The virtual board's sensors: the firmware's own drivers on models of the chips.

TMP117, BMP390, DS3231 and accelerometer share an I2C bus, every MAX31865 an SPI bus, and each DS18B20 has a line of
its own.
"""

import time

from boards.models.i2c_bus import I2CBus
from boards.models.onewire_bus import OneWireBus
from boards.models.spi_bus import SPIBus
from celltrail_protocol import codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from boards.models.adxl345 import ADXL345Model
    from boards.models.adxl372 import ADXL372Model
    from boards.models.ds18b20 import DS18B20Model
    from boards.virtual_clock import VirtualClock
    from boards.virtual_stimulus import Stimulus, TemperatureSignal
    from logger.hardware import Accelerometer, ClockChip, Thermometer

_FIRST_THERMOMETER = 0x48
_ACCELEROMETER = 0x53
# Nine clocks for each byte at 400 kHz; a transfer has about two bytes of addresses besides its data.
_BYTE_US = 22.5
_ADDRESS_BYTES = 3
# Eight clocks at 1 MHz.
_SPI_BYTE_US = 8
# As MicroPython times them.
_ONEWIRE_RESET_US = 960
_ONEWIRE_SLOT_US = 70


class TimedBus(I2CBus):
    """A bus whose transfers take their time, and which remembers that it was used."""

    def __init__(self, clock: "VirtualClock") -> None:
        super().__init__()
        self._clock = clock
        self.used = False

    def _spend(self, count: int) -> None:
        self.used = True
        self._clock.spend(int((count + _ADDRESS_BYTES) * _BYTE_US))

    def readfrom_mem_into(self, address: int, memaddr: int, buf: "bytearray | memoryview", addrsize: int = 8) -> None:
        """Read from a register on."""
        self._spend(len(buf))
        super().readfrom_mem_into(address, memaddr, buf)

    def writeto_mem(self, address: int, memaddr: int, buf: "bytes | bytearray", addrsize: int = 8) -> None:
        """Write from a register on."""
        self._spend(len(buf))
        super().writeto_mem(address, memaddr, buf)


class TimedSPI(SPIBus):
    """An SPI bus whose transfers take their time."""

    def __init__(self, clock: "VirtualClock") -> None:
        super().__init__()
        self._clock = clock

    def write(self, buf: "bytes | bytearray") -> None:
        """Send bytes, drop what comes."""
        self._clock.spend(_SPI_BYTE_US * len(buf))
        super().write(buf)

    def readinto(self, buf: "bytearray | memoryview", write: int = 0x00) -> None:
        """Fill `buf` while sending `write`."""
        self._clock.spend(_SPI_BYTE_US * len(buf))
        super().readinto(buf, write)


class TimedLine(OneWireBus):
    """A 1-Wire line whose slots take their time."""

    def __init__(self, clock: "VirtualClock", chip: "DS18B20Model") -> None:
        super().__init__(chip)
        self._clock = clock

    def reset(self, required: bool = False) -> bool:
        """Whether somebody answered."""
        self._clock.spend(_ONEWIRE_RESET_US)
        return super().reset(required)

    def readbit(self) -> int:
        """One read slot."""
        self._clock.spend(_ONEWIRE_SLOT_US)
        return super().readbit()

    def writebit(self, value: int) -> None:
        """One write slot."""
        self._clock.spend(_ONEWIRE_SLOT_US)
        super().writebit(value)


def _tmp117(it: "Sensors", channel: int, signal: "TemperatureSignal") -> "Thermometer":
    from boards.models.tmp117 import TMP117Model
    from drivers.temp_tmp117 import TMP117

    address = _FIRST_THERMOMETER + channel
    it.i2c.attach(TMP117Model(it.clock, signal, address))
    return TMP117(it.i2c, it.sleep_ms, address)


def _max31865(it: "Sensors", channel: int, signal: "TemperatureSignal") -> "Thermometer":
    from boards.models.max31865 import MAX31865Model
    from drivers.temp_max31865 import MAX31865

    return MAX31865(it.spi, it.spi.attach(MAX31865Model(it.clock, signal)), it.sleep_ms)


def _ds18b20(it: "Sensors", channel: int, signal: "TemperatureSignal") -> "Thermometer":
    from boards.models.ds18b20 import DS18B20Model
    from drivers.temp_ds18b20 import DS18B20

    return DS18B20(TimedLine(it.clock, DS18B20Model(it.clock, signal, channel + 1)), it.sleep_ms)


def _bmp390(it: "Sensors", channel: int, signal: "TemperatureSignal") -> "Thermometer":
    from boards.models.bmp390 import BMP390Model
    from drivers.press_bmp390 import BMP390

    it.i2c.attach(BMP390Model(it.clock, signal))
    return BMP390(it.i2c, it.sleep_ms)


_FIT = {
    codes.MODEL_TMP117: _tmp117,
    codes.MODEL_MAX31865: _max31865,
    codes.MODEL_DS18B20: _ds18b20,
    codes.MODEL_BMP390: _bmp390,
}


class Sensors:
    """Channels, accelerometer and clock chip as the stimulus fits them."""

    def __init__(self, stimulus: "Stimulus", clock: "VirtualClock", offset_us: int) -> None:
        self.clock = clock
        self.i2c = TimedBus(clock)
        self.spi = TimedSPI(clock)
        self.thermometers: "list[Thermometer]" = []
        self.barometer: "Thermometer | None" = None
        for channel in range(stimulus.channels):
            model = stimulus.models[channel]
            chip = _FIT[model](self, channel, stimulus.temperature(channel, offset_us))
            if model == codes.MODEL_BMP390:
                self.barometer = chip
            else:
                self.thermometers.append(chip)
        self._model: "ADXL345Model | ADXL372Model | None" = None
        self.accelerometer = self._fit_accelerometer(stimulus, offset_us)
        self._told = False

    def _fit_accelerometer(self, stimulus: "Stimulus", offset_us: int) -> "Accelerometer | None":
        if stimulus.accelerometer == codes.MODEL_NONE:
            return None
        signal = stimulus.acceleration(offset_us)
        if stimulus.accelerometer == codes.MODEL_ADXL372:
            from boards.models.adxl372 import ADXL372Model
            from drivers.accel_adxl372 import ADXL372

            self._wire(ADXL372Model(self.clock, signal, _ACCELEROMETER))
            return ADXL372(self.i2c, _ACCELEROMETER)
        from boards.models.adxl345 import ADXL345Model
        from drivers.accel_adxl345 import ADXL345

        self._wire(ADXL345Model(self.clock, signal, _ACCELEROMETER))
        return ADXL345(self.i2c, _ACCELEROMETER)

    def fit_clock(self, path: str, world_us: "Callable[[], int]") -> "ClockChip":
        """A DS3231; `path` is the file that stands for its battery: without it the chip has lost its time."""
        from boards.models.ds3231 import DS3231Model
        from drivers.clock_ds3231 import DS3231

        model = DS3231Model(world_us)
        try:
            with open(path) as file:
                model.load(file.read())
        except OSError:
            pass

        def keep() -> None:
            with open(path, "w") as file:
                file.write(model.state())

        model.changed = keep
        self.i2c.attach(model)
        return DS3231(self.i2c)

    def _wire(self, model: "ADXL345Model | ADXL372Model") -> None:
        self.i2c.attach(model)
        self._model = model

    def sleep_ms(self, duration_ms: int) -> None:
        """Wait at least so long."""
        if self.clock.held:
            self.clock.spend(duration_ms * 1000)
        else:
            time.sleep(duration_ms / 1000)

    def next_interrupt_us(self, limit_us: int) -> "int | None":
        """When the accelerometer's interrupt pin goes (or went) active, if by `limit_us` and not told yet."""
        if self._model is None or self._told:
            return None
        return self._model.next_interrupt_us(limit_us)

    def interrupt_level(self) -> bool:
        """The level of the interrupt pin now."""
        return self._model is not None and self._model.int1()

    def interrupted(self) -> bool:
        """Whether the pin has gone active since the last call; as good as an edge, since the pin falls only
        when the firmware reads the chip.
        """
        if self.i2c.used:
            self.i2c.used = self._told = False
        if self._told or not self.interrupt_level():
            return False
        self._told = True
        return True

    def sampling(self) -> bool:
        """Whether the pin may go active by itself, so that the model must be asked ahead of time."""
        return self._model is not None and not self._told and self._model.sampling()
