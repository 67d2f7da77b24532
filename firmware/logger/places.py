"""Which sector of the ring holds what: a sector of the trip, nothing of it, nothing at all, or nothing good."""

from celltrail_protocol.records import RING_FIRST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.area import Area

# Instead of a trip's index: still to be erased; erased and marked; not to be used; without a header, but not blank.
_DIRTY = -1
_CLEAN = -2
_BAD = -3
_UNKNOWN = -4


class Places:
    """Positions count from 0 in the ring; `head` is that of the newest sector."""

    def __init__(self, area: "Area") -> None:
        self._area = area
        self.count = area.sectors - RING_FIRST
        self.head = self.count - 1
        self.wrap = False
        self._owner = [_DIRTY] * self.count
        self._tidying = False
        # Until this boot has written a header: a cut may have begun one in a place that looks blank.
        self._doubtful = True

    def clear(self) -> None:
        """All sectors may be taken by the next trip, and wait for `tidy`."""
        for position in range(self.count):
            self._owner[position] = _DIRTY
        self._tidying = True

    def keep(self, position: int, index: int) -> None:
        """This position holds the trip's sector `index`."""
        self._owner[position] = index

    def spoil(self, position: int) -> None:
        """This position can't be used in this trip."""
        self._owner[position] = _BAD

    def suspect(self, position: int) -> None:
        """This position has no header and is not blank."""
        self._owner[position] = _UNKNOWN

    def go_on(self, sealed: bool) -> None:
        """The trip is open still: go on erasing what is not its own. When the head is sealed the next may be begun."""
        self._doubtful = sealed
        self._tidying = True
        for position in range(self.count):
            if self._owner[position] == _UNKNOWN:
                # It may be the trip's: what can't be read now is not erased for that.
                self._owner[position] = _DIRTY if self.wrap else _BAD
        self._give_up_next()

    def opened(self, position: int, index: int) -> None:
        """The header of the trip's sector `index` lies here; it is the head now."""
        self.head = position
        self._owner[position] = index
        self._doubtful = False
        self._give_up_next()

    def _give_up_next(self) -> None:
        """When the ring wraps, what the next sector will overwrite is not of the record any more.

        Told by the head's place alone, so that an erase that power cuts short changes nothing of the record.
        """
        position = self._after_head()
        if self.wrap and position >= 0 and self._owner[position] >= 0:
            self._owner[position] = _DIRTY
            self._tidying = True

    def void_next(self) -> None:
        """No header that was begun in the place after the head, and may look blank, is one any more."""
        position = self._after_head()
        if position >= 0 and self._owner[position] < 0:
            self._area.void(RING_FIRST + position)
            self._owner[position] = _DIRTY

    def _after_head(self) -> int:
        """The first position after the head that may be used; -1 when all are bad."""
        for step in range(1, self.count):
            position = (self.head + step) % self.count
            if self._owner[position] != _BAD:
                return position
        return -1

    def first_index(self) -> int:
        """The index of the trip's oldest sector that is still there; 0 when there is none."""
        first = -1
        for owner in self._owner:
            if owner >= 0 and (first < 0 or owner < first):
                first = owner
        return max(0, first)

    def index_before(self, index: int) -> int:
        """The index of the trip's sector before `index` that is still there; -1 when there is none."""
        before = -1
        for owner in self._owner:
            if before < owner < index:
                before = owner
        return before

    def position(self, index: int) -> int:
        """Where the trip's sector `index` lies; -1 when it is not there."""
        return self._owner.index(index) if index >= 0 and index in self._owner else -1

    def free(self) -> int:
        """How many sectors the trip can still take without overwriting its own."""
        return self._owner.count(_DIRTY) + self._owner.count(_CLEAN)

    def spare(self) -> int:
        """A position that holds nothing and whose turn is far, for a test of the flash; -1 when there is none."""
        for step in range(self.count - 1, 1, -1):
            position = (self.head + step) % self.count
            if self._owner[position] in (_DIRTY, _CLEAN) and position != self._after_head():
                self._owner[position] = _DIRTY
                return position
        return -1

    def next(self) -> int:
        """The next position, erased; -1 when there is none."""
        for step in range(1, self.count):
            position = (self.head + step) % self.count
            owner = self._owner[position]
            if owner >= 0 and not self.wrap:
                return -1
            if owner == _CLEAN or (owner != _BAD and self._erase(position)):
                return position
        return -1

    def _erase(self, position: int) -> bool:
        """Whether the sector is clean now; if not, it is bad."""
        again = self._doubtful and position == self._after_head()
        # Given up before its bytes go.
        self._owner[position] = _DIRTY
        sector = RING_FIRST + position
        good = not again and self._area.is_clean(sector) or self._area.clean(sector)
        self._owner[position] = _CLEAN if good else _BAD
        return good

    def untidy(self) -> bool:
        """Whether a sector waits for `tidy`."""
        return self._tidying

    def tidy(self) -> None:
        """Erase one sector ahead of the head if it needs it, so that no erase (45 ms, up to 400) falls into a shock.

        After arming all other sectors get their turn; later, when the ring wraps, the next one does.
        """
        for step in range(1, self.count):
            position = (self.head + step) % self.count
            if self._owner[position] == _DIRTY:
                self._erase(position)
                return
        self._tidying = False
