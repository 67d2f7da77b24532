"""What a download is asked for, what it tells meanwhile, and what came of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from celltrail.evidence.verdict import Verdict
from celltrail.operate.pieces import Span


class Reporter(Protocol):
    """Who tells the user how it goes."""

    def say(self, text: str) -> None:
        """One line about something unusual."""

    def progress(self, have: int, total: int) -> None:
        """Bytes of the trip that are here, and that there will be."""


@dataclass(frozen=True)
class Wish:
    """What to read, and where to; `path` None: <name>-<trip>.trail in `folder`; `trip` None: the latest."""

    folder: Path = Path()
    path: Path | None = None
    trip: int | None = None
    operator: str = ""
    force: bool = False


@dataclass(frozen=True)
class Outcome:
    """A finished download; `reused` whole sectors, and all in all `reused_bytes`, came from an interrupted one.

    `lost` are the sectors [first, end) that the logger did not have any more.
    """

    path: Path
    uid: bytes
    name: str
    trip: int
    sectors: int
    reused: int
    reused_bytes: int
    read_bytes: int
    lost: tuple[Span, ...]
    seconds: float
    verdict: Verdict
    acknowledged: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "file": str(self.path),
            "uid": self.uid.hex(),
            "name": self.name,
            "trip": self.trip,
            "sectors": self.sectors,
            "sectors_reused": self.reused,
            "bytes_reused": self.reused_bytes,
            "read_bytes": self.read_bytes,
            "sectors_lost": [[first, stop - 1] for first, stop in self.lost],
            "seconds": round(self.seconds, 3),
            "verdict": self.verdict.to_json(),
            "acknowledged": self.acknowledged,
        }
