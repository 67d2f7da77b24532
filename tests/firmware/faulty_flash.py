"""A flash whose power fails at a chosen operation, or with places that can't be programmed or erased any more."""

from fake_flash import SECTORS, new_flash

from boards.models.nor_flash import PAGE_SIZE, SECTOR_SIZE, NorFlash

# How much of the operation still happens when power fails, in percent.
TORN = (0, 50, 99)


class PowerCut(Exception):
    """The power is gone; nothing runs any more."""


class FaultyFlash:
    """Counts programs and erases down to the cut. `bad_pages` (addresses) and `bad_sectors` change no cell.

    With `raises` a bad place raises OSError too, as some chips' drivers do.
    """

    def __init__(self, sectors):
        self.model = new_flash() if sectors <= SECTORS else NorFlash(sectors)
        self.sectors = sectors
        self.read_into = self.model.read_into
        self.bad_pages = []
        self.bad_sectors = []
        self.raises = False
        self._left = -1
        self._torn = 0

    def renew(self):
        """All cells as new; the memory is kept."""
        for sector in range(self.sectors):
            self.model.erase(sector)
        self._left = -1

    def cut_after(self, operations, torn):
        """So many programs and erases still work, of the next one `torn` percent; -1: all work."""
        self._left = operations
        self._torn = torn

    def _is_cut(self):
        self._left -= 1
        return self._left == -1

    def program(self, addr, data):
        if self._is_cut():
            self.model.program(addr, torn_page(bytes(data), self._torn))
            raise PowerCut
        if addr not in self.bad_pages:
            self.model.program(addr, data)
        elif self.raises:
            raise OSError(5)

    def erase(self, sector):
        if self._is_cut():
            if self._torn:
                erase_pages(self.model, sector, SECTOR_SIZE // PAGE_SIZE * self._torn // 100)
            raise PowerCut
        if sector not in self.bad_sectors:
            self.model.erase(sector)
        elif self.raises:
            raise OSError(5)


def torn_page(page, percent):
    """The first `percent` of the bytes that are programmed, the rest 0xFF."""
    first, last = 0, len(page)
    while first < last and page[first] == 0xFF:
        first += 1
    while last > first and page[last - 1] == 0xFF:
        last -= 1
    end = first + (last - first) * percent // 100
    return page[:end] + b"\xff" * (len(page) - end)


def erase_pages(model, sector, pages):
    """An erase that came as far as `pages` pages."""
    kept = bytearray(SECTOR_SIZE - pages * PAGE_SIZE)
    addr = sector * SECTOR_SIZE + pages * PAGE_SIZE
    model.read_into(addr, kept)
    model.erase(sector)
    if kept:
        model.program(addr, kept)


def cut_everywhere(sectors, prepare, work, check):
    """Cut the power at each program and erase of `work`, torn in each way; how many cuts that were.

    prepare(flash) -> made; work(made, done) appends to `done` what is committed; check(flash, done, cut) mounts
    and looks, with `cut` False once when power did not fail.
    """
    cuts = 0
    flash = FaultyFlash(sectors)
    for torn in TORN:
        operation = 0
        cut = True
        while cut:
            flash.renew()
            made = prepare(flash)
            done = []
            flash.cut_after(operation, torn)
            try:
                work(made, done)
                cut = False
            except PowerCut:
                cuts += 1
            flash.cut_after(-1, 0)
            check(flash, done, cut)
            operation += 1
    return cuts
