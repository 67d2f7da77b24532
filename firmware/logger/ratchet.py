"""The key of now, and how it becomes the next one and is destroyed (SPEC.md section 5.3)."""

from celltrail_protocol import records
from celltrail_protocol.records import KEY_SECTORS, KEY_SLOT_SIZE, KEY_SLOTS, KEY_SLOTS_A_PAGE, PAGE_SIZE, SECTOR_SIZE
from celltrail_protocol.seals import next_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.area import Area

_BLANK = b"\xff" * KEY_SLOT_SIZE
_ZERO = bytes(KEY_SLOT_SIZE)


def _offset(slot: int) -> int:
    return slot // KEY_SLOTS_A_PAGE * PAGE_SIZE + 16 + slot % KEY_SLOTS_A_PAGE * KEY_SLOT_SIZE


class Ratchet:
    """`key`, `trip` and `epoch` of now; `key` is None when no trip is open."""

    def __init__(self, area: "Area") -> None:
        self._area = area
        self.key: "bytes | None" = None
        self.trip = 0
        self.epoch = 0
        self._sector = KEY_SECTORS[0]
        self._next = KEY_SLOTS
        self._place: "tuple[int, int] | None" = None

    def mount(self) -> None:
        """Find the key of now and destroy older ones that a power cut has left."""
        places: "list[tuple[int, int, int, int]]" = []
        for sector in KEY_SECTORS:
            if self._area.clean_mark(sector) is not None:
                places.extend(self._scan(sector))
        places.sort()
        if places:
            trip, epoch, sector, slot = places.pop()
            record = self._read(sector, slot)
            if record is not None:
                self.trip, self.epoch, self.key = trip, epoch, record[3]
                self._place = (sector, slot)
                self._sector = sector
                self._next = self._after_used(sector)
        for _, _, sector, slot in places:
            self._destroy(sector, slot)

    def _scan(self, sector: int) -> "list[tuple[int, int, int, int]]":
        found: "list[tuple[int, int, int, int]]" = []
        for slot in range(KEY_SLOTS):
            record = self._read(sector, slot)
            if record is not None:
                found.append((record[1], record[2], sector, slot))
        return found

    def _read(self, sector: int, slot: int) -> "tuple[int, int, int, bytes] | None":
        data = self._area.read(sector * SECTOR_SIZE + _offset(slot), KEY_SLOT_SIZE)
        record = records.unpack_checked(records.KEY_SLOT, data, 0, records.MAGIC_KEY)
        return (0, record[1], record[2], record[3]) if record else None

    def _after_used(self, sector: int) -> int:
        slot = KEY_SLOTS
        while slot > 0 and self._area.read(sector * SECTOR_SIZE + _offset(slot - 1), KEY_SLOT_SIZE) == _BLANK:
            slot -= 1
        return slot

    def begin(self, trip: int, k0: bytes) -> bool:
        """Take over the first key of a trip and destroy the one before; False when the flash takes no key."""
        return self._keep(trip, 0, k0)

    def advance(self) -> bool:
        """Step to the next key and destroy this one; False when the flash takes no key."""
        return self.key is not None and self._keep(self.trip, self.epoch + 1, next_key(self.key))

    def forget(self) -> None:
        """Destroy the key of now: the trip is closed."""
        if self._place is not None:
            self._destroy(*self._place)
        self._place = None
        self.key = None

    def _keep(self, trip: int, epoch: int, key: bytes) -> bool:
        old = self._place
        place = self._write(records.pack_checked(records.KEY_SLOT, (records.MAGIC_KEY, trip, epoch, key)))
        if place is None:
            return False
        self.trip, self.epoch, self.key, self._place = trip, epoch, key, place
        if old is not None:
            self._destroy(*old)
            if old[0] != place[0]:
                # The full sector holds only destroyed keys now; erase it before its turn comes.
                self._area.clean(old[0])
        return True

    def _write(self, record: bytes) -> "tuple[int, int] | None":
        for _ in range(len(KEY_SECTORS)):
            while self._next < KEY_SLOTS:
                slot = self._next
                self._next += 1
                if self._area.write(self._sector * SECTOR_SIZE + _offset(slot), record):
                    return self._sector, slot
                self._destroy(self._sector, slot)
            self._sector = KEY_SECTORS[1] if self._sector == KEY_SECTORS[0] else KEY_SECTORS[0]
            if self._place is not None and self._place[0] == self._sector:
                return None
            if self._area.is_clean(self._sector) or self._area.clean(self._sector):
                self._next = 0
        return None

    def _destroy(self, sector: int, slot: int) -> None:
        self._area.write(sector * SECTOR_SIZE + _offset(slot), _ZERO)
