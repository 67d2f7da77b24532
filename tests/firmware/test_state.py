"""The state record: every field survives a restart."""

from faulty_flash import FaultyFlash

from logger.area import Area
from logger.state import State
from logger.store import Store

FIELDS = (
    ("state", 2),
    ("reason", 3),
    ("boot", 65535),
    ("trip", 4000000000),
    ("next_trip", 4000000001),
    ("first_sequence", 17),
    ("next_sequence", 18),
    ("read_index", 19),
    ("read_used", 4096),
    ("alarms", 255),
)


def mounted(flash):
    store = Store(Area(flash))
    store.mount()
    state = State(store)
    state.load()
    return state


def test_idle_at_first():
    state = mounted(FaultyFlash(2))
    assert (state.state, state.trip, state.next_trip) == (0, 0, 1)
    assert not state.in_trip()


def test_every_field_survives():
    flash = FaultyFlash(2)
    state = mounted(flash)
    for name, value in FIELDS:
        setattr(state, name, value)
    assert state.save()
    again = mounted(flash)
    for name, value in FIELDS:
        assert getattr(again, name) == value
    assert again.in_trip()


def test_trip_is_open_while_armed_or_logging():
    state = mounted(FaultyFlash(2))
    for number, is_open in ((0, False), (1, True), (2, True), (3, False)):
        state.state = number
        assert state.in_trip() == is_open


def test_save_tells_when_the_flash_refuses():
    flash = FaultyFlash(2)
    flash.bad_sectors = [0, 1]
    flash.bad_pages = [0, 4096]
    assert not mounted(flash).save()
