"""What the logger advertises, made anew when something in it has changed (SPEC.md section 9.5)."""

from celltrail_protocol import advert, codes
from celltrail_protocol.records import NO_READING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.hardware import Board
    from logger.report import Report
    from logger.trip import Trip

_EVENT_MS = 60000
_nK_PER_cC = 10000000


class Beacon:
    """`poll` tells whether there is a new advertisement in `data`; `response` stays as it is."""

    def __init__(self, board: "Board", trip: "Trip", report: "Report") -> None:
        self._board = board
        self._trip = trip
        self._report = report
        self.name = advert.name(board.uid)
        self.response = advert.response(board.uid)
        self.data = b""
        self._packet = 0
        self._said: "tuple[int, ...]" = ()
        self._alarms = 0
        self._event_until_ms = -1

    def poll(self, now_ms: int) -> bool:
        """Whether what is to be said differs from what was said last."""
        alarms = self._trip.alarms.raised
        if alarms & ~self._alarms:
            self._event_until_ms = now_ms + _EVENT_MS
        elif self._event_until_ms >= 0 and now_ms >= self._event_until_ms:
            self._event_until_ms = -1
        self._alarms = alarms
        said = (self._trip.state.state, self._flags(), alarms, self._trip.schedule.slot, self._event_until_ms)
        if said == self._said:
            return False
        self._said = said
        self._packet = self._packet + 1 & 0xFF
        temp_cC = self._temp_cC()
        battery_mV = self._board.battery_mV()
        event = self._event_until_ms >= 0
        self.data = advert.data(self._packet, battery_mV, temp_cC, event, said[0], said[1], alarms)
        return True

    def due_ms(self) -> "int | None":
        """When the event of a new alarm ends."""
        return self._event_until_ms if self._event_until_ms >= 0 else None

    def _flags(self) -> int:
        flags = codes.ADVERT_ALARM if self._trip.alarms.raised else 0
        if self._report.has_unread():
            flags |= codes.ADVERT_UNREAD
        if 0 < self._board.battery_mV() < codes.BATTERY_LOW_mV:
            flags |= codes.ADVERT_BATTERY_LOW
        if self._report.is_provisioned():
            flags |= codes.ADVERT_PROVISIONED
        return flags

    def _temp_cC(self) -> "int | None":
        """Of the first channel, which is the payload's."""
        last = self._trip.probes.last
        if not last or last[0] == NO_READING:
            return None
        return (last[0] * self._board.thermometers[0].step_nK + _nK_PER_cC // 2) // _nK_PER_cC
