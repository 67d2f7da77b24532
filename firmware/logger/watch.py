"""Watches the accelerometer: sleeps until its interrupt, drains the FIFO through the detector, writes what it found."""

from array import array

from celltrail_protocol import frames, series
from celltrail_protocol.layout import pack
from logger.shocks import Detector

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from logger.hardware import Board
    from logger.recorder import Recorder

_WAVE_HEAD = 6
_MOST_VALUES = 240


class Watch:
    """One for each trip with shock settings; `awake` while the FIFO has to be drained."""

    def __init__(self, board: "Board", recorder: "Recorder", settings: "Sequence[int]") -> None:
        chip = board.accelerometer
        assert chip is not None
        self._board = board
        self._chip = chip
        self._recorder = recorder
        self._windows_left = settings[5]
        self._threshold_mg = settings[0]
        self._samples = array("h", [0] * (3 * chip.depth))
        self.detector = Detector(settings, chip.step_ng, chip.rate_mHz, chip.range_raw)
        # Half the time that the FIFO holds.
        self._pause_ms = max(1, chip.depth * 500000 // chip.rate_mHz)
        self.awake = False

    def start(self) -> None:
        """Let the chip sample; raises SensorFault."""
        self._chip.start(self._threshold_mg)

    def stop(self) -> None:
        """Let the chip stand by; raises SensorFault."""
        self._chip.stop()

    def poll(self, now_ms: int) -> "int | None":
        """Drain the FIFO if there is reason to; when to come again, or None to wait for the interrupt.

        Raises SensorFault and RingFull.
        """
        if not self.awake and self._board.accelerometer_int() and self._chip.active():
            self.awake = True
            # What was overwritten while nobody looked is no loss.
            self._chip.overrun = False
            self.detector.begin()
        if not self.awake:
            return None
        self._drain(now_ms)
        if self._chip.active() or not self.detector.calm():
            return now_ms + self._pause_ms
        self.awake = False
        return None

    def _drain(self, now_ms: int) -> None:
        sets = self._chip.read_fifo(self._samples, self._chip.depth)
        lost = self._chip.overrun
        self._chip.overrun = False
        first = 0
        detector = self.detector
        detector.started_at = -1
        while first < sets:
            first += detector.feed(self._samples, first, sets - first, lost)
            lost = False
            if detector.started_at >= 0:
                # The newest set was taken at most one sample time ago.
                behind_us = (sets - 1 - detector.started_at) * 1000000000 // detector.rate_mHz
                self._started_us = now_ms * 1000 - behind_us
                detector.started_at = -1
            if detector.done:
                self._write(now_ms)

    def _write(self, now_ms: int) -> None:
        detector = self.detector
        ring = self._recorder.ring
        room = ring.room()
        wave = self._windows_left > 0 and room > 2 * 3 * detector.stored + 1024
        if wave:
            self._windows_left -= 1
            detector.flags |= frames.SHOCK_WAVE
        if room <= 0:
            return
        event = ring.events
        ring.events = (event + 1) & 0xFFFF
        self._recorder.event(
            frames.SHOCK,
            (
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
            ),
            now_ms,
        )
        if wave:
            for axis in range(3):
                self._write_axis(event, axis, now_ms)

    def _write_axis(self, event: int, axis: int, now_ms: int) -> None:
        values = self.detector.window[axis]
        at = 0
        while at < self.detector.stored:
            room = self._recorder.ring.page_room() - _WAVE_HEAD
            count = min(_MOST_VALUES, self.detector.stored - at)
            data = _encode(values[at : at + count])
            while len(data) > room:
                # Whole blocks, and fewer by the share that was too much.
                count = max(series.BLOCK_WAVE, min(count - 1, count * room // len(data)) // 16 * 16)
                data = _encode(values[at : at + count])
                if count == series.BLOCK_WAVE:
                    break
            payload = pack(frames.TABLES[frames.WAVE], (event, axis, at, count, data))
            self._recorder.ring.append(frames.WAVE, payload, now_ms)
            at += count


def _encode(values: "array[int]") -> bytes:
    return series.encode(values, series.wave_base(values), series.BLOCK_WAVE)
