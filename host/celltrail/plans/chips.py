"""Sensor chips by their names; the range of a model's number says what it measures (SPEC.md section 10)."""

from celltrail_protocol import codes
from celltrail_protocol.names import MODEL_NAMES


def _named(models: range) -> dict[str, int]:
    return {name: model for model, name in MODEL_NAMES.items() if model in models}


THERMOMETERS = _named(codes.THERMOMETER_MODELS)
ACCELEROMETERS = _named(codes.ACCELEROMETER_MODELS)
BAROMETERS = _named(codes.PRESSURE_MODELS)
CLOCK = "DS3231"
I2C, SPI, ONEWIRE = "i2c", "spi", "onewire"
_BUSES = {codes.MODEL_MAX31865: SPI, codes.MODEL_DS18B20: ONEWIRE}


def bus_of(model: int) -> str:
    """The key of its bus in a wiring; a chip that is not named here is on the I2C bus."""
    return _BUSES.get(model, I2C)
