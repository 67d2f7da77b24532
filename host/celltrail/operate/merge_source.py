"""One of the files that are merged: a read-out, or what an interrupted one has left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from celltrail.errors import UsageFault
from celltrail.evidence.decode import read_record
from celltrail.evidence.noted import noted_pairs
from celltrail.evidence.scan import Sector, scan_sectors
from celltrail.evidence.trail import MOST_BYTES, PART_MAGIC, Trail, TrailParts, parse_trail, trail_bytes
from celltrail.files import read_bytes
from celltrail.operate.part_file import read_part
from celltrail.operate.written import WRITTEN


@dataclass(frozen=True)
class Source:
    """A file's content as a sound read-out; `digest` is SHA-256 over the file as it lies."""

    path: Path
    digest: bytes
    trail: Trail

    @cached_property
    def scanned(self) -> list[Sector]:
        """All its sectors, the open one too."""
        return list(scan_sectors(self.trail.sectors))

    @cached_property
    def sectors(self) -> dict[int, Sector]:
        """Its whole sectors by their index."""
        return {one.index: one for one in self.scanned if one.source.whole}

    @property
    def start(self) -> tuple[int, int] | None:
        """Index and boot of its first sector with a header."""
        return next(((one.index, one.header.boot) for one in self.scanned if one.header is not None), None)

    @cached_property
    def identity(self) -> tuple[bytes, int, bytes]:
        """Logger, trip and settings hash, as the sectors say; without any sector as the read-out record says."""
        record = read_record(self.trail)
        if self.trail.sectors:
            return record.uid, record.trip, record.settings
        return self.trail.uid, self.trail.trip, b""

    @property
    def status(self) -> dict[str, Any]:
        """The logger's status when it was read; empty when the file doesn't say."""
        return _status_of(self.trail.meta)

    @property
    def origins(self) -> list[dict[str, Any]]:
        """What the merged file tells of it; of a merged file, what that one tells of its own sources."""
        own = self.trail.meta.get("sources")
        if (
            isinstance(own, list)
            and own
            and all(isinstance(one, dict) and _is_digest(one.get("sha256")) for one in own)
        ):
            return [_origin(one["sha256"], one.get("name", ""), one) for one in own]
        return [_origin(self.digest, self.path.name, self.trail.meta)]


def _origin(digest: bytes, name: Any, record: Mapping[str, Any]) -> dict[str, Any]:
    """What counts of a read-out record."""
    words = {"name": str(name)} | {key: str(record.get(key, "")) for key in ("operator", "host")}
    pairs = [list(pair) for pair in noted_pairs(record)]
    return {"sha256": digest, **words, "status": _status_of(record), "pairs": pairs}


def _is_digest(value: Any) -> bool:
    return isinstance(value, bytes) and len(value) == sha256().digest_size


def _status_of(record: Mapping[str, Any]) -> dict[str, Any]:
    status = record.get("status")
    return status if isinstance(status, dict) else {}


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
    note = {key: value for key, value in part.note.items() if key != WRITTEN}
    return TrailParts({"uid": part.uid, "trip": part.trip, "name": ""} | note, sorted(part.pieces.sectors.items()))
