"""The walk through the frames of a sound sector, at several times the speed of the device's own.

A sector with damage is for `scan_all`, which says where it lies.
"""

from zlib import crc32

from celltrail_protocol.frames import CHECK_SIZE, OVERHEAD, seed
from celltrail_protocol.records import PAGE_SIZE

# What the check of bytes with their own check behind them gives, whatever it started with.
_RESIDUE = 0x2144DF1C
_BLANK = 0xFF
Found = tuple[int, int, int, int]


def walk(data: bytes, start: int, end: int, sequence: int) -> tuple[list[Found], int] | None:
    """The frames as `scan_all` gives them, and the offset after the last one; None when any does not check."""
    found: list[Found] = []
    # Offsets stay below its step of 4096, so that the sum with one never wraps.
    first_seed = seed(sequence, 0)
    at = used = start
    # Each turn is a page; one that begins blank ends the sector.
    while at + OVERHEAD <= end and data[at] != _BLANK:
        page_end = min(end, at - at % PAGE_SIZE + PAGE_SIZE)
        last = page_end - OVERHEAD
        while at <= last:
            after = at + data[at]
            if after > page_end or after < at + OVERHEAD:
                if data[at] in (0, _BLANK):
                    break
                return None
            if crc32(data[at:after], first_seed + at) != _RESIDUE:
                return None
            found.append((at, data[at + 1], at + 2, after - CHECK_SIZE))
            at = used = after
        at = page_end
    return found, used
