"""A trip as CSV: the same bytes on every machine, in every language setting.

Cells hold numbers, times and words of ours, never text that people typed: a spreadsheet takes a cell that begins
with = + - @ for a formula. A column with such text would have to put an apostrophe before it.
"""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from celltrail.evidence.record import Shock
from celltrail.evidence.verify import Checked
from celltrail.files import describe_os_error, write_atomic
from celltrail.utc import iso
from celltrail.views.table import ReadingsTable, readings_tables

READING_COLUMNS = (
    "utc",
    "utc_bound_ms",
    "boot",
    "tick_ms",
    "slot",
    "channel",
    "raw",
    "celsius",
    "status",
    "hectopascal",
)
SHOCK_COLUMNS = (
    "event", "utc", "utc_bound_ms", "boot", "tick_ms", "tick_us", "rate_Hz", "duration_ms", "longest_ms",
    "base_x_m_s2", "base_y_m_s2", "base_z_m_s2", "peak_x_m_s2", "peak_y_m_s2", "peak_z_m_s2",
    "velocity_x_m_s", "velocity_y_m_s", "velocity_z_m_s", "remarks", "window_samples", "pre_samples", "waveform",
)  # fmt: skip
WAVE_COLUMNS = ("time_ms", "x_m_s2", "y_m_s2", "z_m_s2")


def write_readings(checked: Checked, path: Path) -> None:
    """One row for each slot and channel; UsageFault."""
    write_atomic(path, lambda out: _fill(out, checked), source=checked.trail.path)


def _fill(out: BinaryIO, checked: Checked) -> None:
    """The readings, a piece of the table at a time."""
    out.write(_csv([READING_COLUMNS]))
    for table in readings_tables(checked):
        out.write(_csv(_reading_rows(table)))


def write_shocks(checked: Checked, path: Path) -> None:
    """One row for each shock event, in SI units; UsageFault."""
    write_atomic(
        path,
        _csv([SHOCK_COLUMNS, *(_shock_row(checked, shock) for shock in checked.record.shocks)]),
        source=checked.trail.path,
    )


def write_waves(checked: Checked, folder: Path) -> list[Path]:
    """A file for each event whose waveform is whole: time from its first active sample, and the axes; UsageFault."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise describe_os_error(folder, error) from error
    written = []
    for shock in checked.record.shocks:
        if shock.waves:
            written.append(folder / f"shock-{shock.event:04d}.csv")
            write_atomic(written[-1], _csv([WAVE_COLUMNS, *_wave_rows(shock)]), source=checked.trail.path)
    return written


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _reading_rows(table: ReadingsTable) -> Iterator[tuple[Any, ...]]:
    known = np.isfinite(table.bound_ms)
    utc = np.where(known, table.utc_ms, 0).round().astype(np.int64).tolist()
    bound = np.where(known, np.ceil(np.where(known, table.bound_ms, 0)), -1).astype(np.int64).tolist()
    rows = zip(
        utc, bound, table.boot.tolist(), table.tick_ms.tolist(), table.slot.tolist(), table.channel.tolist(),
        table.raw.tolist(), table.celsius.tolist(), table.hectopascal.tolist(), table.status.tolist(), strict=True,
    )  # fmt: skip
    for at, within, boot, tick_ms, slot, channel, raw, celsius, hPa, status in rows:
        when = (iso(at), within) if within >= 0 else ("", "")
        value = (raw, _number(celsius, 4)) if status == 0 else ("", "")
        pressure = _number(hPa, 2) if status == 0 else ""
        yield (*when, boot, tick_ms, slot, channel, *value, table.words[status], pressure)


def _number(value: float, places: int) -> str:
    return "" if math.isnan(value) else f"{value:.{places}f}"


def _shock_row(checked: Checked, shock: Shock) -> tuple[Any, ...]:
    utc_ms, bound_ms = checked.clock.utc_ms(shock.at), checked.clock.bound_ms(shock.at)
    vectors = (*shock.base_m_s2, *shock.peak_m_s2, *shock.velocity_m_s)
    longest_ms = shock.longest / shock.rate_Hz * 1000 if shock.rate_mHz else 0.0
    return (
        shock.event,
        "" if utc_ms is None else iso(utc_ms),
        "" if bound_ms is None else bound_ms,
        shock.at.boot,
        shock.at.tick_ms,
        shock.tick_us,
        f"{shock.rate_Hz:.3f}",
        f"{shock.duration_ms:.3f}",
        f"{longest_ms:.3f}",
        *(f"{value:.4f}" for value in vectors),
        ", ".join(shock.remarks),
        shock.window,
        shock.pre,
        "stored" if shock.waves else "",
    )


def _wave_rows(shock: Shock) -> Iterator[tuple[str, ...]]:
    step_ms = 1000 / shock.rate_Hz if shock.rate_mHz else 0.0
    for number, sample in enumerate(zip(*(axis.tolist() for axis in shock.waves), strict=True)):
        values = (f"{value * shock.step_m_s2:.4f}" for value in sample)
        yield (f"{(number - shock.pre) * step_ms:.4f}", *values)
