"""Model of the ADXL372 accelerometer (Analog Devices, data sheet rev. C).

Modelled: measurement mode, FIFO in stream mode, single-sample activity in default mode, activity and
inactivity in loop mode. Not modelled, and refused with NotImplementedError: wake-up and instant-on mode,
linked mode, the high-pass and the activity detector's low-pass, other FIFO modes and formats, interrupts from
the FIFO. The real filter has four poles, this one two.
"""

from boards.models.i2c_bus import ChipModel
from boards.models.sampled_acceleration import SampledAcceleration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boards.models.sampled_acceleration import AccelerationSignal, Run
    from boards.models.tmp117 import Clock

DEVID_AD = 0x00
STATUS = 0x04
STATUS2 = 0x05
FIFO_ENTRIES2 = 0x06
FIFO_ENTRIES = 0x07
XDATA_H = 0x08
ZDATA_L = 0x0D
THRESH_ACT_X_H = 0x23
TIME_ACT = 0x29
THRESH_INACT_X_H = 0x2A
TIME_INACT_H = 0x30
FIFO_CTL = 0x3A
INT1_MAP = 0x3B
TIMING = 0x3D
MEASURE = 0x3E
POWER_CTL = 0x3F
RESET = 0x41
FIFO_DATA = 0x42

_IDS = (0xAD, 0x1D, 0xFA, 0x03)
_FIRST_WRITABLE = 0x20
_FIFO_SAMPLES = 0x39
_RESET_CODE = 0x52
_FIFO_WORDS = 512
_STEP_G = 0.1
_RANGE = 2000

_ERR_USER_REGS = 0x80
_AWAKE = 0x40
_FIFO_OVR = 0x08
_FIFO_FULL = 0x04
_FIFO_RDY = 0x02
_DATA_RDY = 0x01
_ACTIVITY = 0x20
_INACT = 0x10
_MAPPABLE = 0x70
_REFERENCED = 0x02
_LOOP = 0x20
_LINK_LOOP = 0x30

_MODE = 0x03
_MODE_MEASURE = 0x03
_FILTERS_OFF = 0x0C
_SETTLE_FAST = 0x10
_SETTLE_US = (370_000, 16_000)


