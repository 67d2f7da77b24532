"""MicroPython files as their builds make them, as far as an image builder can tell; and images taken apart again."""

import functools
import struct
from pathlib import Path

from celltrail.image import micropython_file, uf2
from celltrail.image.build import Image, build
from celltrail.image.targets import TARGETS
from celltrail_protocol.records import FRONT_SECTORS, SECTOR_SIZE

MACHINES = {
    "pico-w": "Raspberry Pi Pico W with RP2040",
    "pico": "Raspberry Pi Pico with RP2040",
    "esp32": "Generic ESP32 module with ESP32",
    "esp32-s3": "Generic ESP32S3 module with ESP32S3",
    "esp32-c3": "Generic ESP32C3 module with ESP32C3",
}
FRONT_BYTES = FRONT_SECTORS * SECTOR_SIZE
XIP_BASE = micropython_file.XIP_BASE
PARTITIONS = (
    (1, 2, 0x9000, 0x6000, b"nvs"),
    (1, 1, 0xF000, 0x1000, b"phy_init"),
    (0, 0, 0x10000, 0x1F0000, b"factory"),
    (1, 0x81, 0x200000, 0x200000, b"vfs"),
)


def told(board: str, version: str = "1.29.0") -> bytes:
    """What a build says of itself, among other bytes."""
    return b"\0MicroPython v%s on 2026-08-24\0; %s\0" % (version.encode(), MACHINES[board].encode())


def uf2_file(board: str, version: str = "1.29.0") -> bytes:
    content = bytes(range(256)) * 64 + told(board, version)
    return uf2.write(uf2.split(XIP_BASE, content))


def esp32_file(board: str, version: str = "1.29.0", partitions=PARTITIONS, chip_id: int | None = None) -> bytes:
    """A merged file: boot loader, partition table, and an application of one segment; each with its check."""
    target = TARGETS[board]
    chip = target.chip_id if chip_id is None else chip_id
    boot = esp32_application(b"boot loader" * 40, chip).ljust(0x8000 - target.boot_at, b"\xff")
    table = b"".join(
        struct.pack("<2sBBII16sI", b"\xaa\x50", kind, subtype, start, size, label, 0)
        for kind, subtype, start, size, label in partitions
    )
    application = esp32_application(told(board, version) * 8, chip)
    return boot + table.ljust(0x8000, b"\xff") + application


def esp32_application(content: bytes, chip: int) -> bytes:
    """esp-idf's image format: header, segments, padding, and a check sum at the end of a block of 16."""
    content = content.ljust(-(-len(content) // 4) * 4, b"\0")
    header = struct.pack("<BBBBIB3sHBHH4sB", 0xE9, 1, 2, 0x20, 0x40080000, 0xEE, bytes(3), chip, 0, 0, 99, bytes(4), 0)
    body = header + struct.pack("<II", 0x3F400020, len(content)) + content
    check = functools.reduce(lambda a, b: a ^ b, content, 0xEF)
    return body.ljust(-(-(len(body) + 1) // 16) * 16 - 1, b"\0") + bytes([check])


def given(folder: Path, board: str, data: bytes | None = None) -> Path:
    """The user's file."""
    path = folder / TARGETS[board].file_name
    if data is None:
        data = uf2_file(board) if TARGETS[board].is_uf2 else esp32_file(board)
    path.write_bytes(data)
    return path


def built(folder: Path, board: str) -> Image:
    """An image of this board."""
    target = TARGETS[board]
    return build(target, micropython_file.load(given(folder, board), target))
