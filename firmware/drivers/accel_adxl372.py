"""ADXL372 accelerometer, +-200 g (Analog Devices, data sheet rev. C): streams and wakes us on activity.

The chip must be able to send more than it samples: the data sheet allows 800 Hz on a bus of 400 kHz, 1600 Hz
on one of 800 kHz. It wants a bus of its own if its revision register (0x03) says 2, because it then answers
to bytes that are meant for others.
"""

from micropython import const

from celltrail_protocol import codes
from drivers import I2CChip
from logger.hardware import SensorFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

    from machine import I2C

_DEVID_AD = const(0x00)
_STATUS = const(0x04)
_FIFO_ENTRIES2 = const(0x06)
_THRESH_ACT_X_H = const(0x23)
_FIFO_CTL = const(0x3A)
_INT1_MAP = const(0x3B)
_TIMING = const(0x3D)
_MEASURE = const(0x3E)
_POWER_CTL = const(0x3F)
_FIFO_DATA = const(0x42)

_IDS = b"\xad\x1d\xfa"
_ERR_USER_REGS = const(0x80)
_AWAKE = const(0x40)
_FIFO_OVR = const(0x08)
_ACTIVITY = const(0x20)
_REFERENCED = const(0x02)
_ENABLED = const(0x01)
_FIFO_STREAM_XYZ = const(0x02)
_MAP_ACTIVITY = const(0x20)
_LOOP = const(0x20)
# Full bandwidth measurement, 16 ms to settle, and neither the high-pass, which would take gravity and long
# pulses away, nor the 10 Hz low-pass of the activity detector, which would hide shocks.
_MEASURE_UNFILTERED = const(0x1F)

_RATES_HZ = (400, 800, 1600, 3200, 6400)
_CHUNK_SETS = const(32)
_STEP_MG = const(100)
_LARGEST_THRESHOLD = const(0x7FF)


