"""Group 64: status, challenge, and the commands that change the logger (SPEC.md section 9.3)."""

from celltrail_protocol import cbor, codes, frames, smp
from celltrail_protocol.layout import ProtocolError
from celltrail_protocol.plan import LONGEST_PLAN, validate
from celltrail_protocol.records import NO_READING, SECTOR_SIZE, STORE_IDENTITY
from celltrail_protocol.seals import KEY_SIZE, NONCE_SIZE, commitment, live_mac
from logger.prover import Prover
from logger.request import integer, octets, refused, text
from logger.ring import RingFull
from logger.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from logger.files import Files
    from logger.hardware import Board
    from logger.store import Store
    from logger.trip import Trip

    Map = dict[str, Any]

_MARK_PAUSE_MS = 10000
_MARK_BURST = 5
_LONGEST_NAME = 24


def checked_identity(identity: "Any") -> "Map":
    """The identity as the store holds it; raises ProtocolError when it is none."""
    if not isinstance(identity, dict) or not isinstance(identity.get("name", ""), str):
        raise ProtocolError("identity: no map with a name")
    key = identity.get("key")
    if key is not None and not (isinstance(key, bytes) and len(key) == KEY_SIZE):
        raise ProtocolError("identity: no key of 32 bytes")
    return identity


