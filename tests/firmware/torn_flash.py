"""NOR flash whose power fails within a program or an erase, down to bits that read by chance afterwards.

The cells follow a data sheet's words: a program turns 1 into 0, an erase turns a sector into 1, and either may stop
anywhere. A cell that was stopped half-way may be *unstable* until it is programmed to 0 or its sector is erased: it
reads as 0 or 1 anew each time, or, when it is *moody*, the one after one start and the other after the next.
"""

from hashlib import sha256

PAGE_SIZE = 256
SECTOR_SIZE = 4096

# How an operation is torn.
PREFIX, BITS, SUBSET, METASTABLE, MOODY = range(5)
MODES = ("prefix", "bits", "subset", "metastable", "moody")
ERASE_STEPS = 16
# What is unstable changes little from one byte to the next.
_MOODY_STRIDE = 8
_BLANK_PAGE = b"\xff" * PAGE_SIZE


class Chance:
    """Random bytes that are the same on every runtime."""

    def __init__(self, seed):
        self._seed = str(seed).encode()
        self._count = 0
        self._left = b""

    def take(self, count):
        """So many random bytes."""
        while len(self._left) < count:
            self._count += 1
            self._left += sha256(self._seed + b"/%d" % self._count).digest()
        out, self._left = self._left[:count], self._left[count:]
        return out

    def below(self, limit):
        """A number from 0 to limit - 1."""
        return int.from_bytes(self.take(4), "little") % limit

    def mask(self, count, sixteenths):
        """An integer of `count` bytes whose bits are 1 with a probability of so many sixteenths."""
        if sixteenths <= 0:
            return 0
        if sixteenths >= 16:
            return (1 << 8 * count) - 1
        bits = 0
        # From the last binary digit of the probability to the first.
        while sixteenths % 2 == 0:
            sixteenths //= 2
            bits += 1
        depth, mask = 4 - bits, 0
        for place in range(depth):
            word = int.from_bytes(self.take(count), "little")
            mask = mask | word if sixteenths >> place & 1 else mask & word
        return mask


