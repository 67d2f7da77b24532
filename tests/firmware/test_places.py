"""Which sector comes next, what is free, and what is erased ahead of time."""

from faulty_flash import FaultyFlash

from logger.area import Area
from logger.places import Places


def make(count=4):
    flash = FaultyFlash(6 + count)
    places = Places(Area(flash))
    return flash, places


def tidy_up(places):
    steps = 0
    while places.untidy():
        places.tidy()
        steps += 1
    return steps


def taken(places, index):
    """The next position, taken for the trip's sector `index`."""
    position = places.next()
    places.opened(position, index)
    return position


def test_first_trip_begins_at_the_first_sector():
    _, places = make()
    places.clear()
    assert [taken(places, index) for index in range(4)] == [0, 1, 2, 3]
    assert places.free() == 0
    assert places.next() == -1


def test_nothing_waits_to_be_tidied_unless_told():
    _, places = make()
    assert not places.untidy()


def test_all_but_the_head_are_tidied_and_erased_once():
    flash, places = make()
    places.clear()
    taken(places, 0)
    assert tidy_up(places) == 4
    assert flash.model.erase_counts[6:] == [1, 1, 1, 1]
    taken(places, 1)
    assert tidy_up(places) == 0
    assert flash.model.erase_counts[6:] == [1, 1, 1, 1]


def test_clean_sectors_are_not_erased_again_after_a_restart():
    flash, places = make()
    places.clear()
    taken(places, 0)
    tidy_up(places)
    again = Places(Area(flash))
    again.head = 0
    again.keep(0, 0)
    again.go_on(False)
    tidy_up(again)
    assert flash.model.erase_counts[6:] == [1, 1, 1, 1]
    assert again.free() == 3


def test_wrapping_gives_up_the_oldest_one_ahead():
    flash, places = make()
    places.clear()
    places.wrap = True
    for index in range(4):
        taken(places, index)
        tidy_up(places)
    # The oldest sector went when the last one was taken.
    assert (places.first_index(), places.free()) == (1, 1)
    assert places.position(0) == -1
    assert taken(places, 4) == 0
    # It is given up before it is erased.
    assert places.first_index() == 2
    assert tidy_up(places) == 2
    assert places.free() == 1


def test_bad_sectors_are_passed_over_and_not_free():
    flash, places = make()
    flash.model.program(7 * 4096, bytes(256))
    flash.bad_sectors = [7]
    places.clear()
    assert taken(places, 0) == 0
    tidy_up(places)
    assert places.free() == 2
    assert taken(places, 1) == 2
    places.clear()
    assert places.free() == 4


def test_spoiled_sector_is_left_alone():
    flash, places = make()
    places.clear()
    taken(places, 0)
    places.spoil(1)
    tidy_up(places)
    assert flash.model.erase_counts[7] == 0
    assert places.next() == 2


def test_first_index_of_nothing_is_0():
    _, places = make()
    assert places.first_index() == 0
    assert places.position(0) == -1
    assert places.position(-1) == -1
