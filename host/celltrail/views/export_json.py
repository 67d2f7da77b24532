"""A trip as one JSON document: the summary, the verdict, all readings as columns, all events."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from celltrail.errors import UsageFault
from celltrail.evidence.verify import Checked
from celltrail.files import write_atomic
from celltrail.utc import iso
from celltrail.views.summary import summarize, time_json, to_json
from celltrail.views.table import ReadingsTable, readings_tables
from celltrail_protocol.names import (
    CLOCK_NAMES,
    FAULT_NAMES,
    RADIO_STATE_NAMES,
    REASON_NAMES,
    RESET_NAMES,
    SOURCE_NAMES,
    STATE_NAMES,
)

JSON_VERSION = 1
# The document is made in memory, at some 500 bytes a row.
MOST_ROWS = 2_000_000


def write_record(checked: Checked, path: Path) -> None:
    """The whole record; UsageFault."""
    text = json.dumps(record_json(checked), ensure_ascii=False, allow_nan=False, default=_plain)
    write_atomic(path, (text + "\n").encode(), source=checked.trail.path)


def record_json(checked: Checked) -> dict[str, Any]:
    """The document as values."""
    record = checked.record
    return {
        "version": JSON_VERSION,
        **to_json(summarize(checked)),
        "verify": checked.verdict.to_json(),
        "settings": record.settings.hex(),
        "clock_pairs": [
            {
                "boot": pair.at.boot,
                "tick_ms": pair.at.tick_ms,
                "utc": iso(pair.utc_ms),
                "uncertainty_ms": pair.uncertainty_ms,
                "source": CLOCK_NAMES.get(pair.source, str(pair.source)),
                "recorded": pair.recorded,
            }
            for pair in record.clock_pairs
        ],
        "states": [
            time_json(checked, one.at)
            | {"state": STATE_NAMES.get(one.state, one.state), "reason": REASON_NAMES.get(one.reason, one.reason)}
            for one in record.states
        ],
        "boots": [
            time_json(checked, one.at) | {"cause": RESET_NAMES.get(one.cause, one.cause), "battery_mV": one.battery_mV}
            for one in record.boots
        ],
        "faults": [
            time_json(checked, one.at)
            | {
                "source": SOURCE_NAMES.get(one.source, one.source),
                "fault": FAULT_NAMES.get(one.code, one.code),
                "detail": one.detail,
            }
            for one in record.faults
        ],
        "radio": [
            time_json(checked, one.at)
            | {
                "state": RADIO_STATE_NAMES.get(one.state, one.state),
                "why": list(one.reasons),
                "pressure_hPa": one.pressure_Pa / 100 if one.pressure_Pa else None,
            }
            for one in record.radio
        ],
        "commands": [
            time_json(checked, one.at)
            | {"command": one.command, "operator": one.operator, "flags": one.flags, "detail": one.detail}
            for one in record.commands
        ],
        "earlier_commands": [
            {
                "boot": one.at.boot,
                "tick_ms": one.at.tick_ms,
                "command": one.command,
                "operator": one.operator,
                "flags": one.flags,
                "detail": one.detail,
                "utc_told": None if one.utc_ms is None else iso(one.utc_ms),
                "trip": one.trip,
                "dropped_before": one.dropped,
            }
            for one in record.earlier
        ],
        "battery": [time_json(checked, one.at) | {"battery_mV": one.battery_mV} for one in record.checkpoints],
        "sensors": [asdict(channel.sensor) for channel in record.all_channels],
        "readings": _readings_json(checked),
    }


def _readings_json(checked: Checked) -> dict[str, Any]:
    """Columns of equal length, null where there is no value."""
    whole: dict[str, Any] = {}
    for table in readings_tables(checked):
        for name, values in _columns(table).items():
            whole.setdefault(name, []).extend(values)
        if len(whole["slot"]) > MOST_ROWS:
            raise UsageFault(f"{checked.trail.path}: has more than {MOST_ROWS} slots; export it as csv or parquet")
    return whole


def _columns(table: ReadingsTable) -> dict[str, list[Any]]:
    known, is_read = np.isfinite(table.bound_ms).tolist(), table.is_read.tolist()
    return {
        "utc": [iso(round(ms)) if ok else None for ms, ok in zip(table.utc_ms.tolist(), known, strict=True)],
        "boot": table.boot.tolist(),
        "tick_ms": table.tick_ms.tolist(),
        "slot": table.slot.tolist(),
        "channel": table.channel.tolist(),
        "raw": _or_null(table.raw.tolist(), is_read),
        "celsius": _or_null(np.round(table.celsius, 4).tolist(), table.is_celsius.tolist()),
        "hectopascal": _or_null(np.round(table.hectopascal, 2).tolist(), table.is_hectopascal.tolist()),
        "status": [table.words[number] for number in table.status.tolist()],
    }


def _or_null(values: list[Any], valid: list[bool]) -> list[Any]:
    return [value if ok else None for value, ok in zip(values, valid, strict=True)]


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
