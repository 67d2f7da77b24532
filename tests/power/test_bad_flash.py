"""Trips on flash with a place that takes nothing, is never erased, or has a bit that is stuck, read by the host."""

import os
from collections.abc import Iterator

import pytest
from fakes import Board, arm, plan, provision
from power_works import LONG, MINUTE, SECTORS, Actor, boot
from torn_flash import PAGE_SIZE, SECTOR_SIZE, TornFlash

from celltrail.keys.keystore import KeyStore
from celltrail_protocol.codes import FAULT_FLASH_PROGRAM, LED_FAULT, REASON_FULL, STATE_IDLE, STATE_STOPPED
from celltrail_protocol.records import RING_FIRST
from celltrail_protocol.smp import ERR_STATE, GROUP_CELLTRAIL
from tests.power.host_reader import HostReader

# Nothing is formatted: no sector is erased more often than its turns come.
MOST_ERASES = 4


def dead_page(flash: TornFlash, page: int) -> None:
    flash.refuses = lambda kind, place: kind == "program" and place == page * PAGE_SIZE


def dead_sector(flash: TornFlash, sector: int) -> None:
    flash.refuses = lambda kind, place: (place if kind == "erase" else place // SECTOR_SIZE) == sector


def never_erased(flash: TornFlash, sector: int) -> None:
    flash.refuses = lambda kind, place: kind == "erase" and place == sector


def stuck_bit(flash: TornFlash, page: int, value: int) -> None:
    """One bit of a page, near its beginning, its middle or its end, that is `value` (0 or 4) for ever."""
    place = (20, 130, 250)[page % 3]
    flash.stuck = {page * PAGE_SIZE + place: (4, value)}
    flash.erase(page * PAGE_SIZE // SECTOR_SIZE)


def _trips(flash: TornFlash) -> Iterator[Actor]:
    """Each trip when it is closed: readings and marks over several sectors and, in the first, a restart."""
    actor = Actor(flash)
    for again in (True, False):
        actor.arm().run(2 * MINUTE)
        _mark(actor, 20)
        if again:
            actor = Actor(flash, actor.watch).run(2 * MINUTE)
        _mark(actor, 20)
        yield actor.run(MINUTE).stop()


def two_trips(flash: TornFlash, reader: HostReader) -> list[int]:
    """The host reads both trips whole; the addresses of the flash's failures that they tell of."""
    failures: list[int] = []
    for actor in _trips(flash):
        found = reader(actor.app)
        _check(found, actor)
        failures += found.failures
    # The bad sector itself may be tried again and again.
    assert sorted(flash.erase_counts)[-2] <= MOST_ERASES, flash.erase_counts
    return failures


def _mark(actor: Actor, count: int) -> None:
    for _ in range(count):
        actor.mark(LONG)


def _check(found, actor: Actor) -> None:
    known = actor.watch.known
    assert found.slots == list(range(known.slot + 1))
    assert found.marks == [b"M%d" % (number + 1) for number in range(known.marks)]


def used_pages() -> list[int]:
    """The pages that the two trips program on sound flash, in the order of their addresses."""
    flash = TornFlash(SECTORS)
    flash.operations = []
    for _ in _trips(flash):
        pass
    return sorted({place // PAGE_SIZE for kind, place, _ in flash.operations if kind == "program"})


# Five and the sixteen pages of a sector have no common divisor.
SOME_PAGES = used_pages()[:: 1 if os.environ.get("CELLTRAIL_EVERY_CUT") else 5]


@pytest.fixture(name="reader", scope="module")
def _reader(tmp_path_factory: pytest.TempPathFactory) -> HostReader:
    return HostReader(KeyStore(tmp_path_factory.mktemp("keys")), Board.uid)


@pytest.mark.parametrize("page", SOME_PAGES)
def test_a_page_that_takes_nothing(page: int, reader: HostReader):
    flash = TornFlash(SECTORS)
    dead_page(flash, page)
    assert set(two_trips(flash, reader)) == {page * PAGE_SIZE}


@pytest.mark.parametrize("sector", range(SECTORS))
def test_a_dead_sector(sector: int, reader: HostReader):
    flash = TornFlash(SECTORS)
    dead_sector(flash, sector)
    failures = two_trips(flash, reader)
    # The store does not need its first sector here.
    assert set(failures) == ({sector * SECTOR_SIZE} if sector else set())


@pytest.mark.parametrize("sector", range(SECTORS))
def test_a_sector_that_is_never_erased(sector: int, reader: HostReader):
    flash = TornFlash(SECTORS)
    never_erased(flash, sector)
    assert set(two_trips(flash, reader)) <= {sector * SECTOR_SIZE}


@pytest.mark.parametrize("value", [0, 4])
@pytest.mark.parametrize("page", SOME_PAGES)
def test_a_bit_that_is_stuck(page: int, value: int, reader: HostReader):
    flash = TornFlash(SECTORS)
    stuck_bit(flash, page, value)
    page_addr = page * PAGE_SIZE
    assert set(two_trips(flash, reader)) <= {page_addr, page_addr - page_addr % SECTOR_SIZE}


def test_a_failure_that_comes_of_recording_one_is_recorded_next(reader: HostReader):
    actor = Actor(TornFlash(SECTORS)).arm().run(2 * MINUTE)
    area, trip = actor.app.area, actor.app.trip
    fault = trip.fault

    def failing(source, code, detail, now_ms):
        fault(source, code, detail, now_ms)
        area.failure = (code, 3 * PAGE_SIZE) if detail == PAGE_SIZE else area.failure

    trip.fault = failing
    area.failure = (FAULT_FLASH_PROGRAM, PAGE_SIZE)
    actor.mark()
    actor.mark()
    assert area.failure is None
    assert reader(actor.stop().app).failures == [PAGE_SIZE, 3 * PAGE_SIZE]


def no_ring(flash: TornFlash) -> None:
    flash.refuses = lambda kind, place: (place if kind == "erase" else place // SECTOR_SIZE) >= RING_FIRST


def test_a_trip_is_not_armed_on_a_ring_that_takes_nothing():
    flash = TornFlash(SECTORS)
    no_ring(flash)
    app, host = boot(flash)
    provision(host)
    assert arm(host, plan()) == {"err": {"group": GROUP_CELLTRAIL, "rc": ERR_STATE}}
    assert app.state.state == STATE_IDLE


def test_a_trip_ends_with_a_fault_in_the_light_when_the_whole_ring_dies():
    flash = TornFlash(SECTORS)
    actor = Actor(flash).arm().run(2 * MINUTE)
    no_ring(flash)
    actor.run(200 * MINUTE)
    state, failed = actor.app.state, actor.app.area.failed
    assert (state.state, state.reason) == (STATE_STOPPED, REASON_FULL)
    assert actor.app.board.leds[-1] == LED_FAULT
    actor.run(60 * MINUTE)
    assert actor.app.area.failed == failed, "it tries again and again"
    again = Actor(flash, actor.watch).run(5 * MINUTE)
    assert (again.app.state.state, again.app.state.reason) == (STATE_STOPPED, REASON_FULL)