class Commands:
    """`image_hash` gives the SHA-256 over the firmware's files."""

    def __init__(
        self, board: "Board", store: "Store", trip: "Trip", files: "Files", image_hash: "Callable[[], bytes]"
    ) -> None:
        self._board = board
        self._store = store
        self._trip = trip
        self._files = files
        self._image_hash = image_hash
        self._prover = Prover(board.random)
        self._identity: "Map" = {}
        self._marks = _MARK_BURST
        self._marks_ms = 0
        self._told_wrong_key = False
        self.reset_wanted = False
        self.marked = False
        self._proven = {
            smp.CMD_ARM: self._arm,
            smp.CMD_START: self._start,
            smp.CMD_STOP: self._stop,
            smp.CMD_MARK: self._proven_mark,
            smp.CMD_ERASE: self._erase,
            smp.CMD_CLOCK: self._clock,
            smp.CMD_ACKNOWLEDGE: self._acknowledge,
            smp.CMD_PROVISION: self._set_identity,
            smp.CMD_RESET: self._reset,
        }

    def mount(self) -> None:
        """Read who this logger is."""
        data = self._store.get(STORE_IDENTITY)
        try:
            self._identity = checked_identity(cbor.loads(data)) if data else {}
        except ProtocolError:
            # Bytes that check and are none of ours: as if there was none.
            self._identity = {}

    # Reading

    def _has_unread(self) -> bool:
        trip = self._trip
        if not trip.ring.trip:
            return False
        state, ring = trip.state, trip.ring
        return (state.read_index, state.read_used) < (ring.index, ring.used()) or trip.recorder.journal.count > 0

    def status(self, request: "Map") -> "Map":
        """CMD_STATUS: all that a person at the parcel wants to know."""
        board, trip, ring = self._board, self._trip, self._trip.ring
        probes, chip = board.thermometers, board.accelerometer
        answer: "Map" = {
            "state": trip.state.state,
            "reason": trip.state.reason,
            "trip": ring.trip,
            "boot": trip.state.boot,
            "tick": board.ticks_ms(),
            "name": self._identity.get("name", ""),
            "uid": board.uid,
            "keyed": "key" in self._identity,
            "unread": self._has_unread(),
            "alarms": trip.alarms.raised,
            "battery": board.battery_mV(),
            "clock": trip.clock is not None,
            "period": trip.schedule.period_ms,
            "slot": trip.schedule.slot,
            "sectors": ring.sectors(),
            "first": ring.places.first_index(),
            "used": ring.used() if ring.trip else 0,
            "free": ring.places.free(),
            "chunk": smp.CHUNK,
            "fw": VERSION,
            "format": codes.FORMAT_VERSION,
            "models": [probe.model for probe in probes],
            "steps": [probe.step_nK for probe in probes],
            "low": [probe.low_raw for probe in probes],
            "high": [probe.high_raw for probe in probes],
            "accel": chip.model if chip else codes.MODEL_NONE,
            "last": [None if value == NO_READING else value for value in trip.probes.last],
        }
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

    # Proofs

    def challenge(self, request: "Map") -> "Map":
        """CMD_CHALLENGE: nonces are exchanged, and the host may pair its clock with the tick."""
        hn = octets(request, "hn", NONCE_SIZE, NONCE_SIZE)
        tick_ms = self._board.ticks_ms()
        dn = self._prover.challenge(hn, tick_ms)
        if dn is None:
            raise refused(smp.ERR_TOO_SOON, smp.MGMT_BUSY)
        answer: "Map" = {"dn": dn, "tick": tick_ms, "boot": self._trip.state.boot}
        world_ms = self._board.world_utc_ms()
        if world_ms is not None:
            answer["world"] = world_ms
        return answer

    def forget_challenge(self) -> None:
        """The connection has ended."""
        self._prover.forget()

    def run(self, command: int, request: "Map") -> "Map":
        """A command that changes the logger: proven, or one of the two that may come without proof."""
        if command not in self._proven:
            raise refused(smp.ERR_BAD_REQUEST, smp.MGMT_NOT_SUPPORTED)
        key = self._identity.get("key")
        if "m" not in request:
            return self._run_open(command, request, key)
        if key is None:
            raise refused(smp.ERR_NO_KEY, smp.MGMT_DENIED)
        body = octets(request, "a", 1, smp.LONGEST_MESSAGE)
        mac = octets(request, "m", 32, 32)
        now_ms = self._board.ticks_ms()
        if not self._prover.check(key, command, integer(request, "n", 1, 0xFFFFFFFF), body, mac, now_ms):
            self._note_wrong_key(now_ms)
            raise refused(smp.ERR_NOT_PROVEN, smp.MGMT_DENIED)
        inner = cbor.loads(body)
        if not isinstance(inner, dict):
            raise refused(smp.ERR_BAD_REQUEST)
        answer = cbor.dumps(self._carry_out(command, inner, now_ms))
        return {"a": answer, "m": self._prover.answer(key, command, answer)}

    def _run_open(self, command: int, request: "Map", key: "bytes | None") -> "Map":
        now_ms = self._board.ticks_ms()
        if command == smp.CMD_PROVISION and key is None:
            return self._set_identity(request, now_ms)
        if command == smp.CMD_MARK and self._trip.plan["marks_open"]:
            return self._open_mark(request, now_ms)
        raise refused(smp.ERR_NOT_PROVEN, smp.MGMT_DENIED)

    def _note_wrong_key(self, now_ms: int) -> None:
        """Once a boot: nobody shall wear the flash by guessing."""
        if self._prover.failures and not self._told_wrong_key and self._trip.ring.is_open:
            self._told_wrong_key = True
            try:
                self._trip.fault(codes.SOURCE_LINK, codes.FAULT_WRONG_KEY, 0, now_ms)
            except RingFull:
                # The trip ends for want of room anyway.
                pass

    def _carry_out(self, command: int, request: "Map", now_ms: int) -> "Map":
        try:
            return self._proven[command](request, now_ms)
        except RingFull:
            raise refused(smp.ERR_STATE, smp.MGMT_BAD_STATE)

    def _audit(self, command: int, request: "Map", now_ms: int) -> None:
        self._trip.event(frames.COMMAND, (now_ms, command, text(request, "op", 12)), now_ms)

    # Commands; each takes the request and the tick, and gives the answer

    def _require(self, *states: int) -> None:
        if self._trip.state.state not in states:
            raise refused(smp.ERR_STATE, smp.MGMT_BAD_STATE)

    def _require_read(self, request: "Map") -> None:
        if self._has_unread() and request.get("discard") is not True:
            raise refused(smp.ERR_UNREAD, smp.MGMT_BAD_STATE)

    def _set_identity(self, request: "Map", now_ms: int) -> "Map":
        name = text(request, "name", _LONGEST_NAME)
        if "key" in self._identity:
            raise refused(smp.ERR_KEY_SET, smp.MGMT_BAD_STATE)
        identity: "Map" = {"name": name.decode(), "key": octets(request, "key", KEY_SIZE, KEY_SIZE)}
        if not self._store.put(STORE_IDENTITY, cbor.dumps(identity)):
            raise refused(smp.ERR_UNKNOWN, smp.MGMT_UNKNOWN)
        self._identity = identity
        return {"uid": self._board.uid}

    def _arm(self, request: "Map", now_ms: int) -> "Map":
        self._require(codes.STATE_IDLE, codes.STATE_STOPPED)
        self._require_read(request)
        k0 = octets(request, "k0", KEY_SIZE, KEY_SIZE)
        data = octets(request, "plan", 1, LONGEST_PLAN)
        try:
            validate(cbor.loads(data), [(probe.low_raw, probe.high_raw) for probe in self._board.thermometers])
        except ProtocolError:
            raise refused(smp.ERR_PLAN)
        pair = self._pair(request, now_ms)
        text(request, "op", 12)
        trip = self._trip
        trip.arm(k0, data, now_ms)
        self._audit(smp.CMD_ARM, request, now_ms)
        trip.set_clock(*pair, now_ms)
        return {
            "trip": trip.state.trip,
            "tick": now_ms,
            "settings": trip.settings,
            "commit": commitment(k0),
            "fw": self._image_hash(),
            "sequence": trip.ring.sequence,
        }

    def _pair(self, request: "Map", now_ms: int) -> "tuple[int, int, int, int]":
        """(tick, UTC, uncertainty, source) that the host has paired; its tick is of this boot and not to come."""
        return (
            integer(request, "tick", 0, now_ms),
            integer(request, "utc", 0, (1 << 48) - 1),
            integer(request, "unc", 0, 0xFFFFFFFF),
            integer(request, "src", codes.CLOCK_HOST, codes.CLOCK_VIRTUAL),
        )

    def _clock(self, request: "Map", now_ms: int) -> "Map":
        pair = self._pair(request, now_ms)
        if self._trip.ring.is_open:
            self._audit(smp.CMD_CLOCK, request, now_ms)
        self._trip.set_clock(*pair, now_ms)
        return {}

    def _start(self, request: "Map", now_ms: int) -> "Map":
        self._require(codes.STATE_ARMED)
        self._audit(smp.CMD_START, request, now_ms)
        self._trip.begin(codes.REASON_COMMAND, now_ms)
        return {}

    def _stop(self, request: "Map", now_ms: int) -> "Map":
        self._require(codes.STATE_ARMED, codes.STATE_LOGGING)
        try:
            self._audit(smp.CMD_STOP, request, now_ms)
        except RingFull:
            # A full ring still has room for a stop, if not for who asked for it.
            pass
        self._trip.stop(codes.REASON_COMMAND, now_ms)
        return {}

    def _proven_mark(self, request: "Map", now_ms: int) -> "Map":
        return self._mark(request, frames.MARK_PROVEN, now_ms)

    def _open_mark(self, request: "Map", now_ms: int) -> "Map":
        """A mark without proof: some at once, then one in ten seconds, so that nobody fills the ring."""
        refill = (now_ms - self._marks_ms) // _MARK_PAUSE_MS
        self._marks = min(_MARK_BURST, self._marks + refill)
        self._marks_ms += refill * _MARK_PAUSE_MS
        if self._marks <= 0:
            raise refused(smp.ERR_TOO_SOON, smp.MGMT_BUSY)
        answer = self._mark(request, 0, now_ms)
        self._marks -= 1
        return answer

    def _mark(self, request: "Map", flags: int, now_ms: int) -> "Map":
        self._require(codes.STATE_ARMED, codes.STATE_LOGGING)
        values = (
            integer(request, "kind", codes.MARK_PACKED, codes.MARK_FREE),
            integer(request, "outcome", codes.OUTCOME_NONE, codes.OUTCOME_FAIL),
            flags,
            text(request, "op", 12),
            text(request, "place", 16),
            text(request, "note", 80),
        )
        self._trip.mark(values, now_ms)
        self.marked = True
        return {"tick": now_ms}

    def _erase(self, request: "Map", now_ms: int) -> "Map":
        self._require(codes.STATE_IDLE, codes.STATE_STOPPED)
        self._require_read(request)
        text(request, "op", 12)
        if not self._trip.erase():
            raise refused(smp.ERR_UNKNOWN, smp.MGMT_UNKNOWN)
        return {}

    def _acknowledge(self, request: "Map", now_ms: int) -> "Map":
        state, ring = self._trip.state, self._trip.ring
        if not ring.trip or integer(request, "trip", 0, 0xFFFFFFFF) != ring.trip:
            raise refused(smp.ERR_NO_TRIP, smp.MGMT_NO_ENTRY)
        index = integer(request, "index", 0, ring.index)
        used = integer(request, "used", 0, ring.used() if index == ring.index else SECTOR_SIZE)
        if (index, used) > (state.read_index, state.read_used):
            state.read_index, state.read_used = index, used
            if not state.save():
                raise refused(smp.ERR_UNKNOWN, smp.MGMT_UNKNOWN)
        return {}

    def _reset(self, request: "Map", now_ms: int) -> "Map":
        if self._trip.ring.is_open:
            self._audit(smp.CMD_RESET, request, now_ms)
        self.reset_wanted = True
        return {}
