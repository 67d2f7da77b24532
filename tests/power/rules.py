"""The rules of mount and commit (SPEC.md section 12), each with a switch that takes it out in a test."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from celltrail_protocol import frames
from celltrail_protocol.records import (
    FRAMES_AT,
    JOURNAL_FRAMES_AT,
    JOURNAL_SECTORS,
    KEY_SECTORS,
    KEY_SLOTS,
    PAGE_SIZE,
    RING_FIRST,
    SEAL_A_AT,
    SECTOR_SIZE,
    STORE_SECTORS,
)
from logger import journal, sector, store, trip
from logger.area import Area
from logger.places import Places
from logger.ratchet import Ratchet
from logger.recorder import Recorder
from logger.ring import Ring
from logger.sector import OpenSector
from logger.store import Store


@dataclass(frozen=True)
class Rule:
    """`instead` makes what stands in for the attribute `name` of `owner`, given the attribute itself."""

    owner: Any
    name: str
    instead: Callable[[Any], Any]

    @contextmanager
    def removed(self) -> Iterator[None]:
        """The firmware without this rule."""
        whole = getattr(self.owner, self.name)
        setattr(self.owner, self.name, self.instead(whole))
        try:
            yield
        finally:
            setattr(self.owner, self.name, whole)


def _but(where: Callable[[int], bool]) -> Callable[[Any], Any]:
    """Nothing is written at such addresses; what was asked for counts as done."""
    return lambda whole: lambda area, addr, data: where(addr) or whole(area, addr, data)


def _among(sectors: tuple[int, ...]) -> Callable[[int], bool]:
    return lambda addr: addr // SECTOR_SIZE in sectors


def _of_ring(start: int, end: int) -> Callable[[int], bool]:
    return lambda addr: addr // SECTOR_SIZE >= RING_FIRST and start <= addr % SECTOR_SIZE < end


def _in_journal(addr: int) -> bool:
    return addr // SECTOR_SIZE in JOURNAL_SECTORS and addr % SECTOR_SIZE >= JOURNAL_FRAMES_AT


def _nothing(_whole: Any) -> Any:
    return lambda *_: None


def _header_alone(_whole: Any) -> Any:
    return lambda area, sector, header: area.write(sector * SECTOR_SIZE + 16, header)


def _as_read_now(where: Callable[[int], bool]) -> Callable[[Any], Any]:
    """What is programmed again is read for it, instead of what decided at the mount."""

    def instead(whole: Any) -> Any:
        return lambda area, addr, data: whole(area, addr, area.read(addr, len(data)) if where(addr) else data)

    return instead


def _no_slot_zeros(whole: Any) -> Any:
    """The first bytes of slot A stay as they are when a sector is mounted."""
    start = _of_ring(SEAL_A_AT, SEAL_A_AT + 1)
    return lambda area, addr, end: (start(addr) and end - addr < 16) or whole(area, addr, end)


def _either_slot(whole: Any) -> Any:
    def seal(sector: Any, *words: Any) -> Any:
        sector.is_mounted = False
        return whole(sector, *words)

    return seal


def _tick_of_now(whole: Any) -> Any:
    """A seal that is begun again gets other bytes than before; the count of programs stands for the time."""

    def seal(sector: Any, key: bytes, epoch: int, kind: int, tick_ms: int) -> Any:
        return whole(sector, key, epoch, kind, sector._area.programs if sector.is_mounted else tick_ms)

    return seal


def _key_before_tag(_whole: Any) -> Any:
    def checkpoint(ring: Any, tick_ms: int, battery_mV: int) -> None:
        key, epoch = ring._ratchet.key, ring._ratchet.epoch
        ring._ratchet.advance()
        while key is not None and not ring._sector.put_checkpoint(key, epoch, tick_ms, battery_mV):
            ring._roll(tick_ms)
            key, epoch = ring._ratchet.key, ring._ratchet.epoch
            ring._ratchet.advance()

    return checkpoint


def _old_keys_stay(whole: Any) -> Any:
    def mount(ratchet: Any) -> None:
        ratchet._destroy = lambda *_: None
        whole(ratchet)
        del ratchet._destroy

    return mount


def _next_slot(whole: Any) -> Any:
    """The slot behind the last that is not blank is used as it is."""

    def mount(ratchet: Any) -> None:
        zeroed, destroy = [], ratchet._destroy
        ratchet._destroy = lambda *place: zeroed.append(place)
        whole(ratchet)
        del ratchet._destroy
        for place in zeroed:
            if place != (ratchet._sector, ratchet._next - 1):
                destroy(*place)
        if ratchet._place is not None and ratchet._next <= KEY_SLOTS:
            ratchet._next -= 1

    return mount


def _as_it_looks(sectors: tuple[int, ...]) -> Callable[[Any], Any]:
    """A sector that looks clean is not erased."""
    return lambda whole: lambda area, number: (number in sectors and area.is_clean(number)) or whole(area, number)


def _this_page_only(_whole: Any) -> Any:
    return lambda _data, end, limit: min(limit, (end // PAGE_SIZE + 1) * PAGE_SIZE)


def _any_kinds(whole: Any) -> Any:
    """A sector of the store with a newer record counts as newer, whatever kinds it lacks."""

    def scan(one: Any, data: bytearray) -> Any:
        kinds, highest, end = whole(one, data)
        return min(kinds, 1), highest, end

    return scan


def _no_zeros_when_refused(_whole: Any) -> Any:
    """A page that refused a frame stays as it is."""

    def program(sector: Any, frame: bytes) -> bool:
        if sector._area.write(sector._addr + sector.used, frame):
            sector.used += len(frame)
            sector.last_end = sector.used
            sector._nframes += 1
            return True
        sector.used += PAGE_SIZE - sector.used % PAGE_SIZE
        return False

    return program


RULES = {
    "store-again": Rule(Area, "again", _but(_among(STORE_SECTORS))),
    "store-zeros": Rule(Area, "close", _but(_among(STORE_SECTORS))),
    "key-again": Rule(Area, "again", _but(_among(KEY_SECTORS))),
    "header-again": Rule(Area, "again", _but(_of_ring(0, FRAMES_AT))),
    "seal-again": Rule(Area, "again", _but(_of_ring(SEAL_A_AT, SECTOR_SIZE))),
    "frames-again": Rule(Area, "again", _but(_of_ring(FRAMES_AT, SEAL_A_AT))),
    "ring-zeros": Rule(Area, "close", _but(_of_ring(0, SECTOR_SIZE))),
    "void-next": Rule(Places, "void_next", _nothing),
    "void-before-erase": Rule(Area, "void", _nothing),
    "key-after-tag": Rule(Ring, "_step_after", _nothing),
    "clean-again": Rule(Area, "begin", _header_alone),
    "ring-over-store": Rule(Ring, "last_state", _nothing),
    "above-packed": Rule(Recorder, "mount", lambda whole: lambda recorder, channels: recorder.start(channels)),
    "journal-again": Rule(Area, "again", _but(_among(JOURNAL_SECTORS))),
    "journal-zeros": Rule(Area, "close", _but(_among(JOURNAL_SECTORS))),
    "header-once": Rule(Area, "again", _as_read_now(_of_ring(0, FRAMES_AT))),
    "frames-once": Rule(Area, "again", _as_read_now(_of_ring(FRAMES_AT, SEAL_A_AT))),
    "key-once": Rule(Area, "again", _as_read_now(_among(KEY_SECTORS))),
    "key-others": Rule(Ratchet, "mount", _old_keys_stay),
    "key-skip": Rule(Ratchet, "mount", _next_slot),
    "key-erase": Rule(Area, "clean", _as_it_looks(KEY_SECTORS)),
    "tag-before-key": Rule(Ring, "checkpoint", _key_before_tag),
    "journal-before-ring": Rule(Area, "write", _but(_in_journal)),
    "slot-a-zeros": Rule(Area, "zero", _no_slot_zeros),
    "slot-b-only": Rule(OpenSector, "seal", _either_slot),
    "same-seal": Rule(OpenSector, "seal", _tick_of_now),
    "next-given-up": Rule(Places, "_give_up_next", _nothing),
    "next-anew": Rule(Places, "go_on", lambda whole: lambda places, _sealed: whole(places, False)),
    "plan-again": Rule(Ring, "_begin_with_plan", _nothing),
    "ring-page": Rule(sector, "fresh_page", _this_page_only),
    "journal-page": Rule(journal, "fresh_page", _this_page_only),
    "store-page": Rule(store, "fresh_page", _this_page_only),
    "store-kinds": Rule(Store, "_scan", _any_kinds),
    "boot-late": Rule(trip, "STABLE_MS", lambda _whole: 0),
    "refused-zeros": Rule(OpenSector, "_program", _no_zeros_when_refused),
    "seeded-check": Rule(frames, "seed", lambda whole: lambda sequence, offset: 0),
}

# For each rule that is shown necessary a cut that loses something without it.
CUTS = {
    "store-zeros": "arm:10:moody:27/0:moody:1",
    "key-again": "wrap:7:moody:10/2:bits:27",
    "header-again": "roll:10:moody:32#985",
    "seal-again": "roll:7:moody:8#553",
    "frames-again": "rotate:0:moody:11/15:metastable:2",
    "ring-zeros": "readings:2:prefix:2/11:prefix:146",
    "key-after-tag": "roll:13:prefix:16/12:prefix:2",
    "ring-over-store": "store:15:metastable:26/1:prefix:25",
    "above-packed": "readings:4:subset:8/16:subset:0",
    "journal-zeros": "restart:6:metastable:23/3:metastable:43",
    "seeded-check": "worn-stop:22:prefix:23/0:subset:31",
    "frames-once": "rotate:5:metastable:35#504/0:bits:175",
    "key-others": "rotate:6:prefix:1#553",
    "tag-before-key": "rotate:5:moody:2#881",
    "journal-before-ring": "rotate:0:moody:0#978",
    "slot-a-zeros": "roll:7:moody:16#537",
    "same-seal": "restart-roll:5:moody:0#749",
    "void-next": "worn-seal:11:moody:16#847",
    "next-anew": "restart-roll:8:moody:8#940",
    "ring-page": "marks:8:moody:0#105",
}
