"""One modelled flash for all tests of a run, made before the firmware is loaded: a small heap has room for it then."""

import gc

from boards.models.nor_flash import NorFlash

if hasattr(gc, "threshold"):
    # MicroPython: garbage that lies long between what stays cuts a small heap into pieces.
    gc.threshold(8192)

SECTORS = 10
_FLASH = NorFlash(SECTORS)
# For looking at one sector after the other.
SECTOR = bytearray(4096)


def new_flash():
    """The flash as new: blank, its counters at 0."""
    for sector in range(SECTORS):
        _FLASH.erase(sector)
    _FLASH.programs = _FLASH.pages = _FLASH.bytes_programmed = _FLASH.erases = _FLASH.violations = 0
    _FLASH.erase_counts = [0] * SECTORS
    return _FLASH
