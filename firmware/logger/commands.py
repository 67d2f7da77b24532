"""Group 64: challenge, and the commands that change the logger (SPEC.md section 9.3)."""

from celltrail_protocol import cbor, codes, frames, smp
from celltrail_protocol.records import SECTOR_SIZE, STORE_CALIBRATION
from celltrail_protocol.seals import NONCE_SIZE
from logger.audit import Audit
from logger.caller import Caller
from logger.forget import forget
from logger.identity import Identity
from logger.prover import Prover
from logger.refused import Refused
from logger.report import Report
from logger.request import integer, octets, refused, text
from logger.ring import RingFull

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from logger.files import Files
    from logger.hardware import Board
    from logger.prover import Challenge
    from logger.store import Store
    from logger.trip import Trip

    Map = dict[str, Any]

_MARK_PAUSE_MS = 10000
_MARK_BURST = 5
# Besides those that need no more than their request.
_OTHERS = (smp.CMD_PROVISION, smp.CMD_ROTATE, smp.CMD_ARM, smp.CMD_WIRE, smp.CMD_CALIBRATE, smp.CMD_TEST)


class Commands:
    """`image_hash` gives the SHA-256 over the firmware's files."""

    def __init__(
        self, board: "Board", store: "Store", trip: "Trip", files: "Files", image_hash: "Callable[[], bytes]"
    ) -> None:
        self._board = board
        self._store = store
        self._trip = trip
        self._files = files
        self.image_hash = image_hash
        self._identity = Identity(store)
        self._audit = Audit(store, trip)
        self.report = Report(board, self._identity, trip, files)
        # Each link has its own challenges; `caller` is whose request is being answered.
        self.cable = Caller(Prover(board.random))
        self.air = Caller(Prover(board.random, self.cable.prover))
        self.caller = self.cable
        self._marks = _MARK_BURST
        self._marks_ms = 0
        self.reset_wanted = False
        self.marked = False
        self._proven = {
            smp.CMD_START: self._start,
            smp.CMD_STOP: self._stop,
            smp.CMD_MARK: self._proven_mark,
            smp.CMD_ERASE: self._erase,
            smp.CMD_CLOCK: self._clock,
            smp.CMD_ACKNOWLEDGE: self._acknowledge,
            smp.CMD_RESET: self._reset,
            smp.CMD_CHECK: self._check,
        }

    def mount(self) -> None:
        """Read who this logger is, and what waits for the next trip's record; after the trip was mounted."""
        self._identity.mount()
        self._audit.mount()

    # Proofs

    def challenge(self, request: "Map") -> "Map":
        """CMD_CHALLENGE: nonces are exchanged, and the host may pair its clock with the tick."""
        hn = octets(request, "hn", NONCE_SIZE, NONCE_SIZE)
        tick_ms = self._board.ticks_ms()
        boot = self._trip.state.boot
        dn = self.caller.prover.challenge(hn, boot, tick_ms)
        if dn is None:
            raise refused(smp.ERR_TOO_SOON, smp.MGMT_BUSY)
        answer: "Map" = {"dn": dn, "tick": tick_ms, "boot": boot}
        world_ms = self._board.world_utc_ms()
        if world_ms is not None:
            answer["world"] = world_ms
        return answer

    def turn_to(self, caller: "Caller") -> None:
        """From now on this one asks."""
        self.caller = caller
        self.report.chunk = self._files.chunk = caller.chunk

    def run(self, command: int, request: "Map") -> "Map":
        """A command that changes the logger: proven, or one of the two that may come without proof."""
        if command not in self._proven and command not in _OTHERS:
            raise refused(smp.ERR_BAD_REQUEST, smp.MGMT_NOT_SUPPORTED)
        key = self._identity.key
        if "m" not in request:
            return self._run_open(command, request, key)
        if key is None:
            raise refused(smp.ERR_NO_KEY, smp.MGMT_DENIED)
        now_ms = self._board.ticks_ms()
        body = octets(request, "a", 1, smp.LONGEST_MESSAGE)
        opened = self._prove(key, command, request, body, now_ms)
        # Before anything is done: a nonce of this boot must never come again.
        self._audit.keep_boot()
        inner = cbor.loads(body)
        if not isinstance(inner, dict):
            raise refused(smp.ERR_BAD_REQUEST)
        answer = cbor.dumps(self._carry_out(command, inner, opened, now_ms))
        return {"a": answer, "m": opened.answer(key, command, answer)}

    def _prove(self, key: bytes, command: int, request: "Map", body: bytes, now_ms: int) -> "Challenge":
        mac = octets(request, "m", 32, 32)
        name = octets(request, "c", 0, NONCE_SIZE) if "c" in request else b""
        number = integer(request, "n", 1, 0xFFFFFFFF)
        try:
            opened = self.caller.prover.check(key, command, number, name, body, mac, now_ms)
        except Refused as why:
            if why.code == smp.ERR_NOT_PROVEN:
                self._audit.wrong_key(now_ms)
            raise
        self.caller.proven = True
        return opened

    def _run_open(self, command: int, request: "Map", key: "bytes | None") -> "Map":
        now_ms = self._board.ticks_ms()
        # Over the air the key would go in clear to whoever listens.
        if command == smp.CMD_PROVISION and key is None and self.caller is self.cable:
            return self._with_key(command, request, None, frames.COMMAND_OPEN, now_ms)
        if command == smp.CMD_WIRE and key is None:
            return self._on_bench(command, request, frames.COMMAND_OPEN, now_ms)
        if command == smp.CMD_MARK and self._trip.plan["marks_open"]:
            return self._open_mark(request, now_ms)
        raise refused(smp.ERR_NOT_PROVEN, smp.MGMT_DENIED)

    def _carry_out(self, command: int, request: "Map", opened: "Challenge", now_ms: int) -> "Map":
        try:
            if command in self._proven:
                return self._proven[command](request, now_ms)
            if command >= smp.CMD_WIRE:
                return self._on_bench(command, request, 0, now_ms)
            return self._with_key(command, request, opened, 0, now_ms)
        except RingFull:
            raise refused(smp.ERR_STATE, smp.MGMT_BAD_STATE)

    def calibrations(self, request: "Map") -> "Map":
        """CMD_CALIBRATE, read: what is kept of calibrations."""
        return {"cal": self._store.get(STORE_CALIBRATION) or b""}

    # Commands; each takes the request and the tick, and gives the answer

    def _require(self, *states: int) -> None:
        if self._trip.state.state not in states:
            raise refused(smp.ERR_STATE, smp.MGMT_BAD_STATE)

    def _discards(self, request: "Map") -> int:
        """The command's flags: whether unread data is lost with it; raises Refused unless that is wanted."""
        if not self.report.has_unread():
            return 0
        if request.get("discard") is not True:
            raise refused(smp.ERR_UNREAD, smp.MGMT_BAD_STATE)
        return frames.COMMAND_DISCARDED

    def _check(self, request: "Map", now_ms: int) -> "Map":
        """Nothing: the proofs say that both sides hold the key."""
        return {}

    def _with_key(self, command: int, request: "Map", opened: "Challenge | None", flags: int, now_ms: int) -> "Map":
        """Provision, rotate, arm: what brings a key, and comes once in a while."""
        from logger.keying import Keying

        try:
            keying = Keying(self._board, self._trip, self._identity, self._audit)
            if command == smp.CMD_PROVISION or opened is None:
                return keying.provision(request, flags, now_ms)
            if command == smp.CMD_ROTATE:
                return keying.rotate(request, opened, now_ms)
            self._require(codes.STATE_IDLE, codes.STATE_STOPPED)
            pair = self._pair(request, now_ms)
            answer = keying.arm(request, opened, self._discards(request), pair, now_ms)
            answer["fw"] = self.image_hash()
            return answer
        finally:
            forget("logger.keying")

    def _on_bench(self, command: int, request: "Map", flags: int, now_ms: int) -> "Map":
        """Wiring, calibrations, self-test: what is done between trips only."""
        self._require(codes.STATE_IDLE, codes.STATE_STOPPED)
        from logger.bench import run

        wireless = self.report.wireless
        radio_on = None if wireless is None else wireless.is_on
        try:
            answer, detail, kind, data = run(self._board, self._trip, radio_on, command, request)
        finally:
            forget("logger.bench", "celltrail_protocol.wiring")
        self._audit.keep_boot()
        self._audit.note(command, request, now_ms, flags, detail)
        if kind and not self._store.put(kind, data):
            raise refused(smp.ERR_UNKNOWN, smp.MGMT_UNKNOWN)
        # The board reads its wiring when it starts.
        self.reset_wanted = self.reset_wanted or command == smp.CMD_WIRE
        return answer

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
        self._audit.note(smp.CMD_CLOCK, request, now_ms, 0, pair[2])
        self._trip.set_clock(*pair, now_ms)
        return {}

    def _start(self, request: "Map", now_ms: int) -> "Map":
        self._require(codes.STATE_ARMED)
        self._audit.note(smp.CMD_START, request, now_ms)
        self._trip.begin(codes.REASON_COMMAND, now_ms)
        return {}

    def _stop(self, request: "Map", now_ms: int) -> "Map":
        self._require(codes.STATE_ARMED, codes.STATE_LOGGING)
        try:
            self._audit.note(smp.CMD_STOP, request, now_ms)
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
        self._audit.note(smp.CMD_ERASE, request, now_ms, self._discards(request))
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
            state.read_index, state.read_used = self._note_read(request, index, used, now_ms)
            if not state.save():
                raise refused(smp.ERR_UNKNOWN, smp.MGMT_UNKNOWN)
        return {}

    def _note_read(self, request: "Map", index: int, used: int, now_ms: int) -> "tuple[int, int]":
        """The position that counts as read: where all was read, the frame that says so is no news either."""
        trip, ring = self._trip, self._trip.ring
        try:
            if ring.is_open:
                trip.write_boot(now_ms)
            is_all = (index, used) == (ring.index, ring.used())
            self._audit.note(smp.CMD_ACKNOWLEDGE, request, now_ms, 0, index * SECTOR_SIZE + used & 0xFFFFFFFF)
        except RingFull:
            # What was read is read, also when there is no room left to say so.
            return index, used
        return (ring.index, ring.used()) if is_all else (index, used)

    def _reset(self, request: "Map", now_ms: int) -> "Map":
        self._audit.note(smp.CMD_RESET, request, now_ms)
        self.reset_wanted = True
        return {}
