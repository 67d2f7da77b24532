"""A board whose chip is powered down between readings: true time goes on, its own counter begins at 0 again."""

from fakes import Board, Host

from boards.models.ds3231 import DS3231Model
from boards.models.i2c_bus import I2CBus
from celltrail_protocol import codes
from drivers.clock_ds3231 import DS3231
from logger.deep_app import DeepApp

# 2025-06-02T06:00:00.250Z when the flash had power for the first time.
UTC_MS = 1_748_844_000_250
_START_MS = 1500


class Down(Exception):
    """The chip is powered down."""


class World:
    """What outlives a sleep: true time, the clock chip, the retained bytes.

    deep: what the wiring says. fast: by which part the chip wakes too soon. hand_ms: when somebody presses the button.
    floats: nobody does, but its pin is low at once.
    trouble(world): called before each wake; it may spoil something. written: flash operations while waking.
    """

    def __init__(self, deep=True, fast=0.0, scripts=None, chip=None, radio=None):
        self.true_ms = self.zero_ms = 0
        self.retained = b""
        self.fast = fast
        self.wakes = 0
        self.written = 0
        self.by_hand = False
        self.hand_ms = None
        self.floats = False
        self.trouble = None
        self.clock = DS3231Model(lambda: (UTC_MS + self.true_ms) * 1000)
        self.bus = I2CBus([self.clock])
        self.deep = deep
        self._more = {"scripts": scripts, "chip": chip, "radio": radio}
        self.board = DeepBoard(self, None, **self._more)
        self.app, self.host = self.start()

    def start(self):
        app = DeepApp(self.board, lambda: bytes(32), self.board.retained)
        app.mount()
        return app, Host(app)

    def fly(self, until_ms):
        """Let the logger do what it does until this true time."""
        while self.true_ms < until_ms:
            again_ms = self.app.step()
            now_ms = self.board.ticks_ms()
            if again_ms is None or again_ms > now_ms:
                self._rest(until_ms - self.true_ms + now_ms if again_ms is None else again_ms)

    def _rest(self, tick_ms):
        try:
            self.app.rest(tick_ms)
        except Down as down:
            slept_ms = int(down.args[0] * (1 - self.fast))
            if self.floats:
                self.hand_ms = self.true_ms
            self.by_hand = self.hand_ms is not None and self.hand_ms < self.true_ms + slept_ms
            if self.by_hand:
                slept_ms, self.hand_ms = max(0, self.hand_ms - self.true_ms), None
            self.true_ms += slept_ms + _START_MS
            self.wakes += 1
            if self.trouble is not None:
                self.trouble(self)
            flash = self.board.flash
            before = flash.programs + flash.erases
            self.restart(codes.RESET_SLEEP)
            self.written += flash.programs + flash.erases - before

    def restart(self, cause):
        """The chip starts, whatever for."""
        old = self.board
        # Nothing of the logger before lives on.
        app = self.app
        app.trip = app.server = app.link = app.state = app.area = app._store = app._commands = app._sampler = None
        self.board = DeepBoard(self, old.flash, **self._more)
        self.board.reset_cause = cause
        self.app, self.host = self.start()


class DeepBoard(Board):
    """`logger.hardware.Retained` at the same time."""

    def __init__(self, world, flash, **more):
        self.world = world
        world.zero_ms = world.true_ms
        super().__init__(flash, **more)
        self.link.is_connected = False
        self.rtc = DS3231(world.bus)
        self.retained = self
        self.room = 2048
        self.least_ms = 120_000 if world.deep else 1 << 60

    # The board's ticks are true time, from 0 at its start and from elsewhere after a wake.

    @property
    def tick_ms(self):
        return self.world.true_ms - self.world.zero_ms

    @tick_ms.setter
    def tick_ms(self, value):
        self.world.true_ms = self.world.zero_ms + value

    # --- logger.hardware.Retained ---

    def take(self):
        kept, self.world.retained = self.world.retained, b""
        return kept if self.reset_cause == codes.RESET_SLEEP else b""

    def is_quiet(self):
        return not self.pressed

    def is_false_wake(self):
        return self.world.by_hand and not self.pressed

    def go_on(self, tick_ms):
        self.world.zero_ms = self.world.true_ms - tick_ms

    def power_down(self, kept, ms):
        assert len(kept) <= self.room and ms > 0
        self.world.retained = bytes(kept)
        raise Down(ms)
