"""One of the files that are merged: a read-out, or what an interrupted one has left."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from celltrail.errors import UsageFault
from celltrail.evidence.decode import read_record
from celltrail.evidence.scan import Sector, scan_sectors
from celltrail.evidence.trail import MOST_BYTES, PART_MAGIC, Trail, TrailParts, parse_trail, trail_bytes
from celltrail.files import read_bytes
from celltrail.operate.part_file import read_part

Pair = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class Source:
    """A file's content as a sound read-out; `digest` is SHA-256 over the file as it lies."""

    path: Path
    digest: bytes
    trail: Trail

    @cached_property
    def sectors(self) -> dict[int, Sector]:
        """Its whole sectors by their index."""
        return {one.index: one for one in scan_sectors(self.trail.sectors) if one.source.whole}

    @cached_property
    def identity(self) -> tuple[bytes, int, bytes]:
        """Logger, trip and settings hash, as the sectors say; without any sector as the read-out record says."""
        record = read_record(self.trail)
        if self.trail.sectors:
            return record.uid, record.trip, record.settings
        return self.trail.uid, self.trail.trip, b""

    @property
    def read_at(self) -> tuple[int, int]:
        """The logger's boot and tick when it was read; (-1, -1) when the file doesn't say."""
        status = self.trail.meta.get("status")
        boot, tick = (status.get("boot"), status.get("tick")) if isinstance(status, dict) else (None, None)
        return (boot, tick) if isinstance(boot, int) and isinstance(tick, int) else (-1, -1)

    @property
    def pairs(self) -> list[Pair]:
        """The clock pairs of its read-out record."""
        pairs = self.trail.meta.get("pairs")
        rows = pairs if isinstance(pairs, list) else []
        sound = [row for row in rows if isinstance(row, list) and [type(one) for one in row] == [int] * 5]
        return [(boot, tick, utc, uncertainty, source) for boot, tick, utc, uncertainty, source in sound]

    @property
    def origins(self) -> list[dict[str, Any]]:
        """What the merged file tells of it; of a merged file, what that one tells of its own sources."""
        meta, own = self.trail.meta, self.trail.meta.get("sources")
        if isinstance(own, list) and all(isinstance(one, dict) and "sha256" in one for one in own):
            return own
        words = {key: meta.get(key, "") for key in ("operator", "host")}
        return [{"sha256": self.digest, "name": self.path.name} | words]


def load_sources(paths: Sequence[Path]) -> list[Source]:
    """The files in an order of their own, each content once; UsageFault for what can't be read whole."""
    sources = {source.digest: source for source in map(load_source, paths)}
    return [sources[digest] for digest in sorted(sources)]


def load_source(path: Path) -> Source:
    """A sound `.trail` file, or the whole sectors of an unfinished read-out; UsageFault for all else."""
    data = read_bytes(path, MOST_BYTES)
    content = trail_bytes(_of_part(path)) if data.startswith(PART_MAGIC) else data
    trail = parse_trail(content, path)
    if trail.damage:
        raise UsageFault(f"{path}: {trail.damage[0].line}; a damaged file is not merged; see `celltrail verify`")
    return Source(path, sha256(data).digest(), trail)


def _of_part(path: Path) -> TrailParts:
    part = read_part(path)
    note = {key: value for key, value in part.note.items() if key != "written"}
    return TrailParts({"uid": part.uid, "trip": part.trip, "name": ""} | note, sorted(part.pieces.sectors.items()))
