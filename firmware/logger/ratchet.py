"""The key of now, and how it becomes the next one and is destroyed (SPEC.md section 5.3)."""

from celltrail_protocol import records
from celltrail_protocol.records import KEY_SECTORS, KEY_SLOT_SIZE, KEY_SLOTS, KEY_SLOTS_A_PAGE, PAGE_SIZE, SECTOR_SIZE
from celltrail_protocol.seals import next_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from logger.area import Area

_BLANK = b"\xff" * KEY_SLOT_SIZE
_ZERO = bytes(KEY_SLOT_SIZE)


def _address(sector: int, slot: int) -> int:
    page, place = divmod(slot, KEY_SLOTS_A_PAGE)
    return sector * SECTOR_SIZE + page * PAGE_SIZE + 16 + place * KEY_SLOT_SIZE


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
        """Find the key of now; destroy older ones, and pieces of keys, that a power cut has left."""
        used = self._used_slots()
        for sector, slot in used:
            record = self._read(sector, slot)
            if record and (self._place is None or (record[1], record[2]) > (self.trip, self.epoch)):
                _, self.trip, self.epoch, self.key, _ = record
                self._place = (sector, slot)
        if self._place is not None:
            self._sector, slot = self._place
            self._next = self._after_used(self._sector)
            # Programmed again with its own bytes before others go: a cut may have left it weak.
            self._area.write(_address(self._sector, slot), self._record())
        for sector, slot in used:
            if (sector, slot) != self._place:
                self._destroy(sector, slot)

    def _used_slots(self) -> "list[tuple[int, int]]":
        """(sector, slot) of all that hold anything."""
        found: "list[tuple[int, int]]" = []
        slot_bytes = bytearray(KEY_SLOT_SIZE)
        for sector in KEY_SECTORS:
            if self._area.clean_mark(sector) is not None:
                for slot in range(KEY_SLOTS):
                    self._area.flash.read_into(_address(sector, slot), slot_bytes)
                    if slot_bytes != _BLANK and slot_bytes != _ZERO:
                        found.append((sector, slot))
        return found

    def _read(self, sector: int, slot: int) -> "tuple[Any, ...] | None":
        data = self._area.read(_address(sector, slot), KEY_SLOT_SIZE)
        return records.unpack_checked(records.KEY_SLOT, data, 0, records.MAGIC_KEY)

    def _record(self) -> bytes:
        return records.pack_checked(records.KEY_SLOT, (records.MAGIC_KEY, self.trip, self.epoch, self.key))

    def _after_used(self, sector: int) -> int:
        slot = KEY_SLOTS
        while slot > 0 and self._area.read(_address(sector, slot - 1), KEY_SLOT_SIZE) == _BLANK:
            slot -= 1
        return slot

    def begin(self, trip: int, k0: bytes) -> bool:
        """Take over the first key of a trip and destroy the one before; False when the flash takes no key."""
        return self._keep(trip, 0, k0)

    def advance(self) -> bool:
        """Step to the next key and destroy this one; False when the flash takes no key.

        The step is taken all the same: no epoch may be used twice.
        """
        return self.key is not None and self._keep(self.trip, self.epoch + 1, next_key(self.key))

    def forget(self) -> None:
        """Destroy the key of now: the trip is closed."""
        if self._place is not None:
            self._destroy(*self._place)
        self._place = None
        self.key = None

    def _keep(self, trip: int, epoch: int, key: bytes) -> bool:
        self.trip, self.epoch, self.key = trip, epoch, key
        old, place = self._place, self._write(self._record())
        if place is None:
            return False
        self._place = place
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
                if self._area.write(_address(self._sector, slot), record):
                    return self._sector, slot
                self._destroy(self._sector, slot)
            self._sector = KEY_SECTORS[1] if self._sector == KEY_SECTORS[0] else KEY_SECTORS[0]
            if self._place is not None and self._place[0] == self._sector:
                return None
            if self._area.is_clean(self._sector) or self._area.clean(self._sector):
                self._next = 0
        return None

    def _destroy(self, sector: int, slot: int) -> None:
        self._area.write(_address(sector, slot), _ZERO)
