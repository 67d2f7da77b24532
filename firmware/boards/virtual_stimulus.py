"""What happens to the virtual logger: temperatures, accelerations and button presses, read from a file.

The file is little-endian. All times count from the start of the world.

    offset  size  field
    0       4     "CTSM"
    4       2     version, 1
    6       1     channels fitted, 1 to 4: thermometers, and perhaps a barometer as the last
    7       1     accelerometer fitted, codes.MODEL_*
    8       8     UTC of the world's start, ms since 1970, signed
    16      8     duration, ms, signed
    24      2     battery at the start, mV
    26      2     battery at the end, mV
    28      2     number of button presses
    30      2     number of acceleration segments
    32      16    temperature rows of channel 0 to 3, u32 each
    48      4     acceleration rows
    52      4     which chip channel 0 to 3 is, codes.MODEL_*
    56      1     1: there is a clock chip
    57      7     zero
    64            presses: at_ms i64, hold_ms i64
                  segments: start_us i64, end_us i64, first_row i64, rows i64
                  temperature rows, channel after channel: at_ms i64, micro-degC or micro-hPa i32 (-2**31: unplugged)
                  acceleration rows: at_us i64, x_g f64, y_g f64, z_g f64
"""

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

MAGIC = b"CTSM"
VERSION = 1
HEADER = "<4sHBBqqHHHH4II4sB7x"
HEADER_SIZE = 64
PRESS = "<qq"
SEGMENT = "<qqqq"
TEMPERATURE = "<qi"
ACCELERATION = "<qddd"
UNPLUGGED = -(2**31)

_BLOCK_ROWS = 128


class RowTable:
    """Rows in a file, sorted by their first field, of which one block at a time is in memory."""

    def __init__(self, file: "BinaryIO", offset: int, count: int, row: str) -> None:
        self._file = file
        self._offset = offset
        self._row = row
        self._size = struct.calcsize(row)
        self._first = 0
        self._last = 0
        self._block = b""
        self.count = count

    def row(self, index: int) -> "tuple[Any, ...]":
        """One row, 0 <= index < count."""
        if not self._first <= index < self._last:
            self._load(index - index % _BLOCK_ROWS)
        return struct.unpack_from(self._row, self._block, (index - self._first) * self._size)

    def _load(self, first: int) -> None:
        self._first = first
        self._last = min(first + _BLOCK_ROWS, self.count)
        self._file.seek(self._offset + first * self._size)
        self._block = self._file.read((self._last - first) * self._size)

    def find(self, key: float) -> int:
        """Index of the last row whose first field is <= key; -1 when there is none."""
        low, high = 0, self.count
        if self._last > self._first and self.row(self._first)[0] <= key:
            low = self._first + 1
            if self._last == self.count or key < self.row(self._last - 1)[0]:
                high = self._last
            else:
                low = self._last
        while low < high:
            middle = (low + high) // 2
            if self.row(middle)[0] <= key:
                low = middle + 1
            else:
                high = middle
        return low - 1


