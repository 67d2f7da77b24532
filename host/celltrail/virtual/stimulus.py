"""What happens to a virtual logger, as arrays, and the file that hands it to the board.

The file's layout is described where it is read: `firmware/boards/virtual_stimulus.py`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from celltrail.plans import chips
from celltrail_protocol import codes

UNPLUGGED = -(2**31)
BATTERY_mV = (4100, 3600)
MAX_THERMOMETERS = 4
THERMOMETERS = {name.lower(): model for name, model in chips.THERMOMETERS.items()}
BAROMETER = "bmp390"
ACCELEROMETERS = {name.lower(): model for name, model in chips.ACCELEROMETERS.items()} | {"none": codes.MODEL_NONE}

_HEADER = np.dtype(
    [
        ("magic", "S4"),
        ("version", "<u2"),
        ("thermometers", "u1"),
        ("accelerometer", "u1"),
        ("start_utc_ms", "<i8"),
        ("duration_ms", "<i8"),
        ("battery_mV", "<u2", 2),
        ("presses", "<u2"),
        ("segments", "<u2"),
        ("temperature_rows", "<u4", MAX_THERMOMETERS),
        ("acceleration_rows", "<u4"),
        ("models", "u1", MAX_THERMOMETERS),
        ("clock_chip", "u1"),
        ("zero", "V7"),
    ]
)
_TEMPERATURE = np.dtype([("at_ms", "<i8"), ("micro_C", "<i4")])
_ACCELERATION = np.dtype([("at_us", "<i8"), ("xyz_g", "<f8", 3)])


@dataclass(frozen=True)
class Temperature:
    """One probe: `micro_C[i]` (or UNPLUGGED) holds from `at_ms[i]` until the next row; never empty."""

    at_ms: NDArray[np.int64]
    micro_C: NDArray[np.int32]

    @classmethod
    def from_celsius(cls, at_ms: ArrayLike, celsius: ArrayLike) -> "Temperature":
        """From degrees; NaN means unplugged."""
        micro = np.asarray(celsius, dtype=np.float64) * 1e6
        rounded = np.where(np.isnan(micro), UNPLUGGED, np.rint(micro)).astype(np.int32)
        return cls(np.asarray(at_ms, dtype=np.int64), rounded)

    def celsius_at(self, at_ms: ArrayLike) -> NDArray[np.float64]:
        """What the probe feels at these world times; NaN while unplugged. Before the first row, the first."""
        index = np.searchsorted(self.at_ms, np.asarray(at_ms), side="right") - 1
        micro = self.micro_C[np.maximum(index, 0)]
        return np.where(micro == UNPLUGGED, np.nan, micro / 1e6)


@dataclass(frozen=True)
class Shock:
    """One stretch of acceleration: `xyz_g` has the shape (n, 3), `at_us` rises strictly."""

    at_us: NDArray[np.int64]
    xyz_g: NDArray[np.float64]

    @property
    def span_us(self) -> tuple[int, int]:
        """First and last instant."""
        return int(self.at_us[0]), int(self.at_us[-1])


@dataclass(frozen=True)
class Stimulus:
    """All that happens, in time since the world's start. Shocks are sorted and don't overlap.

    models: which chip each thermometer is, a TMP117 where nothing is said. pressure: what a barometer feels, in hPa in
    place of degC; None: there is none. clock_chip: whether there is a DS3231.
    """

    start_utc_ms: int
    duration_ms: int
    temperatures: tuple[Temperature, ...]
    shocks: tuple[Shock, ...] = ()
    accelerometer: int = codes.MODEL_ADXL372
    battery_mV: tuple[int, int] = BATTERY_mV
    presses_ms: tuple[tuple[int, int], ...] = ()
    models: tuple[int, ...] = ()
    pressure: Temperature | None = None
    clock_chip: bool = False

    @property
    def sensors(self) -> str:
        """The channels as `--sensors` takes them."""
        names = {model: name for name, model in THERMOMETERS.items()}
        return ",".join([names[model] for model in self._fitted()] + [BAROMETER] * (self.pressure is not None))

    def _fitted(self) -> list[int]:
        """Which chip each thermometer is."""
        return [*self.models, *[codes.MODEL_TMP117] * MAX_THERMOMETERS][: len(self.temperatures)]

    def _channels(self) -> tuple[Temperature, ...]:
        """The courses of all channels, the barometer's last."""
        return self.temperatures if self.pressure is None else (*self.temperatures, self.pressure)

    def write(self, path: Path) -> None:
        """Write the file that the virtual board reads."""
        path.write_bytes(b"".join(self._parts()))

    def _parts(self) -> list[bytes]:
        parts = [self._header().tobytes(), np.array(self.presses_ms, dtype="<i8").tobytes()]
        parts.append(np.array(self._segments(), dtype="<i8").tobytes())
        for temperature in self._channels():
            rows = np.empty(len(temperature.at_ms), dtype=_TEMPERATURE)
            rows["at_ms"], rows["micro_C"] = temperature.at_ms, temperature.micro_C
            parts.append(rows.tobytes())
        for shock in self.shocks:
            points = np.empty(len(shock.at_us), dtype=_ACCELERATION)
            points["at_us"], points["xyz_g"] = shock.at_us, shock.xyz_g
            parts.append(points.tobytes())
        return parts

    def _segments(self) -> list[tuple[int, int, int, int]]:
        segments, first = [], 0
        for shock in self.shocks:
            segments.append((*shock.span_us, first, len(shock.at_us)))
            first += len(shock.at_us)
        return segments

    def _header(self) -> NDArray[np.void]:
        header = np.zeros((), dtype=_HEADER)
        header["magic"], header["version"] = b"CTSM", 1
        header["thermometers"], header["accelerometer"] = len(self._channels()), self.accelerometer
        header["start_utc_ms"], header["duration_ms"] = self.start_utc_ms, self.duration_ms
        header["battery_mV"] = self.battery_mV
        header["presses"], header["segments"] = len(self.presses_ms), len(self.shocks)
        channels = self._channels()
        header["temperature_rows"][: len(channels)] = [len(channel.at_ms) for channel in channels]
        models = [*self._fitted(), codes.MODEL_BMP390]
        header["models"][: len(channels)] = models[: len(channels)]
        header["clock_chip"] = self.clock_chip
        header["acceleration_rows"] = sum(len(shock.at_us) for shock in self.shocks)
        return header
