"""Where things are: a file that gives the places of marks their URIs and their time zones."""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from celltrail.errors import UsageFault
from celltrail.evaluate.legs import Milestone
from celltrail.exchange.uris import checked_uri
from celltrail.files import read_bytes

_MOST_BYTES = 1_000_000
_COLUMNS = {"place", "uri", "zone"}
_OFFSET = re.compile(r"[+-](?:0\d|1[0-4]):[0-5]\d")
_UTC = "+00:00"


@dataclass(frozen=True)
class Place:
    """A place by its name in marks; `uri` may be empty. `zone` is a name such as Europe/Brussels or an offset."""

    name: str
    uri: str = ""
    zone: str = _UTC

    def offset_at(self, utc_ms: float) -> str:
        """The offset from UTC of this place at an instant: +01:00."""
        if _OFFSET.fullmatch(self.zone):
            return self.zone
        text = datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(ZoneInfo(self.zone)).strftime("%z")
        return f"{text[:3]}:{text[3:5]}"


@dataclass(frozen=True)
class Places:
    """All places of a file."""

    by_name: Mapping[str, Place] = field(default_factory=dict)

    def of(self, one: Milestone) -> Place:
        """The place of an event: what the file says, or else what the event itself tells."""
        known = self.by_name.get(one.place)
        if known is not None:
            return known
        zone = one.zone if _OFFSET.fullmatch(one.zone) else _UTC
        return Place(one.place, one.place if ":" in one.place else "", zone)


def load_places(path: Path) -> Places:
    """A CSV file with the columns place, uri and zone; UsageFault names the row."""
    try:
        reader = csv.DictReader(io.StringIO(read_bytes(path, _MOST_BYTES).decode("utf-8-sig"), newline=""))
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageFault(f"{path}: is not CSV in UTF-8: {error}") from error
    if set(reader.fieldnames or ()) != _COLUMNS:
        raise UsageFault(f"{path}: its header must be place,uri,zone")
    found = {}
    for number, row in enumerate(rows, 2):
        place = _place(f"{path}, row {number}", row)
        found[place.name] = place
    return Places(found)


def _place(where: str, row: Mapping[str, str | None]) -> Place:
    name, uri, zone = ((row.get(column) or "").strip() for column in ("place", "uri", "zone"))
    if not name:
        raise UsageFault(f"{where}: has no place")
    if zone and not _OFFSET.fullmatch(zone):
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise UsageFault(
                f"{where}: {zone!r} is not a time zone that this computer knows; write an offset such as +01:00"
            ) from error
    return Place(name, checked_uri(where, uri) if uri else "", zone or _UTC)
