"""A board whose ticks come from a crystal that is not quite right, by a counter that wraps; the truth is known.

True time is kept in microseconds and a crystal gains or loses whole ns for each ms: integers on both runtimes.
"""

import fakes

from boards.ticks import CHIP_PERIOD, LongTicks

_PPB = 1000000000


class Crystal:
    """Ticks of true time. `rates`: (true ms from which it holds, ppb), ascending, the first at 0."""

    def __init__(self, rates):
        self._knots = []
        ticks = 0
        for i in range(len(rates)):
            true_ms, ppb = rates[i]
            self._knots.append((true_ms * 1000, ticks, ppb))
            if i + 1 < len(rates):
                ticks += (rates[i + 1][0] - true_ms) * (_PPB + ppb)
        self._at = 0

    def ticks_ms(self, true_us):
        """What a counter has counted since power-on, `true_us` microseconds after it."""
        start_us, ticks, ppb = self._piece(true_us, 0)
        return (ticks * 1000 + (true_us - start_us) * (_PPB + ppb)) // (1000 * _PPB)

    def true_us(self, tick_ms):
        """The first microsecond at which it has counted to there."""
        start_us, ticks, ppb = self._piece(tick_ms * _PPB, 1)
        return start_us + -(-(tick_ms * _PPB - ticks) * 1000 // (_PPB + ppb))

    def _piece(self, value, column):
        # Mostly the same piece as last time.
        at, knots = self._at, self._knots
        while at and knots[at][column] > value:
            at -= 1
        while at + 1 < len(knots) and knots[at + 1][column] <= value:
            at += 1
        self._at = at
        return knots[at]


class CrystalBoard(fakes.Board):
    """True time passes in `wait`; `on_us` is the world's at power-on, `wraps` counts those of the counter."""

    def __init__(self, flash, scripts, crystal, on_us=0, period=CHIP_PERIOD):
        super().__init__(flash, scripts)
        self.crystal = crystal
        self.on_us = on_us
        self.period = period
        self.wraps = 0
        self._true_us = 0
        self._raw_us = -1
        self._raw = 0
        self._ticks = LongTicks(self._counter, period)

    def _counter(self):
        if self._true_us == self._raw_us:
            return self._raw
        self._raw_us = self._true_us
        raw = self.crystal.ticks_ms(self._true_us) % self.period
        self.wraps += raw < self._raw
        self._raw = raw
        return raw

    def ticks_ms(self):
        self.tick_ms = self._ticks.now()
        return self.tick_ms

    def world_us(self):
        """True time since the world's start."""
        return self.on_us + self._true_us

    def wait(self, until_ms):
        """Sleep until then, in stretches that the counter bears."""
        while self.tick_ms < until_ms:
            self._true_us = max(self._true_us + 1, self.crystal.true_us(min(until_ms, self._ticks.longest())))
            self.ticks_ms()


def run(app, until_us):
    """Let the logger work until a true time of the world."""
    board = app.board
    end_ms = board.crystal.ticks_ms(until_us - board.on_us)
    while True:
        again_ms = app.step()
        if again_ms is None or again_ms > end_ms:
            if board.tick_ms >= end_ms:
                return
            board.wait(end_ms)
        elif again_ms > board.tick_ms:
            board.wait(again_ms)


def power_cut(app, crystal, off_us):
    """Power off for so long, and on again with another crystal (the same one, warmer or colder): the app and host."""
    old = app.board
    scripts = [probe._script for probe in old.thermometers]
    return fakes.make(CrystalBoard(old.flash, scripts, crystal, old.world_us() + off_us, old.period))
