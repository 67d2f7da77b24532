"""One trip: arm, begin, events, stop, and going on after a restart (SPEC.md sections 3, 8 and 12)."""

from hashlib import sha256

from celltrail_protocol import cbor, codes, frames
from celltrail_protocol.layout import ProtocolError, pack
from celltrail_protocol.plan import DEFAULTS
from celltrail_protocol.records import STORE_CALIBRATION, STORE_PLAN
from logger.alarms import Alarms
from logger.forget import forget
from logger.journal import Journal
from logger.probes import Probes
from logger.ratchet import Ratchet
from logger.recorder import Recorder
from logger.ring import Ring, RingFull
from logger.schedule import Schedule
from logger.timekeeper import Timekeeper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from logger.area import Area
    from logger.hardware import Board
    from logger.state import State
    from logger.store import Store

# A brown-out loop must not eat the ring: nothing is written before the logger has run this long.
STABLE_MS = 10000
_NO_PLAN = DEFAULTS


def check_plan(plan: "dict[str, Any]", channels: "Sequence[tuple[int, int]]") -> None:
    """Check a plan for channels of these (low_raw, high_raw); raises ProtocolError."""
    # Loaded for this, and let go of after it.
    from celltrail_protocol.plan_rules import validate

    try:
        validate(plan, channels)
    finally:
        forget("celltrail_protocol.plan_rules")


