"""When the radio is on: what asks for it, time windows, and the suspension in flight (SPEC.md section 8.1)."""

from celltrail_protocol import codes, frames
from celltrail_protocol.plan import RADIO_DEFAULT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.flight import Flight
    from logger.hardware import Board
    from logger.sampler import Sampler
    from logger.trip import Trip

# Without a trip a logger lies on a shelf; whoever takes it into a hand presses its button.
_IDLE_MS = 3600000
_IDLE_INTERVAL_MS = 1000
_LOOK_MS = 30000
_LOOK_AGAIN_MS = 5000


def _sooner(one: int, other: "int | None") -> int:
    return one if other is None or one < other else other


class RadioPolicy:
    """`poll` decides: `state` and `why` (codes.RADIO_*, ASK_*, FLIGHT_*), and `interval_ms`, 0 for off."""

    def __init__(self, board: "Board", trip: "Trip", sampler: "Sampler") -> None:
        self._board = board
        self._trip = trip
        self._sampler = sampler
        self._number = -1
        self._radio = RADIO_DEFAULT
        self._until_ms = 0
        self._asked = 0
        self._flight: "Flight | None" = None
        self._look_ms = 0
        self.state = codes.RADIO_OFF
        self.why = 0
        self.interval_ms = 0

    def ask(self, by: int, now_ms: int) -> None:
        """Something (codes.ASK_*) asks for the radio, and gets it for a while if the plan says so."""
        if not self._number:
            self._keep(by, now_ms + _IDLE_MS)
        elif by & (self._radio[3] | codes.ASK_CONNECTION):
            self._keep(by, now_ms + self._radio[2] * 1000)

    def _keep(self, by: int, until_ms: int) -> None:
        if self._until_ms < until_ms:
            self._until_ms, self._asked = until_ms, by

    def poll(self, now_ms: int, connected: bool) -> "int | None":
        """When to come again. `connected`: whether a host is, over the radio. Raises RingFull."""
        trip = self._trip
        number = trip.ring.trip if trip.ring.is_open else 0
        if number != self._number:
            self._turn(number, now_ms)
        if connected:
            self.ask(codes.ASK_CONNECTION, now_ms)
        if self._board.link.connected():
            self.ask(codes.ASK_CABLE, now_ms)
        if trip.boot_due_ms >= 0:
            # Not before a restart has come to stay: nothing of it is recorded yet.
            return trip.boot_due_ms
        if number:
            return self._poll_trip(now_ms)
        on = now_ms < self._until_ms
        self._set(codes.RADIO_ON if on else codes.RADIO_OFF, self._asked if on else 0)
        self.interval_ms = _IDLE_INTERVAL_MS if on else 0
        # A board without a trip looks by itself once in a while.
        return None

    def _turn(self, number: int, now_ms: int) -> None:
        """A trip has begun, goes on after a restart, or has ended."""
        plan = self._trip.plan
        self._radio = plan.get("radio", RADIO_DEFAULT)
        self._until_ms = now_ms + (0 if number else _IDLE_MS)
        self._asked = 0
        self._flight = None
        if number and "flight" in plan:
            from logger.flight import Flight

            # After a restart it may be in the air; who arms it stands on the ground.
            self._flight = Flight(plan["flight"], _LOOK_MS, self._trip.boot_due_ms >= 0, now_ms)
        self._look_ms = now_ms + _LOOK_MS
        self._number = number
        self._set(codes.RADIO_OFF, 0)
        self.interval_ms = 0

    def _set(self, state: int, why: int) -> None:
        self.state = state
        self.why = why

    def _poll_trip(self, now_ms: int) -> "int | None":
        again_ms = self._look(now_ms)
        if self._sampler.knocked(now_ms):
            self.ask(codes.ASK_KNOCK, now_ms)
        is_open, next_ms = self._window(now_ms)
        if self._radio[0] == codes.RADIO_ALWAYS:
            why = codes.ASK_ALWAYS
        elif is_open:
            why = codes.ASK_WINDOW
        elif now_ms < self._until_ms:
            why = self._asked
            next_ms = _sooner(self._until_ms, next_ms)
        else:
            why = 0
        state = codes.RADIO_ON if why else codes.RADIO_OFF
        flight = self._flight
        if flight is not None and flight.is_suspended:
            state, why = codes.RADIO_SUSPENDED, flight.why
        self.interval_ms = self._radio[1] if state == codes.RADIO_ON else 0
        if state != self.state:
            self._set(state, why)
            pressure_Pa = flight.pressure_Pa if flight is not None else 0
            self._trip.event(frames.RADIO, (now_ms, state, why, pressure_Pa), now_ms)
        return next_ms if again_ms is None else _sooner(again_ms, next_ms)

    def _window(self, now_ms: int) -> "tuple[bool, int | None]":
        """Whether a time window is open, and when that may change; without a clock none is."""
        clock, is_open = self._trip.clock, False
        next_ms: "int | None" = None
        if clock is None:
            return False, None
        utc_ms = clock[1] + now_ms - clock[0]
        for from_s, for_s, every_s in self._trip.plan.get("times", ()):
            since_ms, every_ms = utc_ms - from_s * 1000, every_s * 1000
            if every_s and since_ms >= 0:
                since_ms %= every_ms
            if 0 <= since_ms < for_s * 1000:
                is_open = True
                left_ms = for_s * 1000 - since_ms
            elif since_ms < 0 or every_s:
                left_ms = (every_ms if since_ms >= 0 else 0) - since_ms
            else:
                continue
            next_ms = _sooner(now_ms + left_ms, next_ms)
        return is_open, next_ms

    def _look(self, now_ms: int) -> "int | None":
        """Ask both sources for a flight, when it is time."""
        flight = self._flight
        if flight is None:
            return None
        if now_ms >= self._look_ms:
            pressure_Pa, motion_mg = self._sampler.sense_flight()
            flight.take(pressure_Pa, motion_mg, now_ms)
            self._look_ms = now_ms + (_LOOK_AGAIN_MS if flight.is_doubtful else _LOOK_MS)
            # The accelerometer was woken for it.
            return now_ms
        return self._look_ms
