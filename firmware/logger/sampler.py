"""What an open trip does by itself, and when: wait for the start, sample, check alarms and shocks, checkpoint, end."""

from celltrail_protocol import codes
from celltrail_protocol.plan import RADIO_DEFAULT
from celltrail_protocol.records import NO_READING
from logger.hardware import SensorFault
from logger.watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.hardware import Board
    from logger.trip import Trip

# A conversion is begun so much sooner, so that a poll that comes late is still in time.
_SPARE_MS = 100


class Sampler:
    """`poll` does what is due; `awake` tells that a shock may be under way."""

    def __init__(self, board: "Board", trip: "Trip") -> None:
        self._board = board
        self._trip = trip
        self._watch: "Watch | None" = None
        self._number = 0
        self._fault = 0
        self._fault_until_ms = 0
        self._look_due_ms = 0
        self._begun = -1

    def poll(self, now_ms: int) -> "int | None":
        """When to come again, or None when only a host can change anything. Raises RingFull."""
        trip = self._trip
        if self._number != trip.state.trip or not trip.ring.is_open:
            self._stand_by()
            self._number = trip.state.trip
        if not trip.ring.is_open:
            return None
        if trip.boot_due_ms > now_ms:
            return trip.boot_due_ms
        trip.write_boot(now_ms)
        if now_ms >= trip.checkpoint_due_ms:
            trip.checkpoint(now_ms)
        if trip.state.state == codes.STATE_ARMED:
            return min(self._poll_armed(now_ms), trip.checkpoint_due_ms)
        return self._poll_logging(now_ms)

    def awake(self) -> bool:
        """Whether samples of the accelerometer have to be fetched before they are overwritten."""
        return self._watch is not None and self._watch.awake

    def failing(self) -> bool:
        """Whether a sensor of the open trip gives no readings."""
        return self._trip.ring.is_open and (self._fault != 0 or self._trip.probes.failing())

    def knocked(self, now_ms: int) -> bool:
        """Whether somebody has just knocked the pattern on the parcel."""
        knocks = self._watch.knocks if self._watch is not None else None
        return knocks is not None and knocks.poll(now_ms)

    def sense_flight(self) -> "tuple[int | None, int | None]":
        """The pressure in Pa, and how much the parcel shakes in mg; None for what does not say. Raises RingFull."""
        motion_mg = None
        try:
            if self._watch is not None:
                motion_mg = self._watch.feel()
        except SensorFault:
            # The next reading's look tells of it.
            pass
        return self._trip.probes.pressure_Pa() if self._board.barometer is not None else None, motion_mg

    def _stand_by(self) -> None:
        self._fault = 0
        self._look_due_ms = 0
        self._begun = -1
        if self._watch is not None:
            try:
                self._watch.stop()
            except SensorFault:
                # It will be started afresh in the next trip.
                pass
            self._watch = None

    # Waiting for the start

    def _poll_armed(self, now_ms: int) -> int:
        trip = self._trip
        plan, start = trip.plan, trip.plan["start"]
        if start == codes.START_NOW:
            return self._begin(codes.REASON_COMMAND, now_ms)
        if start == codes.START_DELAY:
            due_ms = trip.armed_ms + plan["delay_s"] * 1000
            return self._begin(codes.REASON_DELAY, now_ms) if now_ms >= due_ms else due_ms
        if start == codes.START_TEMPERATURE:
            if self._is_reached(now_ms):
                return self._begin(codes.REASON_TEMPERATURE, now_ms)
            return self._look_due_ms
        return trip.checkpoint_due_ms

    def _begin(self, reason: int, now_ms: int) -> int:
        self._trip.begin(reason, now_ms)
        return now_ms

    def _is_reached(self, now_ms: int) -> bool:
        """Look at the start temperature, once a period."""
        trip = self._trip
        if now_ms < self._look_due_ms:
            return False
        self._look_due_ms = now_ms + trip.schedule.period_ms
        trip.probes.read()
        channel, side, raw = trip.plan["start_at"]
        value = trip.probes.last[channel]
        reached: bool = value >= raw if side == codes.ALARM_HIGH else value <= raw
        return reached and value != NO_READING

    # Logging

    def _poll_logging(self, now_ms: int) -> int:
        trip = self._trip
        trip.skip_missed(now_ms)
        due_ms = trip.schedule.due_ms()
        sampled = now_ms >= due_ms
        if sampled:
            self._sample(now_ms)
        elif now_ms >= self._next_ms() < due_ms:
            if due_ms - now_ms >= trip.probes.lead_ms:
                trip.probes.begin()
            else:
                # It would be read before it is done, and the chip would tell the one before.
                trip.probes.forget()
            self._begun = trip.schedule.slot
        if self._is_over(now_ms):
            return now_ms
        again_ms = min(self._next_ms(), trip.checkpoint_due_ms)
        if trip.plan["duration_s"]:
            again_ms = min(again_ms, self._over_ms())
        shock_ms = self._poll_shocks(now_ms, sampled)
        return again_ms if shock_ms is None else min(again_ms, shock_ms)

    def _next_ms(self) -> int:
        """The tick at which the next slot wants something: its conversions begun, or its readings taken."""
        schedule, lead_ms = self._trip.schedule, self._trip.probes.lead_ms
        return schedule.due_ms() - (lead_ms + _SPARE_MS if lead_ms and self._begun != schedule.slot else 0)

    def _sample(self, now_ms: int) -> None:
        trip, slot, probes = self._trip, self._trip.schedule.slot, self._trip.probes
        if self._begun != slot:
            probes.forget()
        missing = probes.read()
        trip.recorder.reading(slot, probes.last, missing, now_ms)
        trip.schedule.slot += 1
        for channel, code in probes.new_faults(missing):
            trip.fault(channel, code, 0, now_ms)
        raised = trip.alarms.take(slot, probes.last)
        if raised:
            trip.alarm(raised, slot, now_ms)

    def _over_ms(self) -> int:
        """The tick at which the duration is over; the time without power does not count."""
        schedule = self._trip.schedule
        duration_s: int = self._trip.plan["duration_s"]
        return schedule.tick0_ms + duration_s * 1000 - schedule.slot0 * schedule.period_ms

    def _is_over(self, now_ms: int) -> bool:
        trip = self._trip
        if trip.plan["duration_s"] and now_ms >= self._over_ms():
            trip.stop(codes.REASON_DURATION, now_ms)
        elif trip.recorder.is_full(now_ms):
            trip.stop(codes.REASON_FULL, now_ms)
        return not trip.ring.is_open

    # Shocks

    def _poll_shocks(self, now_ms: int, sampled: bool) -> "int | None":
        if "shock" not in self._trip.plan:
            return None
        try:
            if self._watch is None:
                radio = self._trip.plan.get("radio", RADIO_DEFAULT)
                knock_mg = radio[4] if radio[3] & codes.ASK_KNOCK and self._board.radio is not None else 0
                self._watch = Watch(self._board, self._trip.recorder, self._trip.plan["shock"], knock_mg)
                sampled = True
            shock_ms, knocks = self._watch.poll(sampled), self._watch.knocks
            if knocks is None or knocks.due_ms < 0:
                return shock_ms
            return knocks.due_ms if shock_ms is None else min(shock_ms, knocks.due_ms)
        except SensorFault as fault:
            self._tell(fault.code, now_ms)
            return None

    def _tell(self, code: int, now_ms: int) -> None:
        """A fault frame when the accelerometer begins to fail, and one between two checkpoints if it goes on."""
        if code != self._fault or now_ms >= self._fault_until_ms:
            self._fault = code
            self._fault_until_ms = now_ms + self._trip.plan["checkpoint_s"] * 1000
            self._trip.fault(codes.SOURCE_ACCELEROMETER, code, 0, now_ms)
