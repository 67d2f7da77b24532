"""Model of a NOR flash: pages of 256 bytes are programmed, sectors of 4096 bytes are erased."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

PAGE_SIZE = 256
SECTOR_SIZE = 4096

_ERASED_PAGE = b"\xff" * PAGE_SIZE
_ERASED_SECTOR = b"\xff" * SECTOR_SIZE


class NorFlash:
    """Flash of `sectors` sectors, erased at first.

    path: a file that always holds the content, so that it outlives a killed process; an existing one is gone
    on with, ValueError when it has another size. Counters since construction: `programs` (calls), `pages`,
    `bytes_programmed` (bytes other than 0xFF), `erases`, `erase_counts` (one per sector), `violations` (bytes
    that wanted a 0 to become 1; the chip leaves the 0).
    """

    def __init__(self, sectors: int, path: "str | None" = None) -> None:
        self.sectors = sectors
        self.programs = 0
        self.pages = 0
        self.bytes_programmed = 0
        self.erases = 0
        self.violations = 0
        self.erase_counts = [0] * sectors
        self._bytes = bytearray(_ERASED_SECTOR * sectors)
        self._file = None if path is None else self._open(path)

    def _open(self, path: str) -> "BinaryIO":
        try:
            size = os.stat(path)[6]
        except OSError:
            with open(path, "wb") as file:
                file.write(self._bytes)
        else:
            if size != len(self._bytes):
                raise ValueError("%s has %d bytes; the flash has %d" % (path, size, len(self._bytes)))
        file = open(path, "r+b")
        self._bytes[:] = file.read()
        return file

    def close(self) -> None:
        """Close the file; nothing is lost without it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def read_into(self, addr: int, buf: "bytearray | memoryview") -> None:
        """Fill `buf` with the bytes from `addr` on; ValueError outside of the flash."""
        self._check(addr, len(buf))
        buf[:] = self._bytes[addr : addr + len(buf)]

    def program(self, addr: int, data: "bytes | bytearray | memoryview") -> None:
        """Turn 1 into 0 where `data` has 0. ValueError unless it is whole pages at a page address."""
        if addr % PAGE_SIZE or len(data) % PAGE_SIZE or not data:
            raise ValueError("only whole pages at a page address can be programmed")
        self._check(addr, len(data))
        for offset in range(0, len(data), PAGE_SIZE):
            self._program_page(addr + offset, bytes(data[offset : offset + PAGE_SIZE]))
        self.programs += 1
        self._store(addr, len(data))

    def _program_page(self, addr: int, page: bytes) -> None:
        self.pages += 1
        self.bytes_programmed += PAGE_SIZE - page.count(b"\xff")
        cells = self._bytes
        if cells[addr : addr + PAGE_SIZE] == _ERASED_PAGE:
            cells[addr : addr + PAGE_SIZE] = page
            return
        for i in range(PAGE_SIZE):
            value = page[i]
            # 0xFF is the padding that leaves a byte alone.
            if value != 0xFF:
                if value & ~cells[addr + i]:
                    self.violations += 1
                cells[addr + i] &= value

    def erase(self, sector: int) -> None:
        """Set all bytes of one sector to 0xFF; ValueError when there is no such sector."""
        if not 0 <= sector < self.sectors:
            raise ValueError("no sector %d in a flash of %d" % (sector, self.sectors))
        addr = sector * SECTOR_SIZE
        self._bytes[addr : addr + SECTOR_SIZE] = _ERASED_SECTOR
        self.erases += 1
        self.erase_counts[sector] += 1
        self._store(addr, SECTOR_SIZE)

    def _check(self, addr: int, size: int) -> None:
        if addr < 0 or addr + size > len(self._bytes):
            raise ValueError("%d bytes at %d are outside of the flash" % (size, addr))

    def _store(self, addr: int, size: int) -> None:
        if self._file is not None:
            self._file.seek(addr)
            self._file.write(self._bytes[addr : addr + size])
            self._file.flush()
