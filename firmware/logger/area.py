"""The log area: pages are programmed and read back, sectors are erased and marked CLEAN (SPEC.md section 1)."""

from celltrail_protocol import records
from celltrail_protocol.codes import FAULT_FLASH_ERASE, FAULT_FLASH_PROGRAM
from celltrail_protocol.records import PAGE_SIZE, SECTOR_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from celltrail_protocol.layout import Buffer
    from logger.hardware import Flash

_BLANK = b"\xff" * PAGE_SIZE
_PAGES = SECTOR_SIZE // PAGE_SIZE


def _mark(sector: int, count: int) -> bytes:
    return records.pack_checked(records.CLEAN, (records.MAGIC_CLEAN, count, sector, 0xFFFF))


class Area:
    """The board's flash with counts of the work done; `failed` are programs and erases that did not read back.

    `failure` is the last of these that nobody has recorded yet: (fault code, address), or None.
    """

    def __init__(self, flash: "Flash") -> None:
        self.flash = flash
        self.sectors = flash.sectors
        self.programs = 0
        self.erases = 0
        self.failed = 0
        self.failure: "tuple[int, int] | None" = None
        self._page = bytearray(PAGE_SIZE)
        self._check = bytearray(PAGE_SIZE)
        self._view = memoryview(self._check)

    def read(self, addr: int, count: int) -> bytearray:
        """`count` bytes from `addr` on."""
        buf = bytearray(count)
        self.flash.read_into(addr, buf)
        return buf

    def write(self, addr: int, data: "Buffer") -> bool:
        """Program bytes, page by page; False when one does not read back as written."""
        done = 0
        while done < len(data):
            inside = (addr + done) % PAGE_SIZE
            count = min(PAGE_SIZE - inside, len(data) - done)
            piece = data if count == len(data) else data[done : done + count]
            if not self._write_page(addr + done - inside, inside, piece):
                return False
            done += count
        return True

    def _write_page(self, base: int, inside: int, data: "Buffer") -> bool:
        page = self._page
        page[:] = _BLANK
        page[inside : inside + len(data)] = data
        try:
            self.flash.program(base, page)
        except OSError:
            # What the chip refused does not read back.
            pass
        self.programs += 1
        self.flash.read_into(base, self._check)
        if self._view[inside : inside + len(data)] == data:
            return True
        self._fail(FAULT_FLASH_PROGRAM, base)
        return False

    def _fail(self, code: int, addr: int) -> None:
        self.failed += 1
        self.failure = (code, addr)

    def zero(self, addr: int, end: int) -> bool:
        """Program zeros from `addr` to `end`: bytes that nobody shall take for something; False when some stay."""
        done = True
        while addr < end:
            count = min(PAGE_SIZE - addr % PAGE_SIZE, end - addr)
            done = self.write(addr, bytes(count)) and done
            addr += count
        return done

    # After a restart

    def again(self, addr: int, data: "Buffer") -> None:
        """Program bytes again as they were read: half-written ones are firm then."""
        self.write(addr, data)

    def close(self, addr: int, end: int) -> bool:
        """Zeros where a cut may have begun something, whether it shows or not; False when some bytes stay."""
        return self.zero(addr, end)

    # Sectors

    def is_blank(self, addr: int, end: int) -> bool:
        """Whether every byte from `addr` (a page address) to `end` is 0xFF."""
        while addr < end:
            self.flash.read_into(addr, self._check)
            count = min(PAGE_SIZE, end - addr)
            if self._check != _BLANK and self._check[:count] != _BLANK[:count]:
                return False
            addr += PAGE_SIZE
        return True

    def clean_mark(self, sector: int) -> "int | None":
        """The erase count of a sector with a valid CLEAN mark, or None."""
        mark = records.unpack_checked(
            records.CLEAN, self.read(sector * SECTOR_SIZE, records.HEADER_AT), 0, records.MAGIC_CLEAN
        )
        return mark[1] if mark and mark[2] == sector else None

    def is_clean(self, sector: int) -> bool:
        """Whether a sector is marked CLEAN and blank after the mark."""
        addr = sector * SECTOR_SIZE
        if self.clean_mark(sector) is None:
            return False
        self.flash.read_into(addr, self._check)
        first_blank = self._check[records.HEADER_AT :] == _BLANK[records.HEADER_AT :]
        return first_blank and self.is_blank(addr + PAGE_SIZE, addr + SECTOR_SIZE)

    def begin(self, sector: int, header: "Buffer") -> bool:
        """Write the header of a sector that is clean; False when it does not read back.

        The mark is programmed again with it: a cut may have left it half-written, and a seal's tag will cover it.
        """
        count = self.clean_mark(sector)
        if count is None:
            # It was there before: half-written bits read otherwise now.
            return self.clean(sector) and self.begin(sector, header)
        return self.write(sector * SECTOR_SIZE, _mark(sector, count) + bytes(header))

    def void(self, sector: int) -> None:
        """Zeros over a sector's header, of whatever kind."""
        start = sector * SECTOR_SIZE
        self.zero(start + records.HEADER_AT, start + records.FRAMES_AT)

    def clean(self, sector: int) -> bool:
        """Erase a sector and mark it; False when it is not blank afterwards."""
        count = self.clean_mark(sector) or 0
        head = self.read(sector * SECTOR_SIZE + records.HEADER_AT, records.FRAMES_AT - records.HEADER_AT)
        if head != _BLANK[: len(head)]:
            # An erase that is cut short must leave none that checks.
            self.void(sector)
        try:
            self.flash.erase(sector)
        except OSError:
            # Not blank is not clean.
            pass
        self.erases += 1
        addr = sector * SECTOR_SIZE
        if not self.is_blank(addr, addr + SECTOR_SIZE):
            self._fail(FAULT_FLASH_ERASE, addr)
            return False
        return self.write(addr, _mark(sector, count + 1))
