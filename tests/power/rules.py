"""The rules of commit and mount, each with a switch that takes it away: `RULES[name](monkeypatch)`.

`NEEDED` says in which work the campaign sees each one go, and `DEFENCE` lists those whose loss alone no cut has shown
(SPEC.md section 12 says so too).
"""

from collections.abc import Callable, Mapping
from typing import Any

from logger import journal, sector, store
from logger.area import Area
from logger.journal import Journal
from logger.places import Places
from logger.ratchet import Ratchet
from logger.recorder import Recorder
from logger.ring import Ring
from logger.sector import OpenSector

from celltrail_protocol import frames
from celltrail_protocol.records import PAGE_SIZE, SEAL_B_AT, SECTOR_SIZE

Switch = Callable[[Any], None]
RING, JOURNAL, KEYS, STORE = range(6, 99), (4, 5), (2, 3), (0, 1)


def _never_again(sectors, offsets: Callable[[int], bool] = lambda offset: True) -> Switch:
    """Half-written bytes of these sectors, at such offsets, are not programmed again."""

    def switch(patch: Any) -> None:
        again = Area.again

        def some(self, addr: int, data) -> None:
            if addr // SECTOR_SIZE not in sectors or not offsets(addr % SECTOR_SIZE):
                again(self, addr, data)

        patch.setattr(Area, "again", some)

    return switch


def _never_close(sectors) -> Switch:
    """What a cut may have begun in these sectors is left as it is."""

    def switch(patch: Any) -> None:
        close = Area.close

        def some(self, addr: int, end: int) -> bool:
            return True if addr // SECTOR_SIZE in sectors else close(self, addr, end)

        patch.setattr(Area, "close", some)

    return switch


def _next_page(data, end: int, limit: int) -> int:
    """The page after what shows, as if a begun page could not look blank."""
    last = limit
    while last > end and data[last - 1] == 0xFF:
        last -= 1
    return min(limit, -(-last // PAGE_SIZE) * PAGE_SIZE)


def _replace(owner: Any, name: str, value: Any) -> Switch:
    return lambda patch: patch.setattr(owner, name, value)


def _step_before_refresh(patch: Any) -> None:
    """The key steps before the tag that it belongs to is firm."""
    refresh = OpenSector.refresh
    mount = Ring._mount_sector

    def early(self, *rest) -> None:
        ring = self

        def stepping(opened, data, found) -> bool:
            for _, kind, start, _ in found:
                if kind == frames.CHECKPOINT:
                    ring._step_after(int.from_bytes(data[start : start + 4], "little"))
            return refresh(opened, data, found)

        patch.setattr(OpenSector, "refresh", stepping)
        mount(self, *rest)

    patch.setattr(Ring, "_mount_sector", early)


def _blank_is_clean(patch: Any) -> None:
    """A sector that reads blank is taken for erased, whatever its mark says."""
    patch.setattr(Area, "is_clean", lambda self, number: self.is_blank(number * SECTOR_SIZE + PAGE_SIZE, (number + 1) * SECTOR_SIZE))
    patch.setattr(Area, "clean_mark", lambda self, number: 0)


def _forget_no_mark(patch: Any) -> None:
    """The store's sector with the highest number counts, however few kinds it holds."""
    scan = store.Store._scan
    patch.setattr(store.Store, "_scan", lambda self, data: (min(1, scan(self, data)[0]), *scan(self, data)[1:]))


def _key_first(patch: Any) -> None:
    """The key steps before the checkpoint that it tags is written."""
    put = OpenSector.put_checkpoint

    def early(self, key, epoch, tick_ms, battery_mV) -> bool:
        ring = _rings[-1]
        ring._ratchet.advance()
        done = put(self, key, epoch, tick_ms, battery_mV)
        ring._ratchet.advance, advance = lambda: True, ring._ratchet.advance
        _later.append((ring._ratchet, advance))
        return done

    _rings: list[Ring] = []
    _later: list[Any] = []
    checkpoint = Ring.checkpoint

    def noted(self, *rest) -> None:
        _rings.append(self)
        checkpoint(self, *rest)
        while _later:
            ratchet, advance = _later.pop()
            ratchet.advance = advance

    patch.setattr(Ring, "checkpoint", noted)
    patch.setattr(OpenSector, "put_checkpoint", early)


RULES: Mapping[str, Switch] = {
    "header again": _never_again(RING, lambda offset: offset == 0),
    "frames again": _never_again(RING, lambda offset: 0 < offset < SEAL_B_AT),
    "seal again": _never_again(RING, lambda offset: offset >= SEAL_B_AT),
    "journal header again": _never_again(JOURNAL, lambda offset: offset < 48),
    "journal frames again": _never_again(JOURNAL, lambda offset: offset >= 48),
    "key again": _never_again(KEYS),
    "store record again": _never_again(STORE),
    "ring closed": _never_close(RING),
    "journal closed": _never_close(JOURNAL),
    "store closed": _never_close(STORE),
    "fresh page in the ring": _replace(sector, "fresh_page", _next_page),
    "fresh page in the journal": _replace(journal, "fresh_page", _next_page),
    "fresh page in the store": _replace(store, "fresh_page", _next_page),
    "spare seal": _replace(OpenSector, "is_mounted", property(lambda self: False, lambda self, value: None)),
    "tag firm before its key steps": _step_before_refresh,
    "key steps after a tag": _replace(Ring, "_step_after", lambda self, epoch: None),
    "tag before its key": _key_first,
    "CLEAN mark": _blank_is_clean,
    "header void before an erase": _replace(Area, "_void", lambda self, number: None),
    "doubtful next sector": _replace(Places, "_doubtful", property(lambda self: False, lambda self, value: None)),
    "next sector given up": _replace(Places, "_give_up_next", lambda self: None),
    "begun seal is written again": _replace(OpenSector, "refresh", lambda self, *rest: _refresh(self, *rest) and False),
    "record over state": _replace(Recorder, "_note_newest", lambda self, kind, payload: None),
    "kinds in the store": _forget_no_mark,
    "slots above the last packed": lambda patch: _mount_all(patch),
    "older keys destroyed": _replace(Ratchet, "_destroy", lambda self, number, slot: None),
    "check seeded with the place": _replace(frames, "seed", lambda sequence, offset: 0),
}
_refresh = OpenSector.refresh


def _mount_all(patch: Any) -> None:
    """All readings of the journal count as pending."""
    mount = Journal.mount
    patch.setattr(Journal, "mount", lambda self, trip, boot, after_slot: mount(self, trip, boot, -1))
    patch.setattr(Recorder, "_note", lambda self, kind, payload: None)
