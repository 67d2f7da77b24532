"""The model of the NOR flash, with its work counted by sector."""

import tests.bench.paths  # noqa: F401  makes the firmware importable
from boards.models.nor_flash import NorFlash
from celltrail_protocol.records import JOURNAL_SECTORS, KEY_SECTORS, SECTOR_SIZE, STORE_SECTORS

AREAS = {"store": STORE_SECTORS, "keys": KEY_SECTORS, "journal": JOURNAL_SECTORS}


class CountedFlash(NorFlash):
    """`programs_in`, `bytes_in` (bytes other than 0xFF) and `erases_in`: one count for each sector."""

    def __init__(self, sectors: int) -> None:
        super().__init__(sectors)
        self.start_counting()

    def start_counting(self) -> None:
        """Forget what was done so far."""
        self.programs_in = [0] * self.sectors
        self.bytes_in = [0] * self.sectors
        self.erases_in = [0] * self.sectors

    def program(self, addr: int, data: bytes | bytearray | memoryview) -> None:
        """Program whole pages."""
        super().program(addr, data)
        sector = addr // SECTOR_SIZE
        self.programs_in[sector] += 1
        self.bytes_in[sector] += len(data) - bytes(data).count(b"\xff")

    def erase(self, sector: int) -> None:
        """Erase a sector."""
        super().erase(sector)
        self.erases_in[sector] += 1
