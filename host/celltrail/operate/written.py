"""A finished read-out gets its place, and its part file tells so should we die before the logger knows."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from celltrail.errors import UsageFault
from celltrail.evidence.trail import MOST_BYTES, TrailParts
from celltrail.evidence.verdict import Verdict
from celltrail.evidence.verify import verify_file
from celltrail.files import read_bytes, write_atomic
from celltrail.keys.keystore import KeyStore
from celltrail.link.messages import Status
from celltrail.operate.part_file import PartFile

# The key of the part file's note, and not of a read-out record.
WRITTEN = "written"


@dataclass(frozen=True)
class Written:
    """A read-out in its place; the logger's record up to `used` of sector `index` is in it."""

    path: Path
    index: int
    used: int
    sectors: int
    verdict: Verdict


def end_of(parts: TrailParts, status: Status) -> tuple[int, int, int]:
    """(index, used, sectors): how far the record goes; of a stopped trip the status tells."""
    index, used = status.sectors - 1, status.used
    if parts.open_part is not None:
        index, used = parts.open_part[0], len(parts.open_part[1])
    return index, used, len(parts.runs) + (parts.open_part is not None)


def publish(
    path: Path, data: bytes, parts: TrailParts, end: tuple[int, int, int], part: PartFile, keys: KeyStore, force: bool
) -> Written:
    """Write the file's bytes; UsageFault when the disk does not take them, or without `force` a file is there."""
    part.take_note(parts.meta | {WRITTEN: [sha256(data).digest(), *end]})
    try:
        write_atomic(path, data, replace=force)
    except UsageFault as fault:
        raise UsageFault(f"{fault}; what has been read stays in {part.path}") from fault
    return Written(path, *end, verify_file(path, keys))


def find_written(path: Path, part: PartFile, keys: KeyStore) -> Written | None:
    """The file in its place, if it is the one that this part file was about to become."""
    match part.note.get(WRITTEN):
        case [bytes(digest), int(index), int(used), int(sectors)]:
            if digest == sha256(read_bytes(path, MOST_BYTES)).digest():
                return Written(path, index, used, sectors, verify_file(path, keys))
    return None
