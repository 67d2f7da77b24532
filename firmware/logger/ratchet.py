"""The key of now, and how it becomes the next one and is destroyed (SPEC.md section 5.3)."""

from celltrail_protocol import records
from celltrail_protocol.records import KEY_SECTORS, KEY_SLOT_SIZE, KEY_SLOTS, KEY_SLOTS_A_PAGE, PAGE_SIZE, SECTOR_SIZE
from celltrail_protocol.seals import next_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.area import Area

_BLANK = b"\xff" * KEY_SLOT_SIZE
_ZERO = bytes(KEY_SLOT_SIZE)
# How many slots the key before may lie back: between are one that was left out, and some that took no key.
_RECENT = 4


def address(sector: int, slot: int) -> int:
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
        # The sector that was erased in this boot, ahead of its turn.
        self._erased = -1
        self._place: "tuple[int, int] | None" = None

    def mount(self) -> None:
        """Find the key of now; destroy older ones, and pieces of keys, that a power cut has left."""
        others: "list[tuple[int, int]]" = []
        slot_bytes = bytearray(KEY_SLOT_SIZE)
        # The last slot of each sector that is not blank.
        last = {}
        for sector in KEY_SECTORS:
            for slot in range(KEY_SLOTS):
                # Each slot is read once: half-written bits may read otherwise the next time.
                self._area.flash.read_into(address(sector, slot), slot_bytes)
                if slot_bytes == _BLANK:
                    continue
                last[sector] = slot
                if slot_bytes == _ZERO:
                    continue
                record = records.unpack_checked(records.KEY_SLOT, slot_bytes, 0, records.MAGIC_KEY)
                if record and (self._place is None or (record[1], record[2]) > (self.trip, self.epoch)):
                    if self._place is not None:
                        others.append(self._place)
                    _, self.trip, self.epoch, self.key, _ = record
                    self._place = (sector, slot)
                else:
                    others.append((sector, slot))
        if self._place is not None:
            self._sector, slot = self._place
            # Programmed again with its own bytes before others go: a cut may have left it weak.
            self._area.again(address(self._sector, slot), self._record())
            # One is left out: a cut may have begun a key there that looks blank.
            self._next = last[self._sector] + 2
            if self._next <= KEY_SLOTS:
                others.append((self._sector, self._next - 1))
        for sector, slot in last.items():
            # What reads as zeros by now may be a key that a cut has half destroyed.
            for recent in range(max(0, slot - _RECENT), slot + 1):
                if (sector, recent) != self._place and (sector, recent) not in others:
                    others.append((sector, recent))
        for sector, slot in others:
            self._destroy(sector, slot)

    def _record(self) -> bytes:
        return records.pack_checked(records.KEY_SLOT, (records.MAGIC_KEY, self.trip, self.epoch, self.key))

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
                self._erased = old[0] if self._area.clean(old[0]) else -1
        return True

    def _write(self, record: bytes) -> "tuple[int, int] | None":
        # The rest of this sector, the other one, and this one anew when no key is in it.
        for _ in range(len(KEY_SECTORS) + 1):
            while self._next < KEY_SLOTS:
                slot = self._next
                self._next += 1
                if self._area.write(address(self._sector, slot), record):
                    return self._sector, slot
                self._destroy(self._sector, slot)
            self._sector = KEY_SECTORS[1] if self._sector == KEY_SECTORS[0] else KEY_SECTORS[0]
            if self._place is not None and self._place[0] == self._sector:
                return None
            # A place that looks blank may hold a key that a cut has begun.
            if self._erased == self._sector or self._area.clean(self._sector):
                self._next = 0
            self._erased = -1
        return None

    def _destroy(self, sector: int, slot: int) -> None:
        self._area.write(address(sector, slot), _ZERO)
