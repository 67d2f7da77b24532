"""Wear: within each area of the flash no sector is erased more than once above another."""

from fake_flash import SECTORS

# The flash lies in the heap.
# heapsize: 2m
from power_works import Actor
from torn_flash import TornFlash

AREAS = {"store": (0, 2), "keys": (2, 4), "journal": (4, 6), "ring": (6, SECTORS)}


def test_every_area_wears_evenly():
    flash = TornFlash(SECTORS)
    actor = Actor(flash)
    for trip in range(12):
        # Nobody asks later what was committed when, and the notes would fill the heap.
        actor.watch.notes = []
        actor.arm(wrap=True)
        for _ in range(20 + 17 * trip):
            actor.mark("x" * 40)
        for _ in range(40):
            actor.app.state.save()
        actor.run(700 * 60000).stop()
    for area in AREAS:
        first, end = AREAS[area]
        counts = flash.erase_counts[first:end]
        assert min(counts) > 0, (area, counts)
        assert max(counts) - min(counts) <= 1, (area, counts)
