"""What is fitted to a logger, as its plan frames, its status and its receipt tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from celltrail.errors import DeviceFault
from celltrail_protocol.codes import PRESSURE_MODELS
from celltrail_protocol.names import MODEL_NAMES

_NANO = 1e-9
_PA_PER_HPA = 100


@dataclass(frozen=True)
class Sensor:
    """One channel: a raw value counts steps of `step_nK` nanokelvin from 0 degC.

    A barometer's step and uncertainty are in nPa and mPa, from 0 Pa.
    """

    model: int
    step_nK: int
    low_raw: int
    high_raw: int
    uncertainty_mK: int = 0

    @property
    def name(self) -> str:
        """The chip's name."""
        return MODEL_NAMES.get(self.model, f"model {self.model}")

    @property
    def is_barometer(self) -> bool:
        """Whether the channel is of air pressure."""
        return self.model in PRESSURE_MODELS

    @property
    def unit(self) -> str:
        """What its readings are in."""
        return "hPa" if self.is_barometer else "degC"

    @property
    def step(self) -> float:
        """One step, in `unit`."""
        return self.step_nK * _NANO / (_PA_PER_HPA if self.is_barometer else 1)

    @property
    def uncertainty(self) -> float:
        """Of a reading, in `unit`."""
        return self.uncertainty_mK / 1000 / (_PA_PER_HPA if self.is_barometer else 1)

    def hectopascal_of(self, raw: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
        """A barometer's raw values in hPa."""
        return raw.astype(np.float64) * self.step

    def celsius(self, raw: float) -> float:
        """A raw value in degC."""
        return raw * self.step_nK * _NANO

    def celsius_of(self, raw: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
        """Raw values in degC, as exact as doubles can be."""
        return raw.astype(np.float64) * (self.step_nK * _NANO)

    @property
    def low_c(self) -> float:
        """The lowest temperature that the sensor measures."""
        return self.celsius(self.low_raw)

    @property
    def high_c(self) -> float:
        """The highest temperature that the sensor measures."""
        return self.celsius(self.high_raw)

    def range_text(self) -> str:
        """-55 to 150 degC, or 300 to 1250 hPa."""
        return f"{self.low_raw * self.step:g} to {self.high_raw * self.step:g} {self.unit}"


@dataclass(frozen=True)
class Fitted:
    """The sensors of one logger; `accel_model` 0 means that there is no accelerometer.

    channels: the thermometers. barometers: the channels after them.
    """

    channels: tuple[Sensor, ...]
    accel_model: int = 0
    barometers: tuple[Sensor, ...] = ()

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """All channels in their order."""
        return self.channels + self.barometers

    @property
    def accel_name(self) -> str:
        """The accelerometer's name."""
        return MODEL_NAMES.get(self.accel_model, f"model {self.accel_model}")


def fitted_from_status(status: Mapping[str, Any]) -> Fitted:
    """The sensors that a logger's status names; DeviceFault when it makes no sense."""
    try:
        columns = [list(status[key]) for key in ("models", "steps", "low", "high")]
        rows = list(zip(*columns, strict=True))
        channels = tuple(Sensor(*(int(value) for value in row)) for row in rows)
        thermometers = tuple(one for one in channels if not one.is_barometer)
        return Fitted(thermometers, int(status["accel"]), tuple(one for one in channels if one.is_barometer))
    except (KeyError, TypeError, ValueError) as error:
        raise DeviceFault("the logger's status doesn't say which sensors it has; is it a Celltrail logger?") from error
