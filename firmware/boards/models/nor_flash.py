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
        # Sector by sector: a small heap has no room for all of it in one piece.
        self._sectors = [memoryview(bytearray(_ERASED_SECTOR)) for _ in range(sectors)]
        self._file = None if path is None else self._open(path)

    def _open(self, path: str) -> "BinaryIO":
        try:
            size = os.stat(path)[6]
        except OSError:
            with open(path, "wb") as new_file:
                for _ in range(self.sectors):
                    new_file.write(_ERASED_SECTOR)
        else:
            if size != self.sectors * SECTOR_SIZE:
                raise ValueError("%s has %d bytes; the flash has %d" % (path, size, self.sectors * SECTOR_SIZE))
        file = open(path, "r+b")
        for sector in self._sectors:
            file.readinto(sector)
        return file

    def close(self) -> None:
        """Close the file; nothing is lost without it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def read_into(self, addr: int, buf: "bytearray | memoryview") -> None:
        """Fill `buf` with the bytes from `addr` on; ValueError outside of the flash."""
        self._check(addr, len(buf))
        sector, at = divmod(addr, SECTOR_SIZE)
        if at + len(buf) <= SECTOR_SIZE:
            buf[:] = self._sectors[sector][at : at + len(buf)]
            return
        done = 0
        while done < len(buf):
            sector, at = divmod(addr + done, SECTOR_SIZE)
            count = min(SECTOR_SIZE - at, len(buf) - done)
            buf[done : done + count] = self._sectors[sector][at : at + count]
            done += count

    def program(self, addr: int, data: "bytes | bytearray | memoryview") -> None:
        """Turn 1 into 0 where `data` has 0. ValueError unless it is whole pages at a page address."""
        if addr % PAGE_SIZE or len(data) % PAGE_SIZE or not data:
            raise ValueError("only whole pages at a page address can be programmed")
        self._check(addr, len(data))
        for offset in range(0, len(data), PAGE_SIZE):
            sector, at = divmod(addr + offset, SECTOR_SIZE)
            page = data if len(data) == PAGE_SIZE else data[offset : offset + PAGE_SIZE]
            self._program_page(self._sectors[sector][at : at + PAGE_SIZE], bytes(page))
            self._store(sector, at, PAGE_SIZE)
        self.programs += 1

    def _program_page(self, cells: memoryview, page: bytes) -> None:
        self.pages += 1
        self.bytes_programmed += PAGE_SIZE - page.count(b"\xff")
        if cells == _ERASED_PAGE:
            cells[:] = page
            return
        # All bytes at once: a loop over them would be most of a simulated year.
        wanted, there = int.from_bytes(page, "big"), int.from_bytes(cells, "big")
        cells[:] = (wanted & there).to_bytes(PAGE_SIZE, "big")
        # 0xFF is the padding that leaves a byte alone.
        grown = int.from_bytes(page.replace(b"\xff", b"\0"), "big") & ~there
        if grown:
            self.violations += PAGE_SIZE - grown.to_bytes(PAGE_SIZE, "big").count(b"\0")

    def erase(self, sector: int) -> None:
        """Set all bytes of one sector to 0xFF; ValueError when there is no such sector."""
        if not 0 <= sector < self.sectors:
            raise ValueError("no sector %d in a flash of %d" % (sector, self.sectors))
        self._sectors[sector][:] = _ERASED_SECTOR
        self.erases += 1
        self.erase_counts[sector] += 1
        self._store(sector, 0, SECTOR_SIZE)

    def _check(self, addr: int, size: int) -> None:
        if addr < 0 or addr + size > self.sectors * SECTOR_SIZE:
            raise ValueError("%d bytes at %d are outside of the flash" % (size, addr))

    def _store(self, sector: int, at: int, size: int) -> None:
        if self._file is not None:
            self._file.seek(sector * SECTOR_SIZE + at)
            self._file.write(self._sectors[sector][at : at + size])
            self._file.flush()
