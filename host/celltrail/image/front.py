"""The file system in front of the log: littlefs on the first blocks, grown to the whole device, its tail blank.

MicroPython mounts it as the whole device without a write, and formats nothing; the log lives in the blocks that no
file uses (SPEC.md section 1.2).
"""

from collections.abc import Mapping

from littlefs import LittleFS
from littlefs.errors import LittleFSError

from celltrail.errors import UsageFault
from celltrail_protocol.records import FRONT_SECTORS, RING_FIRST, RING_LEAST, SECTOR_SIZE

# As MicroPython's VfsLfs2 mounts it; the disk format is that of its littlefs.
_PROGRAM_SIZE = 256
_READ_SIZE = 32
_LOOKAHEAD = 32
_DISK_VERSION = 0x00020000
_LEAST = FRONT_SECTORS + RING_FIRST + RING_LEAST


def build(files: Mapping[str, bytes], device_bytes: int) -> bytes:
    """The blocks of the front; the rest of a device of `device_bytes` belongs to the log. UsageFault when too small."""
    blocks = device_bytes // SECTOR_SIZE
    if blocks < _LEAST:
        raise UsageFault(f"the board has room for {blocks} blocks of 4 kB, Celltrail needs {_LEAST}; take a larger one")
    system = LittleFS(
        block_size=SECTOR_SIZE,
        block_count=FRONT_SECTORS,
        prog_size=_PROGRAM_SIZE,
        read_size=_READ_SIZE,
        lookahead_size=_LOOKAHEAD,
        disk_version=_DISK_VERSION,
    )
    try:
        _write(system, files)
    except LittleFSError as error:
        raise RuntimeError(f"the firmware does not fit {FRONT_SECTORS} blocks: {error}") from error
    front = FRONT_SECTORS * SECTOR_SIZE
    system.context.buffer.extend(b"\xff" * (blocks * SECTOR_SIZE - front))
    system.fs_grow(blocks)
    image = bytes(system.context.buffer)
    if image.count(0xFF, front) != len(image) - front:
        raise RuntimeError("the file system has left its front")
    return image[:front]


def _write(system: LittleFS, files: Mapping[str, bytes]) -> None:
    for path, content in sorted(files.items()):
        folder = path.rpartition("/")[0]
        if folder:
            system.makedirs(folder, exist_ok=True)
        with system.open(path, "wb") as file:
            file.write(content)
