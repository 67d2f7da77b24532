"""The radio as a whole: switched by its policy, advertising while nobody is connected, serving the connection."""

from logger.beacon import Beacon
from logger.radio_link import RadioLink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.caller import Caller
    from logger.files import Files
    from logger.hardware import Board, Radio
    from logger.radio_policy import RadioPolicy
    from logger.report import Report
    from logger.server import Server
    from logger.trip import Trip

# A stack that refuses to advertise is asked again; one that refuses on and on is switched off and on.
_AGAIN_MS = 2000
_MOST_REFUSALS = 5


def _sooner(one: int, other: "int | None") -> int:
    return one if other is None or one < other else other


class Wireless:
    """`poll` does what is due; `is_on` tells whether the radio is."""

    def __init__(
        self,
        radio: "Radio",
        board: "Board",
        trip: "Trip",
        report: "Report",
        files: "Files",
        caller: "Caller",
        server: "Server",
        policy: "RadioPolicy",
    ) -> None:
        self._radio = radio
        self.ruling = policy
        self._beacon = Beacon(board, trip, report)
        self.link = RadioLink(radio, files, caller, server)
        self.is_on = False
        self._advertising_ms = 0
        self._again_ms = -1
        self._refusals = 0

    def poll(self, now_ms: int) -> "int | None":
        """When to come again. Raises RingFull."""
        policy_ms = self.ruling.poll(now_ms, self.link.connected())
        own_ms = self._poll(now_ms, self.ruling.interval_ms)
        return own_ms if policy_ms is None else _sooner(policy_ms, own_ms)

    def _poll(self, now_ms: int, interval_ms: int) -> "int | None":
        """`interval_ms`: how often to advertise; 0: the radio is to be off."""
        if now_ms < self._again_ms:
            return self._again_ms
        if self.is_on != (interval_ms > 0):
            self._switch(interval_ms > 0, now_ms)
        if not self.is_on:
            return self._again_ms if self._again_ms > now_ms else None
        again_ms = self.link.poll(now_ms)
        if self.link.is_stuck:
            # Nothing else helps a stack that has lost its connection's end.
            self._switch(False, now_ms)
            return now_ms + _AGAIN_MS
        if self.link.connected():
            self._advertising_ms = 0
            return again_ms
        return self._advertise(now_ms, interval_ms)

    def _switch(self, on: bool, now_ms: int) -> None:
        self._advertising_ms = self._refusals = 0
        self.is_on = self._radio.power(on, self._beacon.name) and on
        self.link.poll(now_ms)
        self._again_ms = now_ms + _AGAIN_MS if on and not self.is_on else -1

    def _advertise(self, now_ms: int, interval_ms: int) -> "int | None":
        changed = self._beacon.poll(now_ms)
        if changed or interval_ms != self._advertising_ms:
            if not self._radio.advertise(interval_ms, self._beacon.data, self._beacon.response):
                return self._refused(now_ms)
            self._advertising_ms = interval_ms
            self._refusals = 0
        return self._beacon.due_ms()

    def _refused(self, now_ms: int) -> int:
        self._advertising_ms = 0
        self._refusals += 1
        if self._refusals >= _MOST_REFUSALS:
            self._switch(False, now_ms)
        self._again_ms = now_ms + _AGAIN_MS
        return self._again_ms
