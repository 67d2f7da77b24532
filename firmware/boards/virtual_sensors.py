"""The virtual board's sensors: the firmware's own drivers on models of the chips, on one I2C bus."""

import time

from boards.models.i2c_bus import I2CBus
from celltrail_protocol import codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boards.models.adxl345 import ADXL345Model
    from boards.models.adxl372 import ADXL372Model
    from boards.virtual_clock import VirtualClock
    from boards.virtual_stimulus import Stimulus, TemperatureSignal
    from logger.hardware import Accelerometer, Thermometer

_FIRST_THERMOMETER = 0x48
_ACCELEROMETER = 0x53
# Nine clocks for each byte at 400 kHz; a transfer has about two bytes of addresses besides its data.
_BYTE_US = 22.5
_ADDRESS_BYTES = 3


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


class Sensors:
    """Thermometers and accelerometer as the stimulus fits them."""

    def __init__(self, stimulus: "Stimulus", clock: "VirtualClock", offset_us: int) -> None:
        self._clock = clock
        self._bus = TimedBus(clock)
        self.thermometers: "list[Thermometer]" = [
            self._fit_thermometer(channel, stimulus.temperature(channel, offset_us))
            for channel in range(stimulus.thermometers)
        ]
        self._model: "ADXL345Model | ADXL372Model | None" = None
        self.accelerometer = self._fit_accelerometer(stimulus, offset_us)
        self._told = False

    def _fit_thermometer(self, channel: int, signal: "TemperatureSignal") -> "Thermometer":
        from boards.models.tmp117 import TMP117Model
        from drivers.temp_tmp117 import TMP117

        address = _FIRST_THERMOMETER + channel
        self._bus.attach(TMP117Model(self._clock, signal, address))
        return TMP117(self._bus, self._sleep_ms, address)

    def _fit_accelerometer(self, stimulus: "Stimulus", offset_us: int) -> "Accelerometer | None":
        if stimulus.accelerometer == codes.MODEL_NONE:
            return None
        signal = stimulus.acceleration(offset_us)
        if stimulus.accelerometer == codes.MODEL_ADXL372:
            from boards.models.adxl372 import ADXL372Model
            from drivers.accel_adxl372 import ADXL372

            self._wire(ADXL372Model(self._clock, signal, _ACCELEROMETER))
            return ADXL372(self._bus, _ACCELEROMETER)
        from boards.models.adxl345 import ADXL345Model
        from drivers.accel_adxl345 import ADXL345

        self._wire(ADXL345Model(self._clock, signal, _ACCELEROMETER))
        return ADXL345(self._bus, _ACCELEROMETER)

    def _wire(self, model: "ADXL345Model | ADXL372Model") -> None:
        self._bus.attach(model)
        self._model = model

    def _sleep_ms(self, duration_ms: int) -> None:
        if self._clock.held:
            self._clock.spend(duration_ms * 1000)
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
        if self._bus.used:
            self._bus.used = self._told = False
        if self._told or not self.interrupt_level():
            return False
        self._told = True
        return True

    def sampling(self) -> bool:
        """Whether the pin may go active by itself, so that the model must be asked ahead of time."""
        return self._model is not None and not self._told and self._model.sampling()
