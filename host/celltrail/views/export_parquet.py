"""A trip as Parquet, for programs that read columns; the file's metadata says what it was made from."""

import io
import json
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from celltrail import __version__
from celltrail.evidence.record import Shock
from celltrail.evidence.verify import Checked
from celltrail.files import write_atomic
from celltrail.views.table import ReadingsTable, readings_tables

_UTC = pa.timestamp("ms", tz="UTC")
_AXES = "xyz"


def write_readings(checked: Checked, path: Path) -> None:
    """One row for each slot and channel, as in the CSV; UsageFault."""
    write_atomic(path, lambda out: _fill(out, checked), source=checked.trail.path)


def _fill(out: BinaryIO, checked: Checked) -> None:
    """The readings, a piece of the table at a time."""
    writer = None
    for piece in readings_tables(checked):
        table = _readings(piece).replace_schema_metadata(_facts(checked))
        if writer is None:
            writer = parquet.ParquetWriter(out, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _readings(table: ReadingsTable) -> pa.Table:
    unknown = ~np.isfinite(table.bound_ms)
    utc_ms = np.where(unknown, 0, table.utc_ms).round().astype(np.int64)
    bound_ms = np.where(unknown, 0, np.ceil(np.where(unknown, 0, table.bound_ms))).astype(np.int64)
    columns = {
        "utc": pa.array(utc_ms, pa.int64(), mask=unknown).cast(_UTC),
        "utc_bound_ms": pa.array(bound_ms, pa.int64(), mask=unknown),
        "boot": pa.array(table.boot, pa.int32()),
        "tick_ms": pa.array(table.tick_ms, pa.int64()),
        "slot": pa.array(table.slot, pa.int64()),
        "channel": pa.array(table.channel, pa.int8()),
        "raw": pa.array(table.raw, pa.int16(), mask=~table.is_read),
        "celsius": pa.array(table.celsius, pa.float64(), mask=~table.is_celsius),
        "status": pa.DictionaryArray.from_arrays(pa.array(table.status, pa.int32()), list(table.words)),
        "hectopascal": pa.array(table.hectopascal, pa.float64(), mask=~table.is_hectopascal),
    }
    return pa.table(columns)


def write_shocks(checked: Checked, path: Path) -> None:
    """One row for each shock event, in SI units, with its waveform as lists; UsageFault."""
    shocks = checked.record.shocks
    columns = {
        "event": pa.array([one.event for one in shocks], pa.int32()),
        "utc": pa.array([checked.clock.utc_ms(one.at) for one in shocks], pa.int64()).cast(_UTC),
        "utc_bound_ms": pa.array([checked.clock.bound_ms(one.at) for one in shocks], pa.int64()),
        "boot": pa.array([one.at.boot for one in shocks], pa.int32()),
        "tick_ms": pa.array([one.at.tick_ms for one in shocks], pa.int64()),
        "tick_us": pa.array([one.tick_us for one in shocks], pa.int32()),
        "rate_Hz": pa.array([one.rate_Hz for one in shocks], pa.float64()),
        "duration_ms": pa.array([one.duration_ms for one in shocks], pa.float64()),
        **_vectors("base", "m_s2", [one.base_m_s2 for one in shocks]),
        **_vectors("peak", "m_s2", [one.peak_m_s2 for one in shocks]),
        **_vectors("velocity", "m_s", [one.velocity_m_s for one in shocks]),
        "remarks": pa.array([", ".join(one.remarks) for one in shocks], pa.string()),
        "pre_samples": pa.array([one.pre for one in shocks], pa.int32()),
        **{f"wave_{axis}_m_s2": _waves(shocks, i) for i, axis in enumerate(_AXES)},
    }
    data = io.BytesIO()
    parquet.write_table(pa.table(columns).replace_schema_metadata(_facts(checked)), data, compression="zstd")
    write_atomic(path, data.getvalue(), source=checked.trail.path)


def _vectors(name: str, unit: str, values: list[tuple[float, float, float]]) -> dict[str, pa.Array]:
    return {f"{name}_{axis}_{unit}": pa.array([one[i] for one in values], pa.float64()) for i, axis in enumerate(_AXES)}


def _waves(shocks: tuple[Shock, ...], axis: int) -> pa.Array:
    values = [(one.waves[axis] * one.step_m_s2).tolist() if one.waves else None for one in shocks]
    return pa.array(values, pa.list_(pa.float64()))


def _facts(checked: Checked) -> dict[str, str]:
    """What the file was made from."""
    record, verdict = checked.record, checked.verdict
    return {
        "celltrail.version": __version__,
        "celltrail.evidence.verdict": verdict.word,
        "celltrail.trail_sha256": verdict.digest.hex(),
        "celltrail.uid": record.uid.hex(),
        "celltrail.name": record.name,
        "celltrail.trip": str(record.trip),
        "celltrail.settings": record.settings.hex(),
        "celltrail.simulated": str(record.simulated).lower(),
        "celltrail.plan": json.dumps(record.plan, default=str),
    }
