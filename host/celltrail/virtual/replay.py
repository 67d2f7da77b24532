"""Read recorded temperatures and accelerations, to let a virtual logger live through them."""

import csv
import gzip
import math
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from celltrail.errors import UsageFault
from celltrail.files import describe_os_error
from celltrail.utc import parse
from celltrail.virtual.stimulus import MAX_THERMOMETERS, Shock, Temperature

TIME_COLUMN = "utc"
TEMPERATURE_COLUMNS = ("temperature_c", "temperature_c_2", "temperature_c_3", "temperature_c_4")
PRESSURE_COLUMN = "pressure_hpa"
SHOCK_COLUMNS = ("t_s", "x_g", "y_g", "z_g")
DEFAULT_SHOCK_MS = 60_000
_LIMITS_C = (-273.15, 1000.0)
_LIMITS_HPA = (0.0, 2000.0)
_LARGEST_G = 100_000.0
_UNITS_MS = {"": 1000, "ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
# 100 years.
_LONGEST_MS = 3_155_760_000_000
# Some years of readings each second, and lines as no CSV file has: a packed file may claim to be endless.
_MOST_ROWS = 5_000_000
_LONGEST_LINE = 100_000
_SPAN = re.compile(r"(\d+(?:\.\d+)?) ?([a-z]*)")


@dataclass(frozen=True)
class Readings:
    """A recording: UTC of its first row, its length, and one course for each column; pressure in hPa."""

    start_utc_ms: int
    duration_ms: int
    temperatures: tuple[Temperature, ...]
    pressure: Temperature | None = None


def parse_span_ms(text: str) -> int:
    """90s, 2h, 1.5d, 250ms, or plain seconds; UsageFault."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None or found[2] not in _UNITS_MS:
        raise UsageFault(f"{text!r} is no length of time; write 90s, 15m, 2h or 1d")
    length_ms = float(found[1]) * _UNITS_MS[found[2]]
    if length_ms > _LONGEST_MS:
        raise UsageFault(f"{text!r} is longer than a logger can run; write 90s, 15m, 2h or 1d")
    return round(length_ms)


def read_readings(path: Path, columns: tuple[str, ...] = (), start_utc_ms: int | None = None) -> Readings:
    """Read a CSV file with a column `utc`, `temperature_c` (to `temperature_c_4`) or the named columns, and perhaps
    `pressure_hpa`.

    A blank cell means that the probe was unplugged. Times may repeat, and then the last row counts, but not
    go back. World time begins at the first row, or at `start_utc_ms`. UsageFault names the row; the header is
    row 1.
    """
    at_utc_ms: list[int] = []
    rows: list[list[float]] = []
    with _table(path) as table:
        names = columns or tuple(name for name in TEMPERATURE_COLUMNS if name in table.names)
        table.require(TIME_COLUMN, *(names or TEMPERATURE_COLUMNS[:1]))
        if len(names) > MAX_THERMOMETERS:
            raise UsageFault(f"{path}: a logger has at most {MAX_THERMOMETERS} thermometers")
        pressures = [PRESSURE_COLUMN] * (PRESSURE_COLUMN in table.names)
        for row in table.rows():
            utc_ms = row.utc_ms(TIME_COLUMN)
            if at_utc_ms and utc_ms < at_utc_ms[-1]:
                raise row.fault(f"the time {row.text(TIME_COLUMN)} lies before that of the row above")
            values = [row.number(name, *_LIMITS_C, blank=math.nan) for name in names]
            values += [row.number(name, *_LIMITS_HPA, blank=math.nan) for name in pressures]
            if at_utc_ms and utc_ms == at_utc_ms[-1]:
                rows[-1] = values
            else:
                at_utc_ms.append(utc_ms)
                rows.append(values)
    if not rows:
        raise UsageFault(f"{path}: has no rows")
    start = at_utc_ms[0] if start_utc_ms is None else start_utc_ms
    if start < 0:
        raise UsageFault(f"{path}: begins before 1970, which the logger can't tell")
    if start > at_utc_ms[-1]:
        raise UsageFault(f"{path}: ends before the world would start")
    at_ms = np.array(at_utc_ms, dtype=np.int64) - start
    table_of = np.array(rows)
    courses = [Temperature.from_celsius(at_ms, table_of[:, i]) for i in range(len(names) + len(pressures))]
    pressure = courses[-1] if pressures else None
    return Readings(start, int(at_ms[-1]), tuple(courses[: len(names)]), pressure)


def read_shock(argument: str) -> Shock:
    """Read FILE[@OFFSET], a CSV file (.gz too) with t_s, x_g, y_g, z_g; its first row happens at OFFSET."""
    name, _, offset = argument.rpartition("@")
    at_ms = parse_span_ms(offset) if name else DEFAULT_SHOCK_MS
    path = Path(name or offset)
    times_us: list[int] = []
    rows: list[list[float]] = []
    with _table(path) as table:
        table.require(*SHOCK_COLUMNS)
        for row in table.rows():
            t_us = round(row.number("t_s", -1e9, 1e9) * 1e6)
            if times_us and t_us <= times_us[-1]:
                raise row.fault("t_s must rise by at least a microsecond from row to row")
            times_us.append(t_us)
            rows.append([row.number(axis, -_LARGEST_G, _LARGEST_G) for axis in SHOCK_COLUMNS[1:]])
    if len(rows) < 2:
        raise UsageFault(f"{path}: a shock needs at least two rows")
    at_us = np.array(times_us, dtype=np.int64)
    return Shock(at_us - at_us[0] + at_ms * 1000, np.array(rows))


def merge_shocks(replayed: tuple[Shock, ...], drawn: tuple[Shock, ...] = ()) -> tuple[Shock, ...]:
    """All shocks in order; a drawn one gives way to a replayed one. UsageFault when replayed ones overlap."""
    ordered = sorted(replayed, key=lambda shock: shock.span_us)
    for before, after in zip(ordered, ordered[1:], strict=False):
        if _overlap(before, after):
            raise UsageFault("two replayed shocks overlap; move one of them with @OFFSET")
    kept = [shock for shock in drawn if not any(_overlap(shock, other) for other in ordered)]
    return tuple(sorted([*ordered, *kept], key=lambda shock: shock.span_us))


def _overlap(a: Shock, b: Shock) -> bool:
    return a.span_us[0] <= b.span_us[1] and b.span_us[0] <= a.span_us[1]


@dataclass(frozen=True)
class _Row:
    """One row of a file, which knows its place for messages."""

    path: Path
    number_in_file: int
    cells: dict[str, str]

    def fault(self, text: str) -> UsageFault:
        return UsageFault(f"{self.path}: row {self.number_in_file}: {text}")

    def text(self, name: str) -> str:
        return self.cells[name].strip()

    def utc_ms(self, name: str) -> int:
        try:
            return parse(self.text(name))
        except UsageFault as fault:
            raise self.fault(str(fault)) from fault

    def number(self, name: str, low: float, high: float, blank: float | None = None) -> float:
        text = self.text(name)
        if not text and blank is not None:
            return blank
        try:
            value = float(text)
        except ValueError:
            raise self.fault(f"{name} is {text!r}, not a number") from None
        if not math.isfinite(value):
            raise self.fault(f"{name} is {text!r}; leave a cell blank where there is no reading")
        if not low <= value <= high:
            raise self.fault(f"{name} is {text}, not within {low:g} to {high:g}")
        return value


class _Table:
    """A CSV file with a header."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path = path
        self._reader = csv.reader(_lines(path, file))
        self.names = [name.strip() for name in next(self._reader, [])]

    def require(self, *names: str) -> None:
        """UsageFault unless the header has each of these columns once."""
        for name in names:
            if self.names.count(name) != 1:
                found = ", ".join(self.names) or "none"
                how = "lacks the" if name not in self.names else "has more than one"
                raise UsageFault(f"{self._path}: row 1: {how} column {name} (columns: {found})")

    def rows(self) -> Iterator[_Row]:
        """Every row that is not blank."""
        for cells in self._reader:
            number = self._reader.line_num
            if not cells:
                continue
            if len(cells) != len(self.names):
                raise UsageFault(
                    f"{self._path}: row {number}: has {len(cells)} cells, the header has {len(self.names)}"
                )
            yield _Row(self._path, number, dict(zip(self.names, cells, strict=True)))


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    for number in range(_MOST_ROWS):
        line = file.readline(_LONGEST_LINE)
        if not line:
            return
        if len(line) == _LONGEST_LINE:
            raise UsageFault(f"{path}: row {number + 1}: is longer than {_LONGEST_LINE} characters")
        yield line
    raise UsageFault(f"{path}: has more than {_MOST_ROWS} rows; cut it into several files")


@contextmanager
def _table(path: Path) -> Iterator[_Table]:
    """Open a CSV file, packed or not; UsageFault for all that can be wrong with it."""
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
                yield _Table(path, file)
        else:
            with path.open(encoding="utf-8-sig", newline="") as file:
                yield _Table(path, file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UsageFault(f"{path}: is not a whole gzip file") from error
    except UnicodeDecodeError as error:
        raise UsageFault(f"{path}: is not text in UTF-8") from error
    except csv.Error as error:
        raise UsageFault(f"{path}: is not a CSV file: {error}") from error
    except OSError as error:
        raise describe_os_error(path, error) from error