class Detector:
    """Finds activity and inactivity in the samples from `next` on; `events` are (sample, is_activity)."""

    def __init__(self, registers: bytearray, reference: "list[int]", rate_mHz: int, next_sample: int) -> None:
        self._active = _Condition(registers, THRESH_ACT_X_H, reference)
        self._inactive = _Condition(registers, THRESH_INACT_X_H, reference)
        unit_us = 3300 if rate_mHz > 3_200_000 else 6600
        inactive_units = registers[TIME_INACT_H] << 8 | registers[TIME_INACT_H + 1]
        self._needed = (
            max(1, inactive_units * 4 * unit_us * rate_mHz // 1_000_000_000),
            max(1, registers[TIME_ACT] * unit_us * rate_mHz // 1_000_000_000),
        )
        self._loop = bool(registers[MEASURE] & _LOOP)
        self._want_activity = True
        self._held = 0
        self.next = next_sample
        self.events: "list[tuple[int, bool]]" = []

    def scan(self, source: SampledAcceleration, end: int, first_event: bool) -> None:
        """Look at the samples before `end`; with `first_event`, only until there is an activity."""
        while self.next < end and not (first_event and self._has_activity()):
            if source.end <= self.next:
                source.extend(end)
            else:
                run = source.run_at(self.next)
                self._scan_run(run, min(end, run.end))

    def _has_activity(self) -> bool:
        return any(is_activity for _, is_activity in self.events)

    def _scan_run(self, run: "Run", end: int) -> None:
        if not run.stride:
            self._scan_equal(run, end)
            return
        codes = run.codes
        for k in range(self.next, end):
            offset = 3 * (k - run.first)
            condition = self._active if self._want_activity else self._inactive
            if condition.met(codes[offset], codes[offset + 1], codes[offset + 2]):
                self._held += 1
                if self._held >= self._needed[self._want_activity]:
                    self._event(k)
            else:
                self._held = 0
        self.next = end

    def _scan_equal(self, run: "Run", end: int) -> None:
        condition = self._active if self._want_activity else self._inactive
        needed = self._needed[self._want_activity] - self._held
        if not condition.met(run.codes[0], run.codes[1], run.codes[2]):
            self._held = 0
            self.next = end
        elif needed > end - self.next:
            self._held += end - self.next
            self.next = end
        else:
            self.next += needed
            self._event(self.next - 1)

    def _event(self, k: int) -> None:
        self.events.append((k, self._want_activity))
        self._held = 0
        if self._loop:
            self._want_activity = not self._want_activity
        else:
            # The activity stays set until standby, so that there is nothing more to find.
            self._active.enabled = [False, False, False]


class _Condition:
    """Activity (any axis above) or inactivity (all axes below), relative to a reference of its own."""

    def __init__(self, registers: bytearray, base: int, reference: "list[int]") -> None:
        low = [registers[base + 1 + 2 * axis] for axis in range(3)]
        self._thresholds = [registers[base + 2 * axis] << 3 | low[axis] >> 5 for axis in range(3)]
        self.enabled = [bool(low[axis] & 1) for axis in range(3)]
        self._reference = reference if low[0] & _REFERENCED else [0, 0, 0]
        self._inactivity = base == THRESH_INACT_X_H

    def met(self, x: int, y: int, z: int) -> bool:
        """Whether one sample meets it; the first one becomes the reference if one is wanted."""
        if not self._reference:
            self._reference.extend((x, y, z))
        rx, ry, rz = self._reference
        tx, ty, tz = self._thresholds
        ex, ey, ez = self.enabled
        if self._inactivity:
            quiet = (not ex or abs(x - rx) < tx) and (not ey or abs(y - ry) < ty)
            return quiet and (not ez or abs(z - rz) < tz) and (ex or ey or ez)
        return (ex and abs(x - rx) > tx) or (ey and abs(y - ry) > ty) or (ez and abs(z - rz) > tz)


class ADXL372Model(ChipModel):
    """`signal` is what the chip feels (see `signals.RecordedAcceleration`)."""

    def __init__(self, clock: "Clock", signal: "AccelerationSignal", address: int = 0x53) -> None:
        super().__init__(address)
        self._clock = clock
        self._signal = signal
        self.power_on()

    def power_on(self) -> None:
        """What an interruption of the supply does."""
        self._registers = bytearray(FIFO_DATA + 1)
        self._registers[_FIFO_SAMPLES] = 0x80
        self._configured = False
        self._reference: "list[int]" = []
        self._source: "SampledAcceleration | None" = None
        self._now = -1
        self._status2 = 0
        self._awake = False
        self._overrun = False
        self._word = 0
        self._byte: "int | None" = None
        self._read_sample = -1

    # --- what the board sees ---

    def sampling(self) -> bool:
        """Whether samples are being taken."""
        return self._source is not None

    def int1(self) -> bool:
        """The level of pin INT1 now."""
        self._settle()
        return self._pin()

    def next_interrupt_us(self, limit_us: int) -> "int | None":
        """When INT1 is high next, now included; None when it stays low up to `limit_us`."""
        self._settle()
        if self._pin():
            return self._clock.now_us()
        if self._source is None or not self._registers[INT1_MAP]:
            return None
        self._detector.scan(self._source, self._sample_at(limit_us) + 1, True)
        for k, is_activity in self._detector.events:
            at_us = self._time_of(k)
            if at_us <= limit_us and self._registers[INT1_MAP] & (0x60 if is_activity else 0x10):
                return at_us
        return None

    def _pin(self) -> bool:
        status = self._status2 & 0x30 | (_AWAKE if self._awake else 0)
        return bool(status & self._registers[INT1_MAP])

    # --- time ---

    def _sample_at(self, t_us: int) -> int:
        return t_us * self._rate_mHz // 1_000_000_000

    def _time_of(self, k: int) -> int:
        return -(-k * 1_000_000_000 // self._rate_mHz)

    def _settle(self) -> None:
        """Take in all that has happened up to now."""
        if self._source is None:
            return
        now = self._sample_at(self._clock.now_us())
        detector = self._detector
        detector.scan(self._source, now + 1, False)
        while detector.events and detector.events[0][0] <= now:
            _, is_activity = detector.events.pop(0)
            self._status2 |= _ACTIVITY if is_activity else _INACT
            self._awake = is_activity
        self._now = now
        if self._entries() > _FIFO_WORDS:
            # The oldest words make room, wherever a set begins.
            self._word = 3 * (now + 1) - _FIFO_WORDS
            self._overrun = True
        self._source.release(min(self._word // 3, now))

    def _entries(self) -> int:
        if self._source is None or not self._registers[FIFO_CTL] & 0x06:
            return 0
        return max(0, 3 * (self._now + 1) - self._word)

    def _start_measuring(self) -> None:
        registers = self._registers
        if registers[POWER_CTL] & _FILTERS_OFF != _FILTERS_OFF:
            raise NotImplementedError("the model has neither of the digital filters")
        if registers[FIFO_CTL] & 0x3E not in (0x00, 0x02):
            raise NotImplementedError("the model's FIFO streams x, y, z or is off")
        link_loop = registers[MEASURE] & _LINK_LOOP
        if link_loop not in (0, _LOOP) or (link_loop == 0 and registers[TIME_ACT]):
            raise NotImplementedError("the model's detector runs in loop mode, or for single samples")
        code = min(registers[TIMING] >> 5, 4)
        self._rate_mHz = 400_000 << code
        # Wider than half of the rate is not possible.
        corner = 0.5 / (1 << max(0, code - min(registers[MEASURE] & 7, 4)))
        settled_us = self._clock.now_us() + _SETTLE_US[bool(registers[POWER_CTL] & _SETTLE_FAST)]
        first = -(-settled_us * self._rate_mHz // 1_000_000_000)
        self._source = SampledAcceleration(self._signal, self._rate_mHz, corner, _STEP_G, -_RANGE, _RANGE, first)
        self._source.reach(first)
        self._detector = Detector(registers, self._reference, self._rate_mHz, first)
        self._first = first
        self._word = 3 * first
        self._now = first - 1
        self._read_sample = first - 1

    def _stop_measuring(self) -> None:
        # "All interrupts are cleared." What becomes of the FIFO is not told; the model empties it.
        self._source = None
        self._status2 = 0
        self._awake = False
        self._overrun = False

    # --- registers ---

    def read(self, register: int, buf: "bytearray | memoryview") -> None:
        """Serve one read transfer."""
        self._settle()
        if register == FIFO_DATA:
            for i in range(len(buf)):
                buf[i] = self._pop_byte()
        else:
            super().read(register, buf)
            self._byte = None

    def next_register(self, register: int) -> int:
        """The pointer stops at the FIFO."""
        return min(register + 1, FIFO_DATA)

    def read_register(self, register: int) -> int:
        """Value that is sent for one byte."""
        if register < 4:
            return 0 if self.fail == "wrong_id" else _IDS[register]
        if register == STATUS:
            return self._read_status()
        if register == STATUS2:
            value = self._status2
            # In default mode only standby clears a single-sample activity.
            if self._registers[MEASURE] & _LOOP:
                self._status2 = 0
            return value
        if register == FIFO_ENTRIES2:
            return self._entries() >> 8
        if register == FIFO_ENTRIES:
            return self._entries() & 0xFF
        if XDATA_H <= register <= ZDATA_L:
            return self._read_data(register - XDATA_H)
        # Reading the FIFO by way of the registers before it pops nothing.
        return self._registers[register] if _FIRST_WRITABLE <= register < FIFO_DATA else 0

    def _read_status(self) -> int:
        entries = self._entries()
        watermark = (self._registers[FIFO_CTL] & 1) << 8 | self._registers[_FIFO_SAMPLES]
        value = 0 if self._configured else _ERR_USER_REGS
        value |= _AWAKE if self._awake else 0
        value |= _FIFO_OVR if self._overrun else 0
        value |= _FIFO_FULL if entries >= watermark and self._registers[FIFO_CTL] & 0x06 else 0
        value |= _FIFO_RDY if entries else 0
        value |= _DATA_RDY if self._source is not None and self._now > self._read_sample else 0
        if entries < _FIFO_WORDS:
            self._overrun = False
        return value

    def _read_data(self, index: int) -> int:
        if self._source is None or self._now < self._first:
            return 0
        self._read_sample = self._now
        code = self._source.code_at(self._now, index // 2)
        return code << 4 & 0xF0 if index & 1 else code >> 4 & 0xFF

    def _pop_byte(self) -> int:
        if self._byte is not None:
            value, self._byte = self._byte, None
            return value
        if self._source is None or not self._entries():
            return 0
        k, axis = divmod(self._word, 3)
        self._word += 1
        word = self._source.code_at(k, axis) << 4 | (axis == 0)
        self._byte = word & 0xFF
        return word >> 8 & 0xFF

    def write_register(self, register: int, value: int) -> None:
        """Effect of one byte; what may only be set in standby is ignored otherwise."""
        self._settle()
        self._configured = True
        if register == RESET:
            if value == _RESET_CODE:
                self.power_on()
        elif register == POWER_CTL:
            self._write_power_ctl(value)
        elif register == INT1_MAP and value & ~_MAPPABLE:
            raise NotImplementedError("the model's INT1 shows activity, inactivity and awake, active high")
        elif register == INT1_MAP or (_FIRST_WRITABLE <= register < POWER_CTL and self._source is None):
            self._registers[register] = value
            # Only when neither detector is referenced does the chip forget its reference.
            flags = self._registers[THRESH_ACT_X_H + 1] | self._registers[THRESH_INACT_X_H + 1]
            if not flags & _REFERENCED:
                self._reference = []

    def _write_power_ctl(self, value: int) -> None:
        mode = value & _MODE
        if mode not in (0, _MODE_MEASURE):
            raise NotImplementedError("the model stands by or measures at full bandwidth")
        self._registers[POWER_CTL] = value
        if mode == 0:
            self._stop_measuring()
        elif self._source is None:
            self._start_measuring()
