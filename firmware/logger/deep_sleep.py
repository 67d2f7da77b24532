"""What outlives a deep sleep, and how it is checked before it is trusted (SPEC.md section 12.1).

This module knows the insides of the others, so that none of them carries code for a sleep that few boards have.
"""

import struct
from binascii import crc32
from hashlib import sha256

from celltrail_protocol import cbor, frames, records
from celltrail_protocol.layout import ProtocolError
from celltrail_protocol.records import (
    FRAMES_AT,
    FRAMES_END,
    HEADER_AT,
    KEY_SLOT_SIZE,
    RING_FIRST,
    SECTOR_SIZE,
    STORE_PLAN,
    STORE_STATE,
)
from logger.hardware import SensorFault
from logger.ratchet import address
from logger.sector import OpenSector
from logger.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from logger.deep_app import DeepApp
    from logger.places import Places

    Map = dict[str, Any]

_MAGIC = b"CTZ1"
_HEAD = 8
# The chip's own counter is this far off at most, by what others have measured; a start and a whole second come on top.
_LATE_SHARE = 16
_START_MS = 3000
_LOOK_MS = 5
_MOST_LOOK_MS = 2000
_TRIES = 3


# Time: a chip that was powered down has not counted, but the clock chip has


def _begun_second(app: "DeepApp", is_waking: bool = True) -> "tuple[int, int] | None":
    """(tick, UTC in s) of a second of the clock chip that has just begun; None when it does not tell."""
    board = app.board
    first, until_ms, now_ms = _utc_s(app), board.ticks_ms() + _MOST_LOOK_MS, 0
    while now_ms < until_ms and (is_waking or app._is_quiet()):
        now_ms = board.ticks_ms()
        utc_s = _utc_s(app)
        if first is None or utc_s is None:
            return None
        if utc_s != first:
            return now_ms, utc_s
        board.wait(now_ms + _LOOK_MS)
    return None


def _utc_s(app: "DeepApp") -> "int | None":
    chip = app.board.rtc
    for _ in range(_TRIES):
        try:
            return chip.read()[0] if chip is not None else None
        except SensorFault:
            # Once more: a disturbed bus is no reason to lose the place.
            pass
    return None


# Falling asleep


def fall_asleep(app: "DeepApp", until_ms: int) -> None:
    """Power the chip down until shortly before then; comes back when what has to be kept finds no room or no time."""
    if app.anchor is None or app.anchor[2] != app.trip.clock:
        # A clock chip that was set since counts from elsewhere.
        begun = _begun_second(app, False)
        app.anchor = begun + (app.trip.clock,) if begun is not None else None
    utc_s = _utc_s(app)
    if app.anchor is None or utc_s is None or app._store.get(STORE_STATE) != app.state.packed():
        # A worn flash may have refused the state: a wake would find another one.
        return
    now_ms = app.board.ticks_ms()
    rest_ms = until_ms - now_ms
    ms = rest_ms - rest_ms // _LATE_SHARE - _START_MS
    kept = _seal(cbor.dumps(_kept(app, now_ms, utc_s, ms)))
    if len(kept) <= app.retained.room:
        app.retained.power_down(kept, ms)


def _seal(body: bytes) -> bytes:
    return _MAGIC + struct.pack("<I", crc32(body)) + body


def _kept(app: "DeepApp", now_ms: int, utc_s: int, ms: int) -> "Map":
    trip = app.trip
    ring, ratchet, journal, area, store = trip.ring, trip.ratchet, trip.recorder.journal, app.area, app._store
    sector, schedule = ring._sector, trip.schedule
    return {
        "time": [now_ms, utc_s, ms, app.anchor[:2] if app.anchor else [], app.false_wakes],
        "state": app.state.packed(),
        "plan": trip.settings,
        "store": [store._sector, store._end, store._number],
        "key": [ratchet._sector, ratchet._next, ratchet._erased, ratchet._place, ratchet.trip, ratchet.epoch],
        "ring": [ring.sequence, ring.newest_trip, ring.index, ring.boot, ring.events, ring.kept, ring._opened_ms],
        "sector": [sector.used, sector.last_end, sector._nframes, sector.is_sealed, sector.is_mounted],
        "places": [ring.places.head, ring.places.wrap, _runs(ring.places)],
        "journal": [journal._sector, journal._sequence, journal._at, journal._boot, journal.count],
        "packed": trip.recorder.packed,
        "slots": [schedule.slot0, schedule.tick0_ms, schedule.slot, trip.armed_ms, trip.checkpoint_due_ms],
        "alarms": trip.alarms._counts,
        "clock": trip.clock,
        "last": trip.probes.last,
        "counts": [area.programs, area.erases, area.failed, app._commands.cable.prover._counted[0]],
        "told": app._commands._audit._boot_kept,
    }


