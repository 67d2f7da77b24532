"""What a MicroPython file for an ESP32 says of the flash: the chip, and the partition of the file system.

The header is that of esp-idf's `esp_image_header_t`, the table that of `gen_esp32part.py` at 0x8000.
"""

import hashlib
from dataclasses import dataclass
from functools import reduce
from operator import xor

from celltrail.errors import UsageFault
from celltrail.evidence import headers
from celltrail.image.targets import TARGETS, Target
from celltrail_protocol.layout import ProtocolError, size

_HEADER = (
    "image header",
    1,
    (
        ("magic", "B", ""),
        ("segments", "B", ""),
        ("rest", "10s", ""),
        ("chip_id", "H", ""),
        ("more", "9s", ""),
        ("has_hash", "B", ""),
    ),
)
_HEADER_MAGIC = 0xE9
_SEGMENT = ("segment", 1, (("address", "I", ""), ("size", "I", "B")))
# The check byte is the last of a block, begins as this, and takes in the segments' bytes.
_BLOCK = 16
_CHECK = 0xEF
_HASH_SIZE = 32
_TABLE_AT = 0x8000
_TABLE_SIZE = 0xC00
_ENTRY = (
    "partition",
    1,
    (
        ("magic", "2s", ""),
        ("type", "B", ""),
        ("subtype", "B", ""),
        ("start", "I", ""),
        ("size", "I", "B"),
        ("label", "16s", ""),
        ("flags", "I", ""),
    ),
)
_ENTRY_MAGIC = b"\xaa\x50"
_APPLICATION = 0
_FILES = "vfs"


@dataclass(frozen=True)
class Partition:
    """One entry of the table."""

    label: str
    start: int
    size: int
    is_application: bool = False

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.start + self.size


def check_chip(data: bytes, target: Target, name: str) -> None:
    """UsageFault when the file is not for this chip."""
    try:
        header = headers.parse(_HEADER, data)
    except ProtocolError:
        header = {"magic": 0}
    if header["magic"] != _HEADER_MAGIC:
        raise UsageFault(f"{name}: not a firmware file for an ESP32; fetch {target.address}")
    chip_id = header["chip_id"]
    if chip_id != target.chip_id:
        known = [one.title for one in TARGETS.values() if one.chip and one.chip_id == chip_id]
        what = known[0] if known else f"chip {chip_id}"
        raise UsageFault(f"{name}: is for {what}, not for {target.title}; fetch {target.address}")


def partitions(data: bytes, target: Target, name: str) -> list[Partition]:
    """The partition table, in the order of the flash; UsageFault when there is none."""
    found = []
    first = _TABLE_AT - target.boot_at
    for at in range(first, first + _TABLE_SIZE, size(_ENTRY)):
        if data[at : at + len(_ENTRY_MAGIC)] != _ENTRY_MAGIC or at + size(_ENTRY) > len(data):
            break
        entry = headers.parse(_ENTRY, data[at:])
        label = entry["label"].rstrip(b"\0").decode("ascii", "replace")
        found.append(Partition(label, entry["start"], entry["size"], entry["type"] == _APPLICATION))
    if not found:
        raise UsageFault(f"{name}: has no partition table; fetch {target.address}, the one for a whole flash")
    return sorted(found, key=lambda one: one.start)


def check_whole(data: bytes, target: Target, name: str) -> None:
    """UsageFault when the application is cut off or damaged: its check byte, and its hash where it has one."""
    first = next((one for one in partitions(data, target, name) if one.is_application), None)
    if first is None or not _is_whole(data[first.start - target.boot_at :]):
        raise UsageFault(f"{name}: only a part of a firmware file, or a damaged one; fetch {target.address} again")


def _is_whole(image: bytes) -> bool:
    """Whether an image in esp-idf's format ends as it says."""
    try:
        header = headers.parse(_HEADER, image)
        at, check = size(_HEADER), _CHECK
        for _ in range(header["segments"]):
            segment = headers.parse(_SEGMENT, image[at:])
            at += size(_SEGMENT)
            check = reduce(xor, image[at : at + segment["size"]], check)
            at += segment["size"]
    except ProtocolError:
        return False
    end = (at // _BLOCK + 1) * _BLOCK
    if header["magic"] != _HEADER_MAGIC or image[end - 1 : end] != bytes([check]):
        return False
    return not header["has_hash"] or hashlib.sha256(image[:end]).digest() == image[end : end + _HASH_SIZE]


def files_partition(data: bytes, target: Target, flash_bytes: int, name: str) -> Partition:
    """Where MicroPython keeps its files: the partition `vfs`; without one it makes one of all that is left."""
    table = partitions(data, target, name)
    for one in table:
        if one.label == _FILES:
            files = one
            break
    else:
        files = Partition(_FILES, table[-1].end, flash_bytes - table[-1].end)
    if files.end > flash_bytes or files.size <= 0:
        raise UsageFault(
            f"{name}: needs {files.end >> 20} MB of flash, the board has {flash_bytes >> 20} MB;"
            f" fetch {target.address} or take a larger board"
        )
    return files
