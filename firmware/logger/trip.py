"""One trip: arm, begin, sample, marks, alarms, stop, and going on after a restart (SPEC.md sections 3, 8 and 12)."""

from hashlib import sha256

from celltrail_protocol import cbor, codes, frames
from celltrail_protocol.layout import pack
from celltrail_protocol.records import NO_READING, STORE_PLAN
from logger.alarms import Alarms
from logger.hardware import SensorFault
from logger.journal import Journal
from logger.ratchet import Ratchet
from logger.recorder import Recorder
from logger.ring import Ring, RingFull
from logger.schedule import Schedule
from logger.watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from logger.area import Area
    from logger.hardware import Board
    from logger.state import State
    from logger.store import Store

# A brown-out loop must not eat the ring: nothing is written before the logger has run this long.
STABLE_MS = 10000
_NO_PLAN: "dict[str, Any]" = {"period_ms": 60000, "alarms": [], "marks_open": True, "wrap": False}


class Trip:
    """The trip that is open, or the last one; `plan` is its settings, `last` the latest raw readings."""

    def __init__(self, board: "Board", area: "Area", store: "Store", state: "State") -> None:
        self._board = board
        self._store = store
        self.state = state
        self.ratchet = Ratchet(area)
        self.ring = Ring(area, self.ratchet, self._plan_payload)
        self.recorder = Recorder(self.ring, Journal(area))
        self._use_plan(_NO_PLAN, b"")
        self._boot_due_ms = -1
        self.last: "list[int]" = [NO_READING] * len(board.thermometers)
        self.clock: "tuple[int, int] | None" = None

    # Plan

    def _use_plan(self, plan: "dict[str, Any]", data: bytes) -> None:
        self.plan = plan
        self.settings = sha256(data).digest()
        self.schedule = Schedule(plan["period_ms"])
        self.alarms = Alarms(plan["alarms"], plan["period_ms"], self.state.alarms)
        self.ring.wrap = plan["wrap"]
        self.watch: "Watch | None" = None
        self._faults: "list[int]" = [0] * len(self._board.thermometers)
        self._accel_fault = 0
        self._checkpoint_due_ms = 0
        self._armed_ms = 0

    def _plan_payload(self) -> bytes:
        board = self._board
        chip = board.accelerometer
        parts = [
            pack(
                frames.TABLES[frames.PLAN],
                (
                    codes.FORMAT_VERSION,
                    self.ring.trip,
                    board.uid,
                    self.settings[:8],
                    self.schedule.period_ms,
                    self.state.boot & 0xFFFF,
                    self.schedule.slot0,
                    self.schedule.tick0_ms,
                    chip.model if chip else codes.MODEL_NONE,
                    chip.step_ng if chip else 0,
                    chip.rate_mHz if chip else 0,
                    len(board.thermometers),
                ),
            )
        ]
        for probe in board.thermometers:
            values = (probe.model, probe.step_nK, probe.low_raw, probe.high_raw, probe.uncertainty_mK)
            parts.append(pack(frames.CHANNEL, values))
        return b"".join(parts)

    # Arming

    def arm(self, k0: bytes, data: bytes, now_ms: int) -> None:
        """Open a trip with the plan `data` (checked CBOR) and its first key; raises RingFull when the flash is broken."""
        state = self.state
        state.trip = max(state.next_trip, self.ring.trip + 1)
        state.next_trip = state.trip + 1
        state.first_sequence = max(self.ring.sequence + 1, state.next_sequence)
        state.read_index = state.read_used = state.alarms = 0
        self._use_plan(cbor.loads(data), data)
        if not self._store.put(STORE_PLAN, data) or not self.ratchet.begin(state.trip, k0):
            raise RingFull
        self._boot_due_ms = -1
        self.recorder.start(len(self._board.thermometers))
        self.recorder.journal.start(state.trip, state.boot)
        self.ring.open(state.trip, state.first_sequence, state.boot, now_ms)
        self.recorder.settings(data, now_ms)
        self._armed_ms = now_ms
        self._change(codes.STATE_ARMED, codes.REASON_COMMAND, now_ms)
        self._checkpoint_due_ms = now_ms + self.plan["checkpoint_s"] * 1000
        self._start_sensors(now_ms)

    def _start_sensors(self, now_ms: int) -> None:
        for probe in self._board.thermometers:
            try:
                probe.start()
            except SensorFault:
                # The first reading says so, slot by slot.
                pass
        if "shock" in self.plan and self._board.accelerometer is not None:
            self.watch = Watch(self._board, self.recorder, self.plan["shock"])

    def _change(self, state: int, reason: int, now_ms: int) -> None:
        schedule = self.schedule
        values = (now_ms, state, reason, schedule.slot0, schedule.tick0_ms, self._board.battery_mV())
        self.recorder.event(frames.STATE, values, now_ms)
        self.state.state, self.state.reason = state, reason
        if state != codes.STATE_STOPPED:
            self.state.save()

    def begin(self, reason: int, now_ms: int) -> None:
        """Start logging now; raises RingFull."""
        self._write_boot(now_ms)
        self.schedule.start(self.recorder.last_slot() + 1, now_ms)
        self._change(codes.STATE_LOGGING, reason, now_ms)
        self._watch_shocks(now_ms)

    def _watch_shocks(self, now_ms: int) -> None:
        if self.watch is not None:
            try:
                self.watch.start()
            except SensorFault as fault:
                self._fault_accelerometer(fault.code, now_ms)

    def stop(self, reason: int, now_ms: int) -> None:
        """Pack, say why, and write the closing seal."""
        try:
            self._write_boot(now_ms)
            self.recorder.pack(now_ms)
            self._change(codes.STATE_STOPPED, reason, now_ms)
        except RingFull:
            # The seal is what matters now; it has its own place.
            self.state.state, self.state.reason = codes.STATE_STOPPED, reason
        self.ring.close(now_ms)
        self.state.alarms = self.alarms.raised
        self.state.save()
        self._stand_by()

    def _stand_by(self) -> None:
        if self.watch is not None:
            try:
                self.watch.stop()
            except SensorFault:
                # It will be started afresh at the next arming.
                pass
            self.watch = None

    # Events

    def event(self, kind: int, values: "tuple[Any, ...]", now_ms: int) -> None:
        """Commit an event of the open trip; raises RingFull."""
        self._write_boot(now_ms)
        self.recorder.event(kind, values, now_ms)

    def mark(self, values: "tuple[Any, ...]", now_ms: int) -> None:
        """Commit a mark (the fields after its tick) and a checkpoint; raises RingFull."""
        self.event(frames.MARK, (now_ms,) + values, now_ms)
        self.checkpoint(now_ms)

    def set_clock(self, tick_ms: int, utc_ms: int, uncertainty_ms: int, source: int, now_ms: int) -> None:
        """Commit that tick_ms was utc_ms; raises RingFull."""
        self.clock = (tick_ms, utc_ms)
        if self.ring.is_open:
            self.event(frames.CLOCK, (self.state.boot & 0xFFFF, tick_ms, utc_ms, uncertainty_ms, source), now_ms)

    def checkpoint(self, now_ms: int) -> None:
        """Pack and tag the record so far; raises RingFull."""
        self.recorder.checkpoint(now_ms, self._board.battery_mV())
        self._checkpoint_due_ms = now_ms + self.plan["checkpoint_s"] * 1000

    def fault(self, source: int, code: int, detail: int, now_ms: int) -> None:
        """Commit a fault; raises RingFull."""
        self.event(frames.FAULT, (now_ms, source, code, detail & 0xFFFFFFFF), now_ms)

    def _fault_accelerometer(self, code: int, now_ms: int) -> None:
        if code != self._accel_fault:
            self._accel_fault = code
            self.fault(codes.SOURCE_ACCELEROMETER, code, 0, now_ms)

    # Sampling

    def poll(self, now_ms: int) -> "int | None":
        """Do what is due; when to come again, or None when only a host or a button can change anything."""
        if not self.ring.is_open:
            return None
        if self._boot_due_ms >= 0:
            if now_ms < self._boot_due_ms:
                return self._boot_due_ms
            self._write_boot(now_ms)
        if self.state.state == codes.STATE_ARMED:
            return self._poll_armed(now_ms)
        return self._poll_logging(now_ms)

    def _poll_armed(self, now_ms: int) -> "int | None":
        start = self.plan["start"]
        if start == codes.START_NOW:
            self.begin(codes.REASON_COMMAND, now_ms)
            return now_ms
        if start == codes.START_DELAY:
            due_ms = self._armed_ms + self.plan["delay_s"] * 1000
            if now_ms < due_ms:
                return due_ms
            self.begin(codes.REASON_DELAY, now_ms)
            return now_ms
        if start == codes.START_TEMPERATURE:
            return self._poll_start_temperature(now_ms)
        return None

    def _poll_start_temperature(self, now_ms: int) -> int:
        channel, side, raw = self.plan["start_at"]
        waited = (now_ms - self._armed_ms) % self.schedule.period_ms
        if waited == 0 or self.last[channel] == NO_READING:
            value = self._read(now_ms)[0][channel]
            if value != NO_READING and (value >= raw if side == 0 else value <= raw):
                self.begin(codes.REASON_TEMPERATURE, now_ms)
                return now_ms
        return now_ms + self.schedule.period_ms - waited

    def _poll_logging(self, now_ms: int) -> int:
        schedule = self.schedule
        missed = schedule.missed(now_ms)
        if missed:
            self.recorder.gap(schedule.slot, missed, codes.GAP_LATE, now_ms)
            schedule.slot += missed
        if now_ms >= schedule.due_ms():
            self._sample(now_ms)
        if now_ms >= self._checkpoint_due_ms:
            self.checkpoint(now_ms)
        if self._is_over(now_ms):
            return now_ms
        again_ms = min(schedule.due_ms(), self._checkpoint_due_ms)
        shock_ms = self._poll_shocks(now_ms)
        return again_ms if shock_ms is None else min(again_ms, shock_ms)

    def _is_over(self, now_ms: int) -> bool:
        duration_s = self.plan["duration_s"]
        if duration_s and (self.schedule.slot - 1) * self.schedule.period_ms >= duration_s * 1000:
            self.stop(codes.REASON_DURATION, now_ms)
        elif self.ring.room() <= 0:
            self.stop(codes.REASON_FULL, now_ms)
        return not self.ring.is_open

    def _poll_shocks(self, now_ms: int) -> "int | None":
        if self.watch is None:
            return None
        try:
            return self.watch.poll(now_ms)
        except SensorFault as fault:
            self._fault_accelerometer(fault.code, now_ms)
            self.watch.awake = False
            return None

    def _read(self, now_ms: int) -> "tuple[list[int], bytes]":
        """The raw readings of all channels, and the fault codes of those without one."""
        values: "list[int]" = []
        missing = bytearray()
        for probe in self._board.thermometers:
            try:
                values.append(probe.read_raw())
            except SensorFault as fault:
                values.append(NO_READING)
                missing.append(fault.code)
        self.last = values
        return values, bytes(missing)

    def _sample(self, now_ms: int) -> None:
        slot = self.schedule.slot
        values, missing = self._read(now_ms)
        self.recorder.reading(slot, values, missing, now_ms)
        self.schedule.slot += 1
        self._note_faults(values, missing, now_ms)
        for alarm in self.alarms.take(slot, values):
            channel = self.plan["alarms"][alarm][0]
            self.state.alarms = self.alarms.raised
            self.state.save()
            self.event(frames.ALARM, (now_ms, alarm, channel, values[channel], slot), now_ms)
            self.checkpoint(now_ms)

    def _note_faults(self, values: "list[int]", missing: bytes, now_ms: int) -> None:
        """A fault frame when a channel begins to fail, not for each slot."""
        seen = 0
        for channel in range(len(values)):
            code = 0
            if values[channel] == NO_READING:
                code = missing[seen]
                seen += 1
            if code and code != self._faults[channel]:
                self.fault(channel, code, 0, now_ms)
            self._faults[channel] = code

    # Going on after a restart

    def mount(self, now_ms: int) -> None:
        """Find the last trip; go on with it when it is open. Writes only what a power cut has left half-written."""
        state = self.state
        self.ratchet.mount()
        self._sealed = self.ring.mount(state.trip)
        if self.ring.trip != state.trip:
            # An arming that power has cut short, or an erased trip: there is no trip.
            self.ring.forget()
        data = self._store.get(STORE_PLAN)
        if state.trip and data is not None:
            self._use_plan(cbor.loads(data), data)
        if self.ring.is_open and state.in_trip():
            self.recorder.mount(len(self._board.thermometers))
            self.recorder.journal.mount(state.trip, state.boot + 1, min(self.recorder.packed))
            self._boot_due_ms = now_ms + STABLE_MS
        elif state.in_trip():
            # Closed in the ring, but the state did not get there; or its key is gone.
            state.state, state.reason = codes.STATE_STOPPED, codes.REASON_COMMAND
        state.boot += 1

    def _write_boot(self, now_ms: int) -> None:
        """The boot frame, before the first other frame after a restart; raises RingFull."""
        if self._boot_due_ms < 0:
            return
        self._boot_due_ms = -1
        state, recorder = self.state, self.recorder
        state.save()
        self._armed_ms = now_ms
        slot0 = recorder.last_slot() + 1
        if state.state == codes.STATE_LOGGING:
            self.schedule.start(slot0, now_ms)
        self.ring.resume(state.boot, self._sealed, now_ms)
        recorder.pack(now_ms)
        schedule, board = self.schedule, self._board
        recorder.event(
            frames.BOOT,
            (state.boot, board.reset_cause, now_ms, schedule.slot0, schedule.tick0_ms, board.battery_mV()),
            now_ms,
        )
        self._checkpoint_due_ms = now_ms + self.plan["checkpoint_s"] * 1000
        self._start_sensors(now_ms)
        if state.state == codes.STATE_LOGGING:
            self._watch_shocks(now_ms)

    def live(self) -> bool:
        """Whether a live proof can be given: the boot frame is written or a trip runs without a restart."""
        return self.ring.is_open and self.ratchet.key is not None
