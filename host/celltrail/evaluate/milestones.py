"""Milestones that others know: a CSV file, or EPCIS events in JSON."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from celltrail.errors import UsageFault
from celltrail.evaluate.legs import MILESTONE, Milestone
from celltrail.evaluate.timeline import Moment
from celltrail.files import read_bytes
from celltrail.utc import parse

_MOST_BYTES = 10_000_000
_MOST_MILESTONES = 10_000
_LONGEST_TEXT = 200
# What people write down is right to a minute, unless they say more.
DEFAULT_WITHIN_S = 60.0
_MOST_WITHIN_S = 7 * 86_400.0
_COLUMNS = ("utc", "event", "place", "note", "within_s")


def load_milestones(path: Path) -> list[Milestone]:
    """The milestones of a file, in the order of time; UsageFault names the row or the event."""
    data = read_bytes(path, _MOST_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageFault(f"{path}: is not text in UTF-8; is it a file of milestones?") from error
    found = _from_epcis(path, text) if text.lstrip().startswith(("{", "[")) else _from_csv(path, text)
    if len(found) > _MOST_MILESTONES:
        raise UsageFault(f"{path}: holds more than {_MOST_MILESTONES} milestones; this can't be the right file")
    if not found:
        raise UsageFault(f"{path}: holds no milestone")
    return sorted(found, key=lambda one: one.moment.utc_ms or 0.0)


def _from_csv(path: Path, text: str) -> list[Milestone]:
    """Columns utc and event; place, note and within_s (how far the time may be off) may be there."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        names = [name.strip() for name in reader.fieldnames or []]
        rows = [{name.strip(): cell for name, cell in row.items() if name is not None} for row in reader]
    except csv.Error as error:
        raise UsageFault(f"{path}: is not CSV: {error}") from error
    if not {"utc", "event"} <= set(names) or not set(names) <= set(_COLUMNS):
        raise UsageFault(f"{path}: its header must hold utc and event, and may hold place, note and within_s")
    return [_from_row(f"{path}, row {number}", row) for number, row in enumerate(rows, 2) if any(row.values())]


def _from_row(where: str, row: Mapping[str, str | None]) -> Milestone:
    cells = {name: (row.get(name) or "").strip() for name in _COLUMNS}
    if not cells["event"]:
        raise UsageFault(f"{where}: has no event")
    within_s = DEFAULT_WITHIN_S
    if cells["within_s"]:
        within_s = _within(where, cells["within_s"])
    return _milestone(where, cells["utc"], cells["event"], cells["place"], cells["note"], within_s, "")


def _within(where: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _MOST_WITHIN_S:
        raise UsageFault(f"{where}: within_s is {text!r}; it must be seconds from 0 to {_MOST_WITHIN_S:.0f}")
    return seconds


def _from_epcis(path: Path, text: str) -> list[Milestone]:
    """Each event of an EPCIS 2.0 document, or of a list of events: its time, business step and read point."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageFault(f"{path}: is not JSON: {error}") from error
    events = value
    if isinstance(value, dict):
        body = value.get("epcisBody", {})
        events = body.get("eventList", [body.get("event")]) if isinstance(body, dict) else None
    if not isinstance(events, list) or not all(isinstance(one, dict) for one in events):
        raise UsageFault(f"{path}: holds no EPCIS events; it needs epcisBody.eventList, or a list of events")
    return [_from_event(f"{path}, event {number}", one) for number, one in enumerate(events, 1)]


def _from_event(where: str, event: Mapping[str, Any]) -> Milestone:
    name = event.get("bizStep") or event.get("type")
    if not isinstance(name, str) or not isinstance(event.get("eventTime"), str):
        raise UsageFault(f"{where}: lacks its eventTime or bizStep")
    zone = event.get("eventTimeZoneOffset")
    step = name.rpartition("BizStep-")[2].rpartition(":")[2]
    return _milestone(
        where, event["eventTime"], step, _place(event), "", DEFAULT_WITHIN_S, zone if isinstance(zone, str) else ""
    )


def _place(event: Mapping[str, Any]) -> str:
    for key in ("readPoint", "bizLocation"):
        value = event.get(key)
        if isinstance(value, dict) and isinstance(value.get("id"), str):
            return str(value["id"])
    return ""


def _milestone(where: str, utc: str, name: str, place: str, note: str, within_s: float, zone: str) -> Milestone:
    try:
        moment = Moment(None, float(parse(utc)), within_s * 1000)
    except UsageFault as error:
        raise UsageFault(f"{where}: {error}") from error
    texts = (_clean(one) for one in (name, place, note))
    event, at, said = texts
    return Milestone(moment, event, MILESTONE, at, said, _clean(zone))


def _clean(text: str) -> str:
    """One line that can't steer a terminal."""
    return "".join(one if one.isprintable() else "\ufffd" for one in text)[:_LONGEST_TEXT]
