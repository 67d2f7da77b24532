"""What the firmware costs in memory: prints one line of JSON. Run it on MicroPython: `heap_growth.py [DAYS]`.

mem_alloc: bytes that the logger takes after arming and an hour of logging, garbage collected, without its code.
alloc_bytes_per_sample: bytes allocated for a sample with collection off, packing and the journal's change of
sectors included, mean over 400 samples. largest_step: the most that one step allocates; so much a board must have
free at once. heap_growth_bytes: what is in use when the ring has wrapped and DAYS virtual days have passed since.
"""

import gc
import json
import sys

from fakes import Board, arm, make, plan, run

PERIOD_MS = 60000
DAY_MS = 86400000


class PlainFlash:
    """A flash that allocates nothing while it works."""

    sectors = 10

    def __init__(self):
        self._pages = [bytearray(b"\xff" * 256) for _ in range(16 * self.sectors)]

    def program(self, addr, data):
        page = self._pages[addr >> 8]
        for i in range(256):
            page[i] &= data[i]

    def read_into(self, addr, buf):
        page, at = self._pages[addr >> 8], addr & 255
        for i in range(len(buf)):
            if at == 256:
                addr += 256
                page, at = self._pages[addr >> 8], 0
            buf[i] = page[at]
            at += 1

    def erase(self, sector):
        for page in self._pages[16 * sector : 16 * sector + 16]:
            for i in range(256):
                page[i] = 0xFF


def in_use():
    """Bytes in use without garbage."""
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


def log_on(app, samples):
    """Let so many samples be taken."""
    run(app, app.board.tick_ms + samples * PERIOD_MS)


def settled(app):
    """Bytes in use when just one reading is pending."""
    while app.trip.recorder.journal.count != 1:
        log_on(app, 1)
    return in_use()


def allocated(app, samples):
    """(mean, most) bytes that a sample allocates while nothing is collected."""
    total = most = 0
    for _ in range(samples):
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        log_on(app, 1)
        taken = gc.mem_alloc() - before
        gc.enable()
        total += taken
        most = max(most, taken)
    return total // samples, most


def main(days):
    """Measure; the figures as a map."""
    flash = PlainFlash()
    loaded = in_use()
    app, host = make(Board(flash, [lambda tick: 640 + tick // PERIOD_MS * 7919 % 97]))
    answer = arm(host, plan(wrap=True))
    assert answer["trip"] == 1
    log_on(app, 60)
    logging = in_use()
    mean, most = allocated(app, 400)
    while app.trip.ring.places.first_index() == 0:
        log_on(app, 60)
    before = settled(app)
    log_on(app, days * DAY_MS // PERIOD_MS)
    # Before the map below takes memory itself.
    growth = settled(app) - before
    return {
        "mem_alloc": logging - loaded,
        "alloc_bytes_per_sample": mean,
        "largest_step": most,
        "heap_growth_bytes": growth,
        "days": days,
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)))
