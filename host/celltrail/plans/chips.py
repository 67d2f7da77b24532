"""Sensor chips by their names; the range of a model's number says what it measures (SPEC.md section 10)."""

from celltrail_protocol import codes
from celltrail_protocol.names import MODEL_NAMES


def _named(models: range) -> dict[str, int]:
    return {name: model for model, name in MODEL_NAMES.items() if model in models}


THERMOMETERS = _named(codes.THERMOMETER_MODELS)
ACCELEROMETERS = _named(codes.ACCELEROMETER_MODELS)
BAROMETERS = _named(codes.PRESSURE_MODELS)