class Trip:
    """The trip that is open, or the last one; `plan` is its settings.

    `armed_ms` is the tick of arming or of the restart since; `boot_due_ms` that of the boot frame, -1 when it is
    written.
    """

    def __init__(self, board: "Board", area: "Area", store: "Store", state: "State") -> None:
        self._board = board
        self.area = area
        self._store = store
        self.state = state
        self.probes = Probes(board.thermometers + ([board.barometer] if board.barometer else []))
        self.timekeeper = Timekeeper(board)
        self.ratchet = Ratchet(area)
        self.ring = Ring(area, self.ratchet, self._plan_payload)
        self.recorder = Recorder(self.ring, Journal(area))
        self._use_plan(_NO_PLAN, b"")
        self.boot_due_ms = -1
        self.clock: "tuple[int, int] | None" = None

    # Plan

    def _use_plan(self, plan: "dict[str, Any]", data: bytes) -> None:
        self.plan = plan
        self.settings = sha256(data).digest()
        self.schedule = Schedule(plan["period_ms"])
        self.alarms = Alarms(plan["alarms"], plan["period_ms"], self.state.alarms)
        self.armed_ms = 0
        self.checkpoint_due_ms = 0

    def _plan_payload(self) -> bytes:
        chip, schedule = self._board.accelerometer, self.schedule
        values = (
            codes.FORMAT_VERSION,
            self.ring.trip,
            self._board.uid,
            self.settings[:8],
            schedule.period_ms,
            self.state.boot,
            schedule.slot0,
            schedule.tick0_ms,
            chip.model if chip else codes.MODEL_NONE,
            chip.step_ng if chip else 0,
            chip.rate_mHz if chip else 0,
            self.probes.count,
        )
        return pack(frames.TABLES[frames.PLAN], values) + self.probes.entries()

    # Arming

    def arm(self, k0: bytes, data: bytes, opening: "Sequence[tuple[int, Any]]", now_ms: int) -> None:
        """Open a trip with the plan `data` (checked CBOR), its first key, and frames (type, values) of what led to it.

        Raises RingFull when the flash is broken: then there is no trip.
        """
        try:
            self._open(k0, data, opening, now_ms)
        except RingFull:
            self._forget()
            raise

    def _open(self, k0: bytes, data: bytes, opening: "Sequence[tuple[int, Any]]", now_ms: int) -> None:
        state, trip = self.state, self.state.next_trip
        if not self._store.put(STORE_PLAN, data) or not self.ratchet.begin(trip, k0):
            raise RingFull
        state.trip, state.next_trip = trip, trip + 1
        state.first_sequence = max(self.ring.sequence + 1, state.next_sequence)
        state.read_index = state.read_used = state.alarms = 0
        self._use_plan(cbor.loads(data), data)
        self.boot_due_ms = -1
        self.recorder.start(self.probes.count)
        self.recorder.journal.start(trip, state.boot)
        self.ring.open(trip, state.first_sequence, state.boot, self.plan["wrap"], now_ms)
        self.recorder.in_parts(frames.SETTINGS, data, now_ms)
        self.recorder.in_parts(frames.CALIBRATION, self._store.get(STORE_CALIBRATION) or b"", now_ms)
        for kind, values in opening:
            self.recorder.event(kind, values, now_ms)
        if not self._change(codes.STATE_ARMED, codes.REASON_COMMAND, now_ms):
            raise RingFull
        self._set_out(now_ms)

    def _set_out(self, now_ms: int) -> None:
        """What arming and a restart have in common."""
        self.armed_ms = now_ms
        self.checkpoint_due_ms = now_ms + self.plan["checkpoint_s"] * 1000
        self.probes.start()

    def _change(self, state: int, reason: int, now_ms: int) -> bool:
        """Commit a new state; whether it will be known after a restart. Raises RingFull."""
        schedule = self.schedule
        values = (now_ms, state, reason, schedule.slot0, schedule.tick0_ms, self._board.battery_mV())
        self.recorder.event(frames.STATE, values, now_ms)
        self.state.state, self.state.reason = state, reason
        # A stop is kept when it is sealed.
        return state == codes.STATE_STOPPED or self.state.save()

    def begin(self, reason: int, now_ms: int) -> None:
        """Start logging now; raises RingFull."""
        self.write_boot(now_ms)
        self.schedule.start(self.recorder.last_slot() + 1, now_ms)
        self._change(codes.STATE_LOGGING, reason, now_ms)

    def stop(self, reason: int, now_ms: int) -> None:
        """Pack, say why, and write the closing seal."""
        self.ring.closing = True
        try:
            self.write_boot(now_ms)
            if self.state.state == codes.STATE_LOGGING:
                self.skip_missed(now_ms)
            self._tell_failure(now_ms)
            self.recorder.pack(now_ms)
            self._change(codes.STATE_STOPPED, reason, now_ms)
        except RingFull:
            # The seal is what matters now; it has its own place.
            self.state.state, self.state.reason = codes.STATE_STOPPED, reason
        self.ring.close(now_ms)
        self.state.alarms = self.alarms.raised
        self.state.save()

    def erase(self) -> bool:
        """Give the closed trip up; False when the flash does not take that."""
        state = self.state
        before = state.state, state.reason, state.trip
        state.state, state.reason, state.trip = codes.STATE_IDLE, codes.REASON_ERASE, 0
        state.next_sequence = max(state.next_sequence, self.ring.sequence + 1)
        if not state.save():
            state.state, state.reason, state.trip = before
            return False
        self._forget()
        return True

    def _forget(self) -> None:
        """There is no trip any more."""
        state = self.state
        state.state, state.reason, state.trip = codes.STATE_IDLE, codes.REASON_ERASE, 0
        state.alarms = 0
        self.ratchet.forget()
        self.ring.forget()
        self.recorder.start(self.probes.count)
        self._use_plan(_NO_PLAN, b"")

    # Events

    def event(self, kind: int, values: "tuple[Any, ...]", now_ms: int) -> None:
        """Commit an event of the open trip; raises RingFull."""
        self.write_boot(now_ms)
        self.recorder.event(kind, values, now_ms)

    def mark(self, values: "tuple[Any, ...]", now_ms: int) -> None:
        """Commit a mark (the fields after its tick) and a checkpoint; raises RingFull."""
        self.event(frames.MARK, (now_ms,) + values, now_ms)
        self.checkpoint(now_ms)

    def set_clock(self, tick_ms: int, utc_ms: int, uncertainty_ms: int, source: int, now_ms: int) -> None:
        """Commit that tick_ms was utc_ms; raises RingFull."""
        self.clock = (tick_ms, utc_ms)
        if source != codes.CLOCK_CHIP:
            self.timekeeper.take(tick_ms, utc_ms, uncertainty_ms, now_ms)
        if self.ring.is_open:
            self.event(frames.CLOCK, (self.state.boot, tick_ms, utc_ms, uncertainty_ms, source), now_ms)

    def keep_time(self, now_ms: int) -> "int | None":
        """Hand the host's time to the clock chip when it is time for that; when to come again. Raises RingFull."""
        again_ms = self.timekeeper.poll(now_ms)
        self._tell_clock(now_ms)
        return again_ms

    def _tell_clock(self, now_ms: int) -> None:
        code, self.timekeeper.fault = self.timekeeper.fault, 0
        if code and self.ring.is_open:
            self.fault(codes.SOURCE_CLOCK, code, 0, now_ms)

    def checkpoint(self, now_ms: int) -> None:
        """Pack and tag the record so far; raises RingFull."""
        self._tell_failure(now_ms)
        self.recorder.checkpoint(now_ms, self._board.battery_mV())
        self.checkpoint_due_ms = now_ms + self.plan["checkpoint_s"] * 1000

    def _tell_failure(self, now_ms: int) -> None:
        failure = self.area.failure
        if failure is not None:
            self.fault(codes.SOURCE_FLASH, failure[0], failure[1], now_ms)
            # One that no ring takes stays, and the light tells it; so does one that came of writing this one.
            if self.area.failure is failure:
                self.area.failure = None

    def fault(self, source: int, code: int, detail: int, now_ms: int) -> None:
        """Commit a fault; raises RingFull."""
        self.event(frames.FAULT, (now_ms, source, code, detail & 0xFFFFFFFF), now_ms)

    def last_words(self, now_ms: int) -> None:
        """Commit that the firmware has failed and will restart, unless it does so all the time; raises RingFull."""
        if self.ring.is_open and self.boot_due_ms < 0:
            self.fault(codes.SOURCE_FIRMWARE, codes.FAULT_FIRMWARE, 0, now_ms)

    def alarm(self, raised: "Sequence[int]", slot: int, now_ms: int) -> None:
        """Commit that these alarms were raised by the latest readings, and a checkpoint; raises RingFull."""
        for alarm in raised:
            channel = self.plan["alarms"][alarm][0]
            self.event(frames.ALARM, (now_ms, alarm, channel, self.probes.last[channel], slot), now_ms)
        self.checkpoint(now_ms)
        # Last: an alarm that power cuts short is raised again rather than lost.
        self.state.alarms = self.alarms.raised
        self.state.save()

    def skip_missed(self, now_ms: int) -> None:
        """Commit that slots are past which nobody has sampled; raises RingFull."""
        missed = self.schedule.missed(now_ms)
        if missed:
            self.recorder.gap(self.schedule.slot, missed, codes.GAP_LATE, now_ms)
            self.schedule.slot += missed

    # Going on after a restart

    def mount(self, now_ms: int) -> None:
        """Find the last trip; go on with it when it is open. Writes only what a power cut has left half-written."""
        state = self.state
        state.boot = (state.boot + 1) & 0xFFFF
        self.ratchet.mount()
        self._mount_plan()
        self.ring.mount(state.trip, state.first_sequence, self.plan["wrap"])
        # No number is given twice, not even that of an arming that power has cut short.
        state.next_trip = max(state.next_trip, self.ring.newest_trip + 1, self.ratchet.trip + 1)
        if self.ratchet.trip != state.trip:
            self.ratchet.forget()
        if state.in_trip():
            self._go_on(now_ms)

    def _mount_plan(self) -> None:
        """Take up the plan of the trip; without one that can be read there is nothing to go on with."""
        data = self._store.get(STORE_PLAN)
        if not self.state.trip or data is None:
            return
        try:
            plan = cbor.loads(data)
            # Any sensor will do: one may have been changed since.
            check_plan(plan, [(-32768, 32767)] * self.probes.count)
        except ProtocolError:
            # Its record can still be read out; the trip ends as one whose key is gone.
            self.ratchet.forget()
            return
        self._use_plan(plan, data)

    def _go_on(self, now_ms: int) -> None:
        state, recorder = self.state, self.recorder
        recorder.mount(self.probes.count)
        if recorder.stated is not None:
            # The record is committed before the state.
            state.state, state.reason = recorder.stated
        if self.ring.is_open:
            recorder.journal.mount(state.trip, state.boot, min(recorder.packed))
            self.boot_due_ms = now_ms + STABLE_MS
        elif state.state != codes.STATE_STOPPED:
            # Its key is gone, and nobody knows why.
            state.state, state.reason = codes.STATE_STOPPED, 0

    def write_boot(self, now_ms: int) -> None:
        """The boot frame, before the first other frame after a restart; raises RingFull."""
        if self.boot_due_ms < 0:
            return
        self.boot_due_ms = -1
        state, recorder, schedule, board = self.state, self.recorder, self.schedule, self._board
        state.save()
        if state.state == codes.STATE_LOGGING:
            schedule.start(recorder.last_slot() + 1, now_ms)
        self.ring.resume(state.boot)
        recorder.pack(now_ms)
        values = (state.boot, board.reset_cause, now_ms, schedule.slot0, schedule.tick0_ms, board.battery_mV())
        recorder.event(frames.BOOT, values, now_ms)
        self._set_out(now_ms)
        pair = self.timekeeper.read(now_ms)
        if pair is not None:
            self.set_clock(*pair, now_ms)
        self._tell_clock(now_ms)
