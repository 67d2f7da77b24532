"""Partial read-outs of one trip become one, without double counting; what contradicts itself is not merged."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from celltrail.evidence.scan import Sector
from celltrail.evidence.trail import TrailParts
from celltrail.operate.merge_record import record_of
from celltrail.operate.merge_source import Source
from celltrail_protocol.records import SEAL_CLOSED, SECTOR_SIZE

_LINK = 8


@dataclass(frozen=True)
class Conflict:
    """Two files that can't both be right, and the place: sector and offset in it, where there is one."""

    text: str
    files: tuple[str, str]
    sector: int | None = None
    offset: int | None = None

    @property
    def line(self) -> str:
        """One line for people."""
        place = "" if self.sector is None else f"sector {self.sector}"
        place += "" if self.offset is None else f", offset {self.offset}"
        return f"{self.files[0]} and {self.files[1]}: {place}{': ' if place else ''}{self.text}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"text": self.text, "files": list(self.files), "sector": self.sector, "offset": self.offset}


@dataclass(frozen=True)
class OpenEnd:
    """A source's open sector up to where it had come, with the pending readings and the live proof."""

    source: Source
    index: int
    data: bytes
    pending: bytes
    live: dict[str, Any]

    @property
    def age(self) -> tuple[int, int, int]:
        """Ascends with the time of reading: bytes are only added, and packing adds more than it takes."""
        return self.index, len(self.data), len(self.pending)

    @property
    def epoch(self) -> int:
        """The epoch of the key that the live proof was made with; -1 without one."""
        epoch = self.live.get("epoch")
        return epoch if type(epoch) is int else -1


@dataclass(frozen=True)
class Merged:
    """The new read-out, or the conflicts that forbid it; `given` counts the sectors that each source gave first."""

    parts: TrailParts | None
    conflicts: tuple[Conflict, ...]
    notes: tuple[str, ...]
    given: tuple[int, ...]


def merge(sources: Sequence[Source], operator: str = "") -> Merged:
    """Join read-outs of one trip; the result depends on the files, not on their order."""
    conflicts = _identity_conflicts(sources)
    if conflicts:
        return Merged(None, tuple(conflicts), (), ())
    holders, conflicts = _join_sectors(sources)
    ends = sorted(_open_ends(sources), key=lambda end: (end.age, end.source.digest))
    conflicts += _chain_conflicts(holders) + _end_conflicts(ends, holders) + _epoch_conflicts(ends, holders)
    given = tuple(sum(holder is source for holder in holders.values()) for source in sources)
    if conflicts:
        return Merged(None, tuple(conflicts), (), given)
    last = max(holders, default=-1)
    end = ends[-1] if ends and ends[-1].index > last else None
    runs = [(index, holders[index].sectors[index].data) for index in sorted(holders)]
    meta = record_of(sources, end.source if end is not None else None, operator)
    parts = TrailParts(meta, runs)
    if end is not None:
        live = end.live or None
        parts = TrailParts(meta, runs, (end.index, end.data), end.source.trail.pending, live)
    return Merged(parts, (), tuple(_notes(ends, holders, end)), given)


def _identity_conflicts(sources: Sequence[Source]) -> list[Conflict]:
    """All must be of the same logger, trip and settings; none may contradict its own read-out record."""
    found = []
    first = sources[0]
    for source in sources:
        names = (str(first.path), str(source.path))
        uid, trip, settings = source.identity
        if (source.trail.uid, source.trail.trip) != (uid, trip):
            text = "the read-out record names another logger or trip than the sectors"
            found.append(Conflict(text, (names[1], names[1])))
        elif uid != first.identity[0]:
            found.append(Conflict(f"loggers {first.identity[0].hex()} and {uid.hex()}", names))
        elif trip != first.identity[1]:
            found.append(Conflict(f"trips {first.identity[1]} and {trip}", names))
        elif settings and first.identity[2] and settings != first.identity[2]:
            found.append(Conflict("the settings differ", names))
    return found


def _join_sectors(sources: Sequence[Source]) -> tuple[dict[int, Source], list[Conflict]]:
    """For each index a source that has the sector; the same sector with other bytes is a conflict."""
    holders: dict[int, Source] = {}
    conflicts = []
    for source in sources:
        for index, sector in source.sectors.items():
            holder = holders.setdefault(index, source)
            at = _first_difference(holder.sectors[index].data, sector.data)
            if at is not None:
                names = (str(holder.path), str(source.path))
                conflicts.append(Conflict("the sealed bytes differ", names, index, at))
    return holders, sorted(conflicts, key=lambda one: (one.sector or 0, one.files))