def wake_threshold(threshold_mg: int) -> int:
    """The chip's threshold, in steps, for shocks of `threshold_mg` or more away from rest."""
    # The chip compares each axis with a reference that it took when it was started, and neither gravity nor
    # an offset of some g nor a start in mid-motion may hide a shock. A shock is at least the threshold away
    # from rest on one axis; we take half of that. If rest is nearer to the reference than this, the shock is
    # farther; if rest is farther, the chip says "active" all the time and the logic looks at every sample.
    return min(max(threshold_mg // 2 // _STEP_MG, 1), _LARGEST_THRESHOLD)


class ADXL372(I2CChip):
    """Three axes in steps of 100 mg.

    rate_mHz: samples a second, times 1000. depth: sets that the FIFO holds. kept_sets: sets that a read
    leaves in the FIFO, so the newest one that was read is older than that many periods. A value at or beyond
    +-range_raw is saturated. overrun: samples were lost since the reader cleared it; so it is set at the
    first read after a long sleep.
    """

    model = codes.MODEL_ADXL372
    step_ng = 100_000_000
    depth = 170
    kept_sets = 1
    range_raw = 2000

    def __init__(self, i2c: "I2C", address: int = 0x53, rate_hz: int = 800) -> None:
        super().__init__(i2c, address)
        self._rate_code = _RATES_HZ.index(rate_hz)
        self.rate_mHz = rate_hz * 1000
        self.overrun = False
        self._running = False
        self._two = bytearray(2)
        self._chunk = memoryview(bytearray(6 * _CHUNK_SETS))
        self._set = [0, 0, 0]
        self._axis = 0

    def start(self, threshold_mg: int) -> None:
        """Take a new reference, stream into the FIFO and watch for activity; raises SensorFault."""
        ids = bytearray(3)
        self._read_into(_DEVID_AD, ids)
        if ids != _IDS:
            raise SensorFault(codes.FAULT_WRONG_ID)
        # Everything below may only be set in standby; FIFO mode 0 empties the FIFO.
        self._write_byte(_POWER_CTL, 0)
        self._write_byte(_FIFO_CTL, 0)
        self._write_byte(_FIFO_CTL, _FIFO_STREAM_XYZ)
        # The reference is taken anew only after the detectors have been without one.
        self._write_thresholds(threshold_mg, _ENABLED)
        self._write_thresholds(threshold_mg, _ENABLED | _REFERENCED)
        self._write_byte(_INT1_MAP, _MAP_ACTIVITY)
        self._write_byte(_TIMING, self._rate_code << 5)
        # In loop mode reading STATUS2 clears a single-sample activity; in the default mode only a restart
        # would. The bandwidth has the same code as the rate that is twice as high.
        self._write_byte(_MEASURE, _LOOP | self._rate_code)
        self._write_byte(_POWER_CTL, _MEASURE_UNFILTERED)
        self.overrun = False
        self._axis = 0
        self._running = True

    def _write_thresholds(self, threshold_mg: int, flags: int) -> None:
        level = wake_threshold(threshold_mg)
        axis = bytes((level >> 3, (level & 7) << 5 | flags))
        # Activity: X, Y, Z, one sample is enough. Inactivity: X, Y, Z, for one unit of 26 ms (13 ms at 6400
        # Hz).
        self._write(_THRESH_ACT_X_H, axis * 3 + b"\x00" + axis * 3 + b"\x00\x01")

    def stop(self) -> None:
        """Stand by; raises SensorFault."""
        self._running = False
        self._write_byte(_POWER_CTL, 0)

    def active(self) -> bool:
        """Whether there was activity since the last call, or still is; releases the interrupt pin.

        While it is True, samples must be read; the pin rises only at the next quiet-to-active change.
        Raises SensorFault, FAULT_NOT_READY when the chip has lost its settings: it wants a start().
        """
        if not self._running:
            return False
        self._read_into(_STATUS, self._two)
        if self._two[0] & _ERR_USER_REGS:
            raise SensorFault(codes.FAULT_NOT_READY)
        return bool(self._two[0] & _AWAKE or self._two[1] & _ACTIVITY)

    def read_fifo(self, out: "array[int]", room_sets: int) -> int:
        """Move at most `room_sets` xyz sets into `out`, oldest first; their count. Raises SensorFault."""
        # STATUS2 stands between STATUS and the entries; reading it would clear the activity.
        status = self._read_byte(_STATUS)
        if status & _ERR_USER_REGS and self._running:
            raise SensorFault(codes.FAULT_NOT_READY)
        self._read_into(_FIFO_ENTRIES2, self._two)
        entries = (self._two[0] & 0x03) << 8 | self._two[1]
        # One set must stay, or the chip may store the next one out of order.
        left = min(entries // 3 - self.kept_sets, room_sets)
        count = 0
        while left > 0:
            chunk = self._chunk[: 6 * min(left, _CHUNK_SETS)]
            self._read_into(_FIFO_DATA, chunk)
            count = self._unpack(chunk, out, count)
            left -= _CHUNK_SETS
        if status & _FIFO_OVR:
            self.overrun = True
            # The flag falls when STATUS is read while there is room.
            self._read_byte(_STATUS)
        return count

    def _unpack(self, words: memoryview, out: "array[int]", count: int) -> int:
        """Append whole sets to the `count` sets in `out`; the new count. `words` may end inside of a set."""
        axis = self._axis
        for i in range(0, len(words), 2):
            # Bit 0 marks x. An overrun, or the erratum "FIFO error", may have cut a set: drop it up to the
            # next x.
            if words[i + 1] & 1:
                if axis:
                    self.overrun = True
                axis = 0
            elif not axis:
                self.overrun = True
                continue
            high = words[i]
            self._set[axis] = (high - (high & 0x80) * 2) << 4 | words[i + 1] >> 4
            axis += 1
            if axis == 3:
                out[3 * count], out[3 * count + 1], out[3 * count + 2] = self._set
                count += 1
                axis = 0
        self._axis = axis
        return count
