"""Group 64, what anyone may read: status and live proof (SPEC.md section 9.3)."""

from celltrail_protocol import codes, smp
from celltrail_protocol.records import NO_READING
from celltrail_protocol.seals import NONCE_SIZE, live_mac
from logger.request import octets, refused
from logger.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from logger.files import Files
    from logger.hardware import Board
    from logger.identity import Identity
    from logger.trip import Trip
    from logger.wireless import Wireless

    Map = dict[str, Any]


class Report:
    """Answers that change nothing, but for the pending file that a live proof fixes."""

    def __init__(self, board: "Board", identity: "Identity", trip: "Trip", files: "Files") -> None:
        self._board = board
        self._identity = identity
        self._trip = trip
        self._files = files
        self.chunk = smp.CHUNK
        self.wireless: "Wireless | None" = None

    def has_unread(self) -> bool:
        """Whether the trip holds what no authenticated host has acknowledged."""
        trip = self._trip
        if not trip.ring.trip:
            return False
        state, ring = trip.state, trip.ring
        return (state.read_index, state.read_used) < (ring.index, ring.used()) or trip.recorder.journal.count > 0

    def is_provisioned(self) -> bool:
        """Whether the logger holds a device key."""
        return self._identity.key is not None

    def status(self, request: "Map") -> "Map":
        """CMD_STATUS: all that a person at the parcel wants to know."""
        board, trip, ring = self._board, self._trip, self._trip.ring
        probes, chip = trip.probes.all, board.accelerometer
        answer: "Map" = {
            "state": trip.state.state,
            "reason": trip.state.reason,
            "trip": ring.trip,
            "boot": trip.state.boot,
            "tick": board.ticks_ms(),
            "name": self._identity.name,
            "uid": board.uid,
            "keyed": self.is_provisioned(),
            "kid": self._identity.key_id,
            "unread": self.has_unread(),
            "alarms": trip.alarms.raised,
            "battery": board.battery_mV(),
            "clock": trip.clock is not None,
            "period": trip.schedule.period_ms,
            "slot": trip.schedule.slot,
            "sectors": ring.sectors(),
            "first": ring.places.first_index(),
            "used": ring.used() if ring.trip else 0,
            "free": ring.places.free(),
            "chunk": self.chunk,
            "fw": VERSION,
            "format": codes.FORMAT_VERSION,
            "models": [probe.model for probe in probes],
            "steps": [probe.step_nK for probe in probes],
            "low": [probe.low_raw for probe in probes],
            "high": [probe.high_raw for probe in probes],
            "accel": chip.model if chip else codes.MODEL_NONE,
            "wired": board.wiring_used,
            "last": [None if value == NO_READING else value for value in trip.probes.last],
        }
        if self.wireless is not None:
            answer["radio"] = [self.wireless.ruling.state, self.wireless.ruling.why]
        world_ms = board.world_utc_ms()
        if world_ms is not None:
            answer["world"] = world_ms
        return answer

    def live(self, request: "Map") -> "Map":
        """CMD_LIVE: the proof that this logger holds the key of now, over what lies open."""
        nonce = octets(request, "nonce", NONCE_SIZE, NONCE_SIZE)
        ring, ratchet = self._trip.ring, self._trip.ratchet
        if not ring.is_open or ratchet.key is None:
            raise refused(smp.ERR_STATE, smp.MGMT_BAD_STATE)
        if ring.is_between():
            raise refused(smp.ERR_TOO_SOON, smp.MGMT_BUSY)
        pending = self._files.take_pending()
        used = ring.used()
        open_part = bytearray(used)
        ring.read_into(ring.index, 0, open_part)
        mac = live_mac(ratchet.key, nonce, ring.trip, ratchet.epoch, ring.index, used, open_part, pending)
        return {
            "trip": ring.trip,
            "epoch": ratchet.epoch,
            "index": ring.index,
            "used": used,
            "pending": len(pending),
            "tick": self._board.ticks_ms(),
            "mac": mac,
        }
