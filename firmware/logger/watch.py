"""Watches the accelerometer: sleeps until its interrupt, drains the FIFO through the detector, writes what it found."""

from array import array

from celltrail_protocol import codes, frames, series
from celltrail_protocol.layout import pack
from logger.hardware import SensorFault
from logger.knocks import Knocks
from logger.shocks import Detector

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from logger.hardware import Board
    from logger.recorder import Recorder

_WAVE_HEAD = 6
_MOST_VALUES = 240
# Fewer tell nothing about how much a parcel shakes.
_LEAST_SETS = 16


class Watch:
    """One for each trip with shock settings; `awake` while the FIFO has to be drained. Raises SensorFault.

    knock_mg: by how much a knock swings the parcel, from one side to the other; 0: nobody listens for knocks.
    """

    def __init__(self, board: "Board", recorder: "Recorder", settings: "Sequence[int]", knock_mg: int) -> None:
        chip = board.accelerometer
        if chip is None:
            raise SensorFault(codes.FAULT_ABSENT)
        self._board = board
        self._chip = chip
        self._recorder = recorder
        self.knocks = Knocks() if knock_mg else None
        # The smallest swing that is at least so much.
        self._knock = -(-knock_mg * 1000000 // chip.step_ng)
        self._threshold_mg = min(settings[0], knock_mg) if knock_mg else settings[0]
        self._held = 0
        self._windows = settings[5]
        self._samples = array("h", [0] * (3 * chip.depth))
        self.detector = Detector(settings, chip.step_ng, chip.rate_mHz, chip.range_raw)
        # Half the time that the FIFO holds.
        self._pause_ms = max(1, chip.depth * 500000 // chip.rate_mHz)
        self._started_us = 0
        self._running = False
        self.awake = False

    def stop(self) -> None:
        """Let the chip stand by."""
        self._chip.stop()

    def poll(self, look: bool) -> "int | None":
        """Drain the FIFO if there is reason to; when to come again, or None to wait for the interrupt.

        `look`: ask the chip even when it is quiet, so that one that died is noticed, and start it when it is not
        running. Raises SensorFault, and RingFull.
        """
        if not self._running and not look:
            return None
        try:
            return self._poll(look)
        except SensorFault:
            self._running = self.awake = False
            raise

    def feel(self) -> "int | None":
        """How much the parcel shakes: the mean distance from the mean, in mg, on the axis where it is largest.

        None when the chip does not run. Raises SensorFault, and RingFull.
        """
        if not self._running:
            return None
        if not self.awake:
            # What is taken out of the FIFO for this may be the beginning of a shock.
            self.awake = True
            self.detector.begin()
        self._drain()
        return max([self._shaking(axis, self._held) for axis in range(3)]) if self._held else None

    def _poll(self, look: bool) -> "int | None":
        if not self._running:
            self._chip.start(self._threshold_mg)
            self._running = True
        if not self.awake and (look or self._board.accelerometer_int()) and self._chip.active():
            self.awake = True
            self.detector.begin()
        if not self.awake:
            return None
        self._drain()
        if self._chip.active() or not self.detector.calm():
            return self._board.ticks_ms() + self._pause_ms
        self.awake = False
        return None

    def _drain(self) -> None:
        detector, chip = self.detector, self._chip
        now_ms = self._board.ticks_ms()
        sets = chip.read_fifo(self._samples, chip.depth)
        lost = chip.overrun
        chip.overrun = False
        # A short piece lies over the beginning of the last long one.
        if sets >= _LEAST_SETS:
            self._held = sets
        if self.knocks is not None:
            self._find_knock(sets, now_ms)
        detector.started_at = -1
        first = 0
        while first < sets:
            first += detector.feed(self._samples, first, sets - first, lost)
            lost = False
            if detector.started_at >= 0:
                # The newest set in the FIFO was taken at most one sample time ago.
                behind = sets - 1 + chip.kept_sets - detector.started_at
                self._started_us = max(0, now_ms * 1000 - behind * 1000000000 // detector.rate_mHz)
                detector.started_at = -1
            if detector.done:
                self._write(now_ms)

    def _shaking(self, axis: int, sets: int) -> int:
        samples, total = self._samples, 0
        for i in range(axis, 3 * sets, 3):
            total += samples[i]
        mean, away = total // sets, 0
        for i in range(axis, 3 * sets, 3):
            away += abs(samples[i] - mean)
        return away * (self._chip.step_ng // 1000) // (sets * 1000)

    def _find_knock(self, sets: int, now_ms: int) -> None:
        """A knock is a swing of its size within what the FIFO held; its time is that of the sample at the far end."""
        samples = self._samples
        for axis in range(3):
            low = high = samples[axis]
            at = 0
            for i in range(axis, 3 * sets, 3):
                value = samples[i]
                if value > high:
                    high, at = value, i
                elif value < low:
                    low, at = value, i
            if self.knocks is not None and high - low >= self._knock:
                self.knocks.take(now_ms - (sets - 1 - at // 3) * 1000000 // self.detector.rate_mHz)
                return

    def _write(self, now_ms: int) -> None:
        detector, ring = self.detector, self._recorder.ring
        event = ring.events
        wave = event < self._windows and ring.room() > 2 * 3 * detector.stored + 1024
        if wave:
            detector.flags |= frames.SHOCK_WAVE
        values = (
            event,
            self._started_us // 1000,
            self._started_us % 1000,
            detector.rate_mHz,
            detector.base,
            detector.peak,
            detector.velocity,
            detector.duration,
            detector.longest,
            detector.flags,
            detector.stored if wave else 0,
            detector.pre if wave else 0,
        )
        self._recorder.event(frames.SHOCK, values, now_ms)
        # The last number stays for all that follow: one that came again would mix up their waveforms.
        ring.events = min(event + 1, 0xFFFF)
        if wave:
            for axis in range(3):
                self._write_axis(event, axis, now_ms)

    def _write_axis(self, event: int, axis: int, now_ms: int) -> None:
        values, stored, ring = self.detector.window[axis], self.detector.stored, self._recorder.ring
        at = 0
        while at < stored:
            room = ring.page_room() - _WAVE_HEAD
            count = min(_MOST_VALUES, stored - at)
            data = _encode(values[at : at + count])
            while len(data) > room and count > series.BLOCK_WAVE:
                # Whole blocks, and fewer by the share that was too much.
                count = max(1, min(count - 1, count * room // len(data)) // series.BLOCK_WAVE) * series.BLOCK_WAVE
                data = _encode(values[at : at + count])
            ring.append(frames.WAVE, pack(frames.TABLES[frames.WAVE], (event, axis, at, count, data)), now_ms)
            at += count


def _encode(values: "array[int]") -> bytes:
    return series.encode(values, series.wave_base(values), series.BLOCK_WAVE)