def _runs(places: "Places") -> "list[list[int]]":
    """What each place holds as runs [first, step 0 or 1, count]: a trip's sectors lie in their order."""
    runs: "list[list[int]]" = []
    for owner in places._owner:
        if runs:
            first, step, count = runs[-1]
            if owner == first + step * count:
                runs[-1][2] += 1
                continue
            if count == 1 and owner == first + 1 and first >= 0:
                runs[-1] = [first, 1, 2]
                continue
        runs.append([owner, 0, 1])
    return runs


# Waking


def wake(app: "DeepApp") -> bool:
    """Take up what was kept; False, with nothing changed, after any other start, or when one part does not check."""
    data = app.retained.take()
    if data[:_HEAD] != _seal(data[_HEAD:])[:_HEAD]:
        return False
    try:
        kept = cbor.loads(data[_HEAD:], len(data))
    except ProtocolError:
        return False
    if not (_is_stored(app, kept) and _is_key(app, kept) and _is_head(app, kept)):
        return False
    pending = _pending(app, kept)
    begun = _begun_second(app)
    if pending is None or begun is None:
        return False
    tick_ms = _tick(app, kept, *begun)
    if tick_ms is None:
        return False
    app.retained.go_on(tick_ms)
    _take_up(app, kept, pending)
    return True


def _tick(app: "DeepApp", kept: "Map", begun_ms: int, utc_s: int) -> "int | None":
    """The tick of now; None when the clock chip tells of another sleep than that."""
    then_ms, then_s, asked_ms, anchor, _ = kept["time"]
    slept_ms = (utc_s - then_s) * 1000
    if not 0 <= slept_ms <= 2 * asked_ms + 60000:
        return None
    tick_ms: int = anchor[0] + (utc_s - anchor[1]) * 1000 + app.board.ticks_ms() - begun_ms
    return tick_ms if tick_ms > then_ms else int(then_ms)


def _is_blank(data: bytearray) -> bool:
    return not bytes(data).rstrip(b"\xff")


def _is_stored(app: "DeepApp", kept: "Map") -> bool:
    """Whether the store's records are those of then, and blank where the next one comes."""
    sector, end, following = kept["store"]
    if not _is_blank(app.area.read(sector * SECTOR_SIZE + end, SECTOR_SIZE - end)):
        return False
    store = Store(app.area)
    state, plan = store.peek(STORE_STATE), store.get(STORE_PLAN)
    number = max([number for number, _ in store._records.values()] + [-1])
    same_plan: bool = sha256(plan or b"").digest() == kept["plan"]
    return same_plan and state == kept["state"] and number + 1 == following


def _is_key(app: "DeepApp", kept: "Map") -> bool:
    """Whether the key of then lies in its place, and nothing where the next one comes."""
    sector, following, _, place, trip, epoch = kept["key"]
    key = records.unpack_checked(records.KEY_SLOT, app.area.read(address(*place), KEY_SLOT_SIZE), 0, records.MAGIC_KEY)
    if key is None or (key[1], key[2]) != (trip, epoch):
        return False
    at = address(sector, following)
    return following >= records.KEY_SLOTS or _is_blank(app.area.read(at, KEY_SLOT_SIZE))


