"""Watches the accelerometer: sleeps until its interrupt, drains the FIFO through the detector, writes what it found."""

from array import array

from celltrail_protocol import codes, frames, series
from celltrail_protocol.layout import pack
from logger.hardware import SensorFault
from logger.shocks import Detector

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from logger.hardware import Board
    from logger.recorder import Recorder

_WAVE_HEAD = 6
_MOST_VALUES = 240


class Watch:
    """One for each trip with shock settings; `awake` while the FIFO has to be drained. Raises SensorFault."""

    def __init__(self, board: "Board", recorder: "Recorder", settings: "Sequence[int]") -> None:
        chip = board.accelerometer
        if chip is None:
            raise SensorFault(codes.FAULT_ABSENT)
        self._board = board
        self._chip = chip
        self._recorder = recorder
        self._threshold_mg = settings[0]
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