class TemperatureSignal:
    """Sample and hold: the last row at or before a time counts; before the first row, the first."""

    def __init__(self, rows: RowTable, offset_us: int) -> None:
        self._rows = rows
        self._offset_us = offset_us
        self._from_us = 0
        self._until_us = 0
        self._celsius: "float | None" = None

    def celsius(self, t_us: int) -> "float | None":
        """Temperature at `t_us` after power-on, or None while the probe is unplugged."""
        world_us = t_us + self._offset_us
        if not self._from_us <= world_us < self._until_us:
            self._move(world_us)
        return self._celsius

    def _move(self, world_us: int) -> None:
        rows = self._rows
        index = rows.find(world_us // 1000)
        at_ms, value = rows.row(max(index, 0))
        self._from_us = at_ms * 1000 if index >= 0 else world_us
        self._until_us = rows.row(index + 1)[0] * 1000 if index + 1 < rows.count else 1 << 60
        self._celsius = None if value == UNPLUGGED else value / 1e6


class AccelerationSignal:
    """Piecewise linear inside its segments, held outside of them; times count from power-on."""

    def __init__(self, rows: RowTable, segments: "list[tuple[int, int, int, int]]", offset_us: int) -> None:
        self._rows = rows
        self._offset_us = offset_us
        self._spans = [(a - offset_us, b - offset_us, first, count) for a, b, first, count in segments]
        self.segments = [(span[0], span[1]) for span in self._spans]
        self._current = 0
        self._index = 0

    def active(self, t_us: float) -> "tuple[int, int] | None":
        """(start_us, end_us) of the segment that contains `t_us`, or of the next one, or None."""
        segments = self.segments
        k = self._current if segments and t_us >= segments[self._current][0] else 0
        while k < len(segments):
            if t_us <= segments[k][1]:
                return segments[k]
            k += 1
        return None

    def at(self, t_us: float) -> "tuple[float, float, float]":
        """(x_g, y_g, z_g) at `t_us`."""
        spans = self._spans
        if not spans:
            return (0.0, 0.0, 1.0)
        k = self._current
        while k + 1 < len(spans) and spans[k + 1][0] <= t_us:
            k += 1
        while k > 0 and t_us < spans[k][0]:
            k -= 1
        self._current = k
        start_us, end_us, first, count = spans[k]
        if t_us <= start_us:
            return self._rows.row(first)[1:]
        if t_us >= end_us:
            return self._rows.row(first + count - 1)[1:]
        return self._between(t_us + self._offset_us, first, first + count - 1)

    def _between(self, world_us: float, first: int, last: int) -> "tuple[float, float, float]":
        index = self._index
        rows = self._rows
        # Models ask for times in order, so the wanted row is nearly always this one or the next.
        if not (first <= index < last and rows.row(index)[0] <= world_us < rows.row(index + 1)[0]):
            index = rows.find(world_us)
            self._index = index
        t0, x0, y0, z0 = rows.row(index)
        if index >= last:
            return (x0, y0, z0)
        t1, x1, y1, z1 = rows.row(index + 1)
        share = (world_us - t0) / (t1 - t0)
        return (x0 + (x1 - x0) * share, y0 + (y1 - y0) * share, z0 + (z1 - z0) * share)


class Stimulus:
    """An open stimulus file. ValueError when it is none."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "rb")
        header = struct.unpack(HEADER, self._file.read(HEADER_SIZE))
        if header[0] != MAGIC or header[1] != VERSION:
            self.close()
            raise ValueError("not a stimulus file of version 1")
        self.channels: int = header[2]
        self.accelerometer: int = header[3]
        self.start_utc_ms: int = header[4]
        self.duration_ms: int = header[5]
        self._battery_mV: "tuple[int, int]" = header[6:8]
        presses, segments = header[8:10]
        self._temperature_rows: "tuple[int, ...]" = header[10:14]
        self._acceleration_rows: int = header[14]
        self.models: bytes = header[15][: self.channels]
        self.clock_chip: bool = header[16] == 1
        self.presses: "list[tuple[int, int]]" = [struct.unpack(PRESS, self._file.read(16)) for _ in range(presses)]
        self._segments: "list[tuple[int, int, int, int]]" = [
            struct.unpack(SEGMENT, self._file.read(32)) for _ in range(segments)
        ]
        self._rows_at = HEADER_SIZE + 16 * presses + 32 * segments

    def close(self) -> None:
        """Close the file; its signals end."""
        self._file.close()

    def temperature(self, channel: int, offset_us: int) -> TemperatureSignal:
        """Signal of one channel for a board that is powered on at `offset_us` of the world."""
        at = self._rows_at + 12 * sum(self._temperature_rows[:channel])
        rows = RowTable(self._file, at, self._temperature_rows[channel], TEMPERATURE)
        return TemperatureSignal(rows, offset_us)

    def acceleration(self, offset_us: int) -> AccelerationSignal:
        """Signal of the accelerometer for a board that is powered on at `offset_us` of the world."""
        at = self._rows_at + 12 * sum(self._temperature_rows)
        rows = RowTable(self._file, at, self._acceleration_rows, ACCELERATION)
        return AccelerationSignal(rows, self._segments, offset_us)

    def battery_mV(self, world_ms: int) -> int:
        """Battery voltage: a straight line over the stimulus, then its end."""
        start_mV, end_mV = self._battery_mV
        passed_ms = min(max(world_ms, 0), self.duration_ms)
        return start_mV - (start_mV - end_mV) * passed_ms // max(self.duration_ms, 1)
