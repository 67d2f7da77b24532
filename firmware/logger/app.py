"""The whole logger: link, trip, button and LED, one step at a time; the board does the waiting."""

from celltrail_protocol import codes, frames
from logger.area import Area
from logger.commands import Commands
from logger.console_link import ConsoleLink
from logger.files import Files
from logger.radio_policy import RadioPolicy
from logger.ring import RingFull
from logger.sampler import Sampler
from logger.server import Server
from logger.standard import Standard
from logger.state import State
from logger.store import Store
from logger.trip import Trip
from logger.wireless import Wireless

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from logger.hardware import Board

_PRESS_MS = 50
_HOLD_MS = 3000
_BUSY_MS = 5
_SHOW_MARK_MS = 2000
_GOODBYE_MS = 1000


def _sooner(one: "int | None", other: "int | None") -> "int | None":
    if one is None:
        return other
    return one if other is None or one < other else other


class App:
    """`step` does what is due and tells when it wants to be called again."""

    def __init__(self, board: "Board", image_hash: "Callable[[], bytes]") -> None:
        self.board = board
        self.area = Area(board.flash)
        self._store = Store(self.area)
        self.state = State(self._store)
        self.trip = Trip(board, self.area, self._store, self.state)
        self._sampler = Sampler(board, self.trip)
        files = Files(self.trip, board.feed)
        self._commands = Commands(board, self._store, self.trip, files, image_hash)
        self.link = ConsoleLink(board.link, files)
        standard = Standard(board, self.area, self.trip, self.link, self._commands)
        self.server = Server(self._commands, files, standard)
        self.link.serve(self.server)
        self.wireless: "Wireless | None" = None
        if board.radio is not None:
            report, air = self._commands.report, self._commands.air
            policy = RadioPolicy(board, self.trip, self._sampler)
            self.wireless = Wireless(board.radio, board, self.trip, report, files, air, self.server, policy)
            standard.wireless = report.wireless = self.wireless
        self._connected = False
        self._waiting = False
        self._pressed_ms = -1
        self._held = False
        self._mark_shown_ms = -1
        self._led = -1
        self._reset_due_ms = -1

    def mount(self) -> None:
        """Read the flash and go on with what was under way."""
        self._store.mount()
        self.state.load()
        self.trip.mount(self.board.ticks_ms())
        self._commands.mount()

    def step(self) -> "int | None":
        """Do what is due; the tick of the next thing to do, or None for none."""
        board = self.board
        board.feed()
        again_ms = self._serve(board.ticks_ms())
        # Serving may have taken long.
        now_ms = board.ticks_ms()
        again_ms = _sooner(again_ms, self._watch_button(now_ms))
        again_ms = _sooner(again_ms, self._run_trip(now_ms))
        again_ms = _sooner(again_ms, self._serve_air(now_ms))
        self._obey_commands(now_ms)
        # Not before a restart has come to stay: a brown-out loop must not wear the flash.
        if self.trip.ring.places.untidy() and self.trip.boot_due_ms < 0 and not self._sampler.awake():
            self.trip.ring.places.tidy()
            again_ms = now_ms
        return _sooner(again_ms, self._show(now_ms))

    def run(self) -> None:
        """Step and wait for ever."""
        while True:
            until_ms = self.step()
            if until_ms is None or until_ms > self.board.ticks_ms():
                self.rest(until_ms)

    def rest(self, until_ms: "int | None") -> None:
        """Nothing is to be done before then."""
        self.board.wait(until_ms)

    def last_words(self) -> None:
        """Tell the record that the firmware has failed."""
        self.trip.last_words(self.board.ticks_ms())

    def _run_trip(self, now_ms: int) -> "int | None":
        try:
            return _sooner(self.trip.keep_time(now_ms), self._sampler.poll(now_ms))
        except RingFull:
            return self._end_full(now_ms)

    def _end_full(self, now_ms: int) -> int:
        self.trip.stop(codes.REASON_FULL, now_ms)
        return now_ms

    def _serve(self, now_ms: int) -> "int | None":
        connected = self.board.link.connected()
        # A connection may come and go between two steps, and leave half a line behind.
        if not connected and (self._connected or not self.link.is_fresh()):
            self._commands.cable.forget()
            self.link.connection_lost()
        self._connected = connected
        self._waiting = self.link.poll()
        return now_ms + _BUSY_MS if self._waiting else None

    def _serve_air(self, now_ms: int) -> "int | None":
        if self.wireless is None:
            return None
        try:
            return self.wireless.poll(now_ms)
        except RingFull:
            return self._end_full(now_ms)

    def _obey_commands(self, now_ms: int) -> None:
        if self._commands.marked:
            self._commands.marked = False
            self._mark_shown_ms = now_ms + _SHOW_MARK_MS
        if self._commands.reset_wanted:
            # A radio does not tell whether the answer is out.
            on_air = self.wireless is not None and self.wireless.link.connected()
            self._reset(self._waiting or on_air, now_ms)

    def _reset(self, waiting: bool, now_ms: int) -> None:
        """Restart as soon as the answer has gone out, or nobody takes it."""
        if self._reset_due_ms < 0:
            self._reset_due_ms = now_ms + _GOODBYE_MS
        if not waiting or now_ms >= self._reset_due_ms:
            self.board.reset()

    # Button: a press is a mark or the start, holding it 3 s the stop

    def _watch_button(self, now_ms: int) -> "int | None":
        if not self.board.button():
            held_ms = now_ms - self._pressed_ms
            if self._pressed_ms >= 0 and not self._held and held_ms >= _PRESS_MS:
                self._obey(self._press, now_ms)
            self._pressed_ms = -1
            self._held = False
            return None
        if self._pressed_ms < 0:
            self._pressed_ms = now_ms
        if not self._held and now_ms - self._pressed_ms >= _HOLD_MS:
            self._held = True
            self._obey(self._hold, now_ms)
        return None if self._held else self._pressed_ms + _HOLD_MS

    def _obey(self, action: "Callable[[int], None]", now_ms: int) -> None:
        try:
            action(now_ms)
        except RingFull:
            self._end_full(now_ms)

    def _press(self, now_ms: int) -> None:
        if self.wireless:
            self.wireless.ruling.ask(codes.ASK_BUTTON, now_ms)
        if self.state.state == codes.STATE_ARMED and self.trip.plan["start"] == codes.START_BUTTON:
            self.trip.begin(codes.REASON_BUTTON, now_ms)
        elif self.state.in_trip() and self._mark_shown_ms < now_ms:
            # One mark, however often the button is pressed while the last one is shown.
            values = (codes.MARK_BUTTON, codes.OUTCOME_NONE, frames.MARK_BY_BUTTON, b"", b"", b"")
            self.trip.mark(values, now_ms)
            self._mark_shown_ms = now_ms + _SHOW_MARK_MS

    def _hold(self, now_ms: int) -> None:
        if self.state.state == codes.STATE_LOGGING and self.trip.plan["stop_button"]:
            self.trip.stop(codes.REASON_BUTTON, now_ms)

    # LED

    def _show(self, now_ms: int) -> "int | None":
        if self._mark_shown_ms > now_ms:
            self._set_led(codes.LED_MARK)
            return self._mark_shown_ms
        self._mark_shown_ms = -1
        if self.trip.alarms.raised:
            self._set_led(codes.LED_ALARM)
        elif self._sampler.failing() or self.area.failure is not None:
            self._set_led(codes.LED_FAULT)
        elif self.state.in_trip() and self.wireless is not None and self.wireless.is_on:
            self._set_led(codes.LED_RADIO)
        elif self.state.state == codes.STATE_LOGGING:
            self._set_led(codes.LED_LOGGING)
        elif self.state.state == codes.STATE_ARMED:
            self._set_led(codes.LED_ARMED)
        else:
            self._set_led(codes.LED_READY)
        return None

    def _set_led(self, pattern: int) -> None:
        if pattern != self._led:
            self._led = pattern
            self.board.led(pattern)