class TornFlash:
    """`operations` is None, or the list to which each ("program", addr, data) and ("erase", sector, b"") is added.

    `refuses(kind, place)` may be set: True means that a program at an address or an erase of a sector changes nothing.
    `stuck` maps an address to (mask, value): bits of a byte that can't be moved any more.
    """

    def __init__(self, sectors, seed=0):
        self.sectors = sectors
        self.pages = [_BLANK_PAGE] * (sectors * SECTOR_SIZE // PAGE_SIZE)
        self.unstable = {}
        self.leaning = 8
        self.is_moody = False
        self.operations = None
        self.erase_counts = [0] * sectors
        self.refuses = None
        self.stuck = {}
        self._chance = Chance(seed)

    def copy(self, seed):
        """The same cells, with the same faults."""
        other = TornFlash(self.sectors, seed)
        other.pages = list(self.pages)
        other.unstable = dict(self.unstable)
        other.leaning, other.is_moody = self.leaning, self.is_moody
        other.erase_counts = list(self.erase_counts)
        other.refuses = self.refuses
        other.stuck = self.stuck
        return other

    def _page(self, number):
        mask = self.unstable.get(number)
        if not mask:
            return self.pages[number]
        word = int.from_bytes(self.pages[number], "little")
        return (word & ~mask | self._chance.mask(PAGE_SIZE, self.leaning) & mask).to_bytes(PAGE_SIZE, "little")

    def left(self, sector):
        """The bytes of a sector that tell what was written there: a cell that an erase has only begun was 0 before."""
        first = sector * SECTOR_SIZE // PAGE_SIZE
        whole = b""
        for number in range(first, first + SECTOR_SIZE // PAGE_SIZE):
            word = int.from_bytes(self._page(number), "little") & int.from_bytes(self.pages[number], "little")
            whole += word.to_bytes(PAGE_SIZE, "little")
        return whole

    def power_on(self):
        """The cells have been without power."""
        if self.is_moody:
            self.leaning = 16 - self.leaning

    def read_into(self, addr, buf):
        """Bytes as they read this time."""
        total = len(buf)
        assert 0 <= addr and addr + total <= self.sectors * SECTOR_SIZE
        at = addr % PAGE_SIZE
        if at + total <= PAGE_SIZE:
            # Most reads are of a page or less.
            number = addr // PAGE_SIZE
            page = self._page(number) if self.unstable else self.pages[number]
            buf[:] = page if total == PAGE_SIZE else page[at : at + total]
            return
        done = 0
        while done < total:
            number, at = divmod(addr + done, PAGE_SIZE)
            count = min(PAGE_SIZE - at, total - done)
            page = self._page(number)
            buf[done : done + count] = page if count == PAGE_SIZE else page[at : at + count]
            done += count

    def program(self, addr, data):
        """One page."""
        assert addr % PAGE_SIZE == 0 and len(data) == PAGE_SIZE
        if self.operations is not None:
            self.operations.append(("program", addr, bytes(data)))
        if self.refuses is None or not self.refuses("program", addr):
            self._put(addr // PAGE_SIZE, bytes(data))

    def _put(self, number, data):
        mask = self.unstable.get(number)
        if self.pages[number] == _BLANK_PAGE and not mask and not self.stuck:
            self.pages[number] = data
            return
        wanted = int.from_bytes(data, "little")
        self._set(number, int.from_bytes(self.pages[number], "little") & wanted)
        if mask:
            # What is programmed to 0 is firm; the rest goes on to read by chance.
            self._leave_unstable(number, mask & wanted)

    def _set(self, number, word):
        page = bytearray(word.to_bytes(PAGE_SIZE, "little"))
        for addr in self.stuck:
            if addr // PAGE_SIZE == number:
                mask, value = self.stuck[addr]
                page[addr % PAGE_SIZE] = page[addr % PAGE_SIZE] & ~mask & 0xFF | value & mask
        self.pages[number] = bytes(page)

    def _leave_unstable(self, number, mask):
        self.unstable.pop(number, None)
        if mask:
            self.unstable[number] = mask

    def erase(self, sector):
        """One sector."""
        assert 0 <= sector < self.sectors
        if self.operations is not None:
            self.operations.append(("erase", sector, b""))
        if self.refuses is not None and self.refuses("erase", sector):
            return
        self.erase_counts[sector] += 1
        first = sector * SECTOR_SIZE // PAGE_SIZE
        for number in range(first, first + SECTOR_SIZE // PAGE_SIZE):
            self._set(number, (1 << 8 * PAGE_SIZE) - 1) if self.stuck else self._blank(number)
            self.unstable.pop(number, None)

    def _blank(self, number):
        self.pages[number] = _BLANK_PAGE

    # Power cuts

    def _takes(self, operation):
        return self.refuses is None or not self.refuses(operation[0], operation[1])

    def do(self, operation):
        """Carry out one recorded operation."""
        kind, place, data = operation
        if kind == "erase":
            self.erase(place)
        elif self._takes(operation):
            self._put(place // PAGE_SIZE, data)

    def tear(self, operation, mode, step):
        """Carry out one operation up to `step` (see `steps_of`), in one of MODES."""
        if not self._takes(operation):
            return
        if operation[0] == "program":
            self._tear_program(operation[1] // PAGE_SIZE, operation[2], mode, step)
        else:
            self._tear_erase(operation[1], mode, step)

    def _lean(self, mode):
        """Unstable cells mostly read as 0, mostly as 1, or as either; moody ones first as all 0 or as all 1."""
        self.is_moody = mode == MOODY
        self.leaning = (0, 16)[self._chance.below(2)] if self.is_moody else (1, 8, 15)[self._chance.below(3)]

    def _tear_program(self, number, data, mode, step):
        touched = [i for i in range(PAGE_SIZE) if data[i] != 0xFF]
        if mode == BITS:
            word = int.from_bytes(data, "little")
            spared = self._chance.mask(PAGE_SIZE, 16 - 16 * step // len(touched))
            self._put(number, ((word | spared) & (1 << 8 * PAGE_SIZE) - 1).to_bytes(PAGE_SIZE, "little"))
            return
        done = touched[:step]
        if mode == SUBSET:
            for _ in range(len(touched) - step):
                touched.pop(self._chance.below(len(touched)))
            done = touched
        page = bytearray(_BLANK_PAGE)
        for i in done:
            page[i] = data[i]
        self._put(number, bytes(page))
        if mode >= METASTABLE:
            # All that was still to come, or no more than the next bytes.
            rest = touched[step:]
            if mode == METASTABLE and self._chance.below(2):
                rest = rest[: 1 + self._chance.below(4)]
            coming = 0
            for i in rest:
                coming |= (data[i] ^ 0xFF) << 8 * i
            self._leave_unstable(
                number, self.unstable.get(number, 0) | coming & int.from_bytes(self.pages[number], "little")
            )
            self._lean(mode)

    def _tear_erase(self, sector, mode, step):
        first, pages = sector * SECTOR_SIZE // PAGE_SIZE, SECTOR_SIZE // PAGE_SIZE
        chosen = range(pages)
        if mode in (PREFIX, MOODY):
            chosen = range(pages * step // ERASE_STEPS)
        elif mode == SUBSET:
            chosen = [page for page in range(pages) if self._chance.below(ERASE_STEPS) < step]
        for page in chosen:
            number = first + page
            if mode in (PREFIX, SUBSET, MOODY):
                self._blank(number)
                self.unstable.pop(number, None)
                continue
            word = int.from_bytes(self.pages[number], "little")
            moved = self._chance.mask(PAGE_SIZE, 16 * step // ERASE_STEPS)
            if mode == BITS:
                self.pages[number] = (word | moved).to_bytes(PAGE_SIZE, "little")
            else:
                self._leave_unstable(number, self.unstable.get(number, 0) | ~word & moved)
        if mode == MOODY:
            for number in range(first + len(chosen), first + pages):
                self._leave_unstable(number, int.from_bytes(self.pages[number], "little") ^ (1 << 8 * PAGE_SIZE) - 1)
        if mode >= METASTABLE:
            self._lean(mode)


def steps_of(operation):
    """How many steps a cut of this operation may have come: 0 to this; one for each byte of a program."""
    if operation[0] == "program":
        return PAGE_SIZE - operation[2].count(b"\xff")
    return ERASE_STEPS


def steps_in(operation, mode):
    """The steps at which an operation is cut in one of MODES."""
    return range(0, steps_of(operation), _MOODY_STRIDE if mode == MOODY else 1)
