"""What the exports for other systems share: how a trip is judged for them, and what it is called there."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from celltrail.exchange.places import Places, load_places
from celltrail.exchange.uris import checked_uri
from celltrail.files import write_atomic

PlacesFile = Annotated[
    Path | None,
    typer.Option(
        "--places",
        metavar="FILE",
        help="CSV with the columns place, uri, zone: the places of the marks, and their time zones.",
        show_default=False,
    ),
]
RawUri = Annotated[
    str,
    typer.Option(
        "--raw-uri",
        metavar="URI",
        help="Where the .trail file can be had. [default: its SHA-256 as a URI]",
        show_default=False,
    ),
]
DeviceUri = Annotated[
    str,
    typer.Option("--device-uri", metavar="URI", help="The logger. [default: a name of ours]", show_default=False),
]


def places_of(path: Path | None) -> Places:
    """The places of a file, or none."""
    return Places() if path is None else load_places(path)


def uri_or_none(option: str, text: str) -> str:
    """A URI that was given, checked; UsageFault."""
    return checked_uri(option, text) if text else ""


def now_ms() -> int:
    """The time of the export."""
    return time.time_ns() // 1_000_000


def write_json(path: Path, document: Any, source: Path) -> None:
    """A document of readable JSON; UsageFault."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2)
    write_atomic(path, (text + "\n").encode(), source=source)
