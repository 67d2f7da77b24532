"""UF2, the format that the RP2040's boot drive takes: blocks of 512 bytes, each with an address and up to 476 bytes.

Written from the format's specification (microsoft/uf2) and from what the RP2040's boot ROM demands: payloads of 256
bytes at page addresses, one family, blocks numbered through.
"""

from collections.abc import Mapping
from typing import Any

from celltrail.errors import UsageFault
from celltrail.evidence import headers

BLOCK_SIZE = 512
PAGE_SIZE = 256
FAMILY_RP2040 = 0xE48BFF56
_MAGIC = {"magic_1": 0x0A324655, "magic_2": 0x9E5D5157, "magic_end": 0x0AB16F30}
_REST = 220
_BLOCK = (
    "UF2 block",
    1,
    (
        ("magic_1", "I", ""),
        ("magic_2", "I", ""),
        ("flags", "I", ""),
        ("address", "I", ""),
        ("size", "I", "B"),
        ("number", "I", ""),
        ("count", "I", ""),
        ("family", "I", ""),
        ("payload", "256s", ""),
        ("rest", "220s", ""),
        ("magic_end", "I", ""),
    ),
)
_NOT_MAIN_FLASH = 0x0001
_HAS_FAMILY = 0x2000

Pages = Mapping[int, bytes]


def is_one(data: bytes) -> bool:
    """Whether it begins as such a file does."""
    return data[:4] == _MAGIC["magic_1"].to_bytes(4, "little")


def read(data: bytes, name: str) -> dict[int, bytes]:
    """The pages of an RP2040's file by their addresses in flash; UsageFault for anything else."""
    if not data or len(data) % BLOCK_SIZE:
        raise UsageFault(f"{name}: not a UF2 file, or only a part of one; fetch it again")
    pages: dict[int, bytes] = {}
    count = len(data) // BLOCK_SIZE
    for number in range(count):
        block = data[number * BLOCK_SIZE : (number + 1) * BLOCK_SIZE]
        address, payload = _read_block(block, number, count, name)
        if address in pages:
            raise UsageFault(f"{name}: two blocks for address 0x{address:08x}; fetch it again")
        pages[address] = payload
    return pages


def _read_block(block: bytes, number: int, count: int, name: str) -> tuple[int, bytes]:
    read: dict[str, Any] = headers.parse(_BLOCK, block)
    if any(read[field] != value for field, value in _MAGIC.items()):
        raise UsageFault(f"{name}: not a UF2 file (block {number} has no mark); fetch it again")
    if read["flags"] & _NOT_MAIN_FLASH or not read["flags"] & _HAS_FAMILY or read["family"] != FAMILY_RP2040:
        raise UsageFault(f"{name}: a UF2 file for another chip (family 0x{read['family']:08x}), not for an RP2040")
    in_order = (read["number"], read["count"]) == (number, count)
    if read["size"] != PAGE_SIZE or read["address"] % PAGE_SIZE or not in_order:
        raise UsageFault(f"{name}: block {number} is out of order; fetch it again")
    return read["address"], read["payload"]


def write(pages: Pages) -> bytes:
    """The file with these pages, in the order of their addresses."""
    blocks = []
    for number, (address, payload) in enumerate(sorted(pages.items())):
        if len(payload) != PAGE_SIZE or address % PAGE_SIZE:
            raise ValueError(f"0x{address:08x}: not a whole page")
        values = {
            **_MAGIC,
            "flags": _HAS_FAMILY,
            "address": address,
            "size": PAGE_SIZE,
            "number": number,
            "count": len(pages),
            "family": FAMILY_RP2040,
            "payload": payload,
            "rest": bytes(_REST),
        }
        blocks.append(headers.build(_BLOCK, values))
    return b"".join(blocks)


def split(start: int, data: bytes) -> dict[int, bytes]:
    """Data for a place in flash as pages; the last one is filled up with 0xFF."""
    return {start + at: data[at : at + PAGE_SIZE].ljust(PAGE_SIZE, b"\xff") for at in range(0, len(data), PAGE_SIZE)}