def _first_difference(one: bytes, other: bytes) -> int | None:
    """Where two pieces differ first, over the length of the shorter."""
    if one.startswith(other) or other.startswith(one):
        return None
    return next(at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)


def _open_ends(sources: Sequence[Source]) -> list[OpenEnd]:
    return [
        OpenEnd(source, opened.index, bytes(opened.data), source.trail.pending or b"", source.trail.live or {})
        for source in sources
        if (opened := source.trail.open_sector) is not None
    ]


def _chain_conflicts(holders: dict[int, Source]) -> list[Conflict]:
    """Sectors of different files must follow from each other."""
    found = []
    for before, index in pairwise(sorted(holders)):
        if holders[before] is holders[index]:
            continue
        one, two = holders[before].sectors[before], holders[index].sectors[index]
        names = (str(holders[before].path), str(holders[index].path))
        if one.header is not None and two.header is not None and two.header.sequence <= one.header.sequence:
            found.append(Conflict(f"the sequence does not rise from sector {before} on", names, index))
        elif index == before + 1 and not _follows(one, two):
            found.append(Conflict(f"does not follow from the seal of sector {before}", names, index))
    return found


def _follows(one: Sector, two: Sector) -> bool:
    return one.seal is None or two.header is None or two.header.prev_tag == one.seal.tag[:_LINK]


def _end_conflicts(ends: Sequence[OpenEnd], holders: dict[int, Source]) -> list[Conflict]:
    """Each open end must be the beginning of what came later, and be that which its live proof is about."""
    found = []
    for end in ends:
        name = str(end.source.path)
        if end.live and not _is_about(end):
            found.append(Conflict("the live proof is about another open end", (name, name), end.index))
        holder = holders.get(end.index)
        if holder is not None:
            at = _first_difference(end.data, holder.sectors[end.index].data)
            if at is not None:
                text = "the open sector is not the beginning of the sealed one"
                found.append(Conflict(text, (name, str(holder.path)), end.index, at))
    for one, two in pairwise(ends):
        if one.index == two.index and one.index not in holders:
            found += _compare_ends(one, two)
    last = max(holders, default=-1)
    seal = holders[last].sectors[last].seal if holders else None
    if seal is not None and seal.kind == SEAL_CLOSED:
        found += [
            Conflict(f"the trip was closed in sector {last}, and is open here", _names(end, holders[last]), end.index)
            for end in ends
            if end.index > last
        ]
    return found


def _names(end: OpenEnd, other: Source) -> tuple[str, str]:
    return str(other.path), str(end.source.path)


def _is_about(end: OpenEnd) -> bool:
    expected = {"index": end.index, "used": len(end.data), "pending": len(end.pending), "trip": end.source.trail.trip}
    return all(end.live.get(name) == value for name, value in expected.items())


def _compare_ends(one: OpenEnd, two: OpenEnd) -> list[Conflict]:
    """Two stages of the same open sector, the older one first."""
    names = (str(one.source.path), str(two.source.path))
    at = _first_difference(one.data, two.data)
    if at is not None:
        return [Conflict("neither open sector is the beginning of the other", names, one.index, at)]
    if one.data == two.data and not two.pending.startswith(one.pending):
        return [Conflict("the pending readings differ", names)]
    return []


def _epoch_conflicts(ends: Sequence[OpenEnd], holders: dict[int, Source]) -> list[Conflict]:
    """The keys of seals and live proofs only go on, and stand still while nothing is written."""
    stages = [((end.index, len(end.data)), end.epoch, end.source) for end in ends if end.epoch >= 0]
    for index, holder in holders.items():
        seal = holder.sectors[index].seal
        if seal is not None:
            stages.append(((index, SECTOR_SIZE), seal.epoch, holder))
    found = []
    stages.sort(key=lambda stage: stage[:2])
    for (place, epoch, source), (next_place, next_epoch, next_source) in pairwise(stages):
        if next_epoch < epoch or (place == next_place and epoch != next_epoch):
            text = f"the key's epoch is {epoch} up to sector {place[0]} and {next_epoch} after it"
            found.append(Conflict(text, (str(source.path), str(next_source.path)), next_place[0]))
    return found


def _notes(ends: Sequence[OpenEnd], holders: dict[int, Source], taken: OpenEnd | None) -> list[str]:
    """What of the sources is not in the result."""
    later = taken.index if taken is not None else -1
    lost = [end for end in ends if end.index not in holders and end.index != later]
    return [
        f"{end.source.path}: its open end of sector {end.index} is left out, because later sectors are there"
        " and no file has this one whole"
        for end in lost
    ]