def _is_head(app: "DeepApp", kept: "Map") -> bool:
    """Whether the newest sector is that of then, with the same frames, and blank behind them."""
    sequence, trip, index = kept["ring"][:3]
    used, last_end, nframes, is_sealed, _ = kept["sector"]
    data = app.area.read((RING_FIRST + kept["places"][0]) * SECTOR_SIZE, SECTOR_SIZE)
    header = records.unpack_checked(records.HEADER, data, HEADER_AT, records.MAGIC_HEADER)
    if header is None or (header[4], header[5], header[6]) != (sequence, trip, index):
        return False
    found, _, _ = frames.scan_all(data, FRAMES_AT, FRAMES_END, sequence)
    end = found[-1][3] + frames.CHECK_SIZE if found else FRAMES_AT
    return len(found) == nframes and end == last_end and (is_sealed or _is_blank(data[used:FRAMES_END]))


def _pending(app: "DeepApp", kept: "Map") -> "bytearray | None":
    """The readings that wait in the journal; None when they are not those of then."""
    sector, sequence, at, _, count = kept["journal"]
    data = app.area.read(sector * SECTOR_SIZE, SECTOR_SIZE)
    header = records.unpack_checked(records.JOURNAL_HEADER, data, HEADER_AT, records.MAGIC_JOURNAL)
    if count and (header is None or (header[1], header[2]) != (sequence, kept["ring"][1])):
        return None
    pending, found = bytearray(), 0
    for _, kind, start, stop in frames.scan_all(data, records.JOURNAL_FRAMES_AT, SECTOR_SIZE, sequence, True)[0]:
        if kind == frames.JOURNAL_READING and struct.unpack_from("<I", data, start)[0] > min(kept["packed"]):
            pending.append(stop - start)
            pending += data[start:stop]
            found += 1
    return pending if found == count and _is_blank(data[at:]) else None


def _take_up(app: "DeepApp", kept: "Map", pending: bytearray) -> None:
    trip = app.trip
    ring, ratchet, recorder, area, store = trip.ring, trip.ratchet, trip.recorder, app.area, app._store
    store.peek(STORE_STATE)
    store._sector, store._end, store._number = kept["store"]
    app.state.load()
    trip._mount_plan()
    ratchet._sector, ratchet._next, ratchet._erased, place, ratchet.trip, ratchet.epoch = kept["key"]
    ratchet._place = place[0], place[1]
    slot = area.read(address(*place), KEY_SLOT_SIZE)
    ratchet.key = (records.unpack_checked(records.KEY_SLOT, slot, 0, records.MAGIC_KEY) or [None] * 4)[3]
    _take_up_ring(app, kept)
    recorder.packed = list(kept["packed"])
    journal = recorder.journal
    journal._sector, journal._sequence, journal._at, journal._boot, journal.count = kept["journal"]
    journal._trip, journal.pending = ring.trip, pending
    trip.probes.start()
    trip.probes.last = list(kept["last"])
    schedule = trip.schedule
    schedule.slot0, schedule.tick0_ms, schedule.slot, trip.armed_ms, trip.checkpoint_due_ms = kept["slots"]
    trip.alarms._counts = list(kept["alarms"])
    trip.clock = tuple(kept["clock"]) if kept["clock"] else None
    area.programs, area.erases, area.failed, app._commands.cable.prover._counted[0] = kept["counts"]
    app._commands.mount()
    app._commands._audit._boot_kept = kept["told"]
    anchor = kept["time"][3]
    app.anchor = anchor[0], anchor[1], trip.clock
    app.false_wakes = kept["time"][4] + 1 if app.retained.is_false_wake() else 0


def _take_up_ring(app: "DeepApp", kept: "Map") -> None:
    ring = app.trip.ring
    places = ring.places
    ring.sequence, ring.newest_trip, ring.index, ring.boot, ring.events, ring.kept, ring._opened_ms = kept["ring"]
    ring.trip = ring.newest_trip
    # This boot has written a header: it writes its boot frame before it sleeps.
    places._doubtful = False
    places.head, places.wrap, runs = kept["places"]
    places._owner = [first + step * i for first, step, count in runs for i in range(count)]
    ring._sector = sector = OpenSector(app.area, RING_FIRST + places.head, ring.sequence, ring.trip)
    sector.used, sector.last_end, sector._nframes, sector.is_sealed, sector.is_mounted = kept["sector"]
    # Last: an error before this must not let last words be written into another sector.
    ring.is_open = True
