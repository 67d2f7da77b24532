"""Model of the ADXL345 accelerometer (Analog Devices, data sheet rev. G).

Modelled: measurement at 25 Hz and more in full resolution at +-16 g, FIFO in bypass and stream mode, activity
on INT1. Not modelled, and refused with NotImplementedError: other formats and FIFO modes, sleep, link and
low-power mode, other interrupts. The real chip looks for activity in samples that are not yet decimated, so
it may see more than this one.
"""

from boards.models.i2c_bus import ChipModel
from boards.models.sampled_acceleration import SampledAcceleration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boards.models.sampled_acceleration import AccelerationSignal, Run
    from boards.models.tmp117 import Clock

# Rate codes of 1600 and 3200 Hz: the last bit of the data is always 0 (data sheet, FIFO and data rate notes).
_LAST_BIT_ZERO = 0x0E

DEVID = 0x00
THRESH_ACT = 0x24
ACT_INACT_CTL = 0x27
BW_RATE = 0x2C
POWER_CTL = 0x2D
INT_ENABLE = 0x2E
INT_MAP = 0x2F
INT_SOURCE = 0x30
DATA_FORMAT = 0x31
DATAX0 = 0x32
DATAZ1 = 0x37
FIFO_CTL = 0x38
FIFO_STATUS = 0x39

_READ_ONLY = (0x2B, INT_SOURCE, FIFO_STATUS)
_FIRST_WRITABLE = 0x1D
_STREAM = 0x80
_FIFO_MODE = 0xC0
_MEASURE = 0x08
_DATA_READY = 0x80
_ACTIVITY = 0x10
_WATERMARK = 0x02
_OVERRUN = 0x01
_AC_COUPLED = 0x80
_FULL_RESOLUTION_16_G = 0x0B
# 32 in the FIFO and one in the output registers.
_FIFO_SETS = 33
_STEP_G = 1 / 256
# A unit of THRESH_ACT, 62.5 mg.
_THRESHOLD_STEPS = 16
_TURN_ON_US = 1_100


class ADXL345Model(ChipModel):
    """`signal` is what the chip feels (see `signals.RecordedAcceleration`)."""

    def __init__(self, clock: "Clock", signal: "AccelerationSignal", address: int = 0x53) -> None:
        super().__init__(address)
        self._clock = clock
        self._signal = signal
        self.power_on()

    def power_on(self) -> None:
        """What an interruption of the supply does."""
        self._registers = bytearray(FIFO_STATUS + 1)
        self._registers[BW_RATE] = 0x0A
        self._source: "SampledAcceleration | None" = None
        self._now = -1
        self._overrun = False
        self._reference: "tuple[int, int, int] | None" = None
        # The first unread sample, the next one to search for activity, and the activity that was found.
        self._unread = 0
        self._search = 0
        self._found: "int | None" = None

    # --- what the board sees ---

    def sampling(self) -> bool:
        """Whether samples are being taken."""
        return self._source is not None

    def int1(self) -> bool:
        """The level of pin INT1 now."""
        self._settle()
        return self._active()

    def next_interrupt_us(self, limit_us: int) -> "int | None":
        """When INT1 is high next, now included; None when it stays low up to `limit_us`."""
        self._settle()
        if self._active():
            return self._clock.now_us()
        if self._source is None or not self._registers[INT_ENABLE]:
            return None
        self._find(self._source, self._sample_at(limit_us) + 1)
        if self._found is None:
            return None
        at_us = -(-self._found * 1_000_000_000 // self._rate_mHz)
        return at_us if at_us <= limit_us else None

    def _active(self) -> bool:
        return self._source is not None and self._found is not None and self._found <= self._now

    # --- time ---

    def _sample_at(self, t_us: int) -> int:
        return t_us * self._rate_mHz // 1_000_000_000

    def _settle(self) -> None:
        """Take in all that has happened up to now."""
        if self._source is None:
            return
        now = self._now = self._sample_at(self._clock.now_us())
        self._source.reach(now + 1)
        self._find(self._source, now + 1)
        capacity = _FIFO_SETS if self._registers[FIFO_CTL] & _FIFO_MODE else 1
        if now + 1 - self._unread > capacity:
            self._unread = now + 1 - capacity
            self._overrun = True
        self._source.release(min(self._unread, self._search, now))

    def _entries(self) -> int:
        return 0 if self._source is None else max(0, self._now + 1 - self._unread)

    def _start_measuring(self) -> None:
        code = self._registers[BW_RATE] & 0x1F
        if not 0x08 <= code <= 0x0F:
            raise NotImplementedError("the model takes 25 to 3200 samples a second, at normal power")
        if self._registers[DATA_FORMAT] != _FULL_RESOLUTION_16_G:
            raise NotImplementedError("the model knows full resolution at +-16 g only")
        if self._registers[FIFO_CTL] & _FIFO_MODE not in (0, _STREAM):
            raise NotImplementedError("the model's FIFO streams or is off")
        self._rate_mHz = 3_200_000 >> (0x0F - code)
        period_us = 1_000_000_000 // self._rate_mHz
        first = self._sample_at(self._clock.now_us() + _TURN_ON_US + period_us) + 1
        self._source = SampledAcceleration(self._signal, self._rate_mHz, 0.5, _STEP_G, -4096, 4095, first)
        self._source.reach(first)
        self._now = first - 1
        self._unread = self._first = first
        self._restart_search()

    # --- activity ---

    def _restart_search(self) -> None:
        """Settings have changed: the next sample may be the reference."""
        self._reference = None
        self._found = None
        if self._source is not None:
            self._search = max(self._first, self._sample_at(self._clock.now_us()) + 1)

    def _find(self, source: SampledAcceleration, end: int) -> None:
        """Search the samples before `end`, up to the first one with activity."""
        if not self._registers[INT_ENABLE] & _ACTIVITY or not self._registers[ACT_INACT_CTL] & 0x70:
            self._search = max(self._search, self._now + 1)
            return
        while self._found is None and self._search < end:
            if source.end <= self._search:
                source.extend(end)
            else:
                self._find_in_run(source.run_at(self._search), end)

    def _find_in_run(self, run: "Run", end: int) -> None:
        codes = run.codes
        end = min(end, run.end)
        last = end if run.stride else self._search + 1
        for k in range(self._search, last):
            offset = (k - run.first) * run.stride
            if self._exceeds(codes[offset], codes[offset + 1], codes[offset + 2]):
                self._found = k
                self._search = k + 1
                return
        self._search = end

    def _exceeds(self, x: int, y: int, z: int) -> bool:
        control = self._registers[ACT_INACT_CTL]
        if self._reference is None:
            self._reference = (x, y, z) if control & _AC_COUPLED else (0, 0, 0)
        limit = self._registers[THRESH_ACT] * _THRESHOLD_STEPS
        rx, ry, rz = self._reference
        return bool(
            (control & 0x40 and abs(x - rx) > limit)
            or (control & 0x20 and abs(y - ry) > limit)
            or (control & 0x10 and abs(z - rz) > limit)
        )

    # --- registers ---

    def read(self, register: int, buf: "bytearray | memoryview") -> None:
        """Serve one read transfer; one that touches the data takes the oldest set out of the FIFO."""
        self._settle()
        super().read(register, buf)
        if register <= DATAZ1 and register + len(buf) > DATAX0 and self._entries():
            self._unread += 1
            self._overrun = False

    def read_register(self, register: int) -> int:
        """Value that is sent for one byte."""
        if register == DEVID:
            return 0 if self.fail == "wrong_id" else 0xE5
        if register == INT_SOURCE:
            return self._read_int_source()
        if register == FIFO_STATUS:
            return self._entries()
        if DATAX0 <= register <= DATAZ1:
            return self._read_data(register - DATAX0)
        return self._registers[register] if _FIRST_WRITABLE <= register <= FIFO_STATUS else 0

    def _read_int_source(self) -> int:
        entries = self._entries()
        value = _DATA_READY if entries else 0
        value |= _WATERMARK if entries >= self._registers[FIFO_CTL] & 0x1F else 0
        value |= _OVERRUN if self._overrun else 0
        if self._active():
            value |= _ACTIVITY
            self._found = None
            self._search = self._now + 1
        return value

    def _read_data(self, index: int) -> int:
        if self._source is None or self._now < self._first:
            return 0
        code = self._source.code_at(min(self._unread, self._now), index // 2)
        if self._registers[BW_RATE] & 0x1F >= _LAST_BIT_ZERO:
            code &= ~1
        return code >> 8 & 0xFF if index & 1 else code & 0xFF

    def write_register(self, register: int, value: int) -> None:
        """Effect of one byte; what can't be written is ignored."""
        if register > FIFO_STATUS or register < _FIRST_WRITABLE or register in _READ_ONLY:
            return
        if DATAX0 <= register <= DATAZ1:
            return
        self._settle()
        if (register == INT_ENABLE and value & ~_ACTIVITY) or (register == INT_MAP and value & _ACTIVITY):
            raise NotImplementedError("the model has one interrupt: activity, on INT1")
        self._registers[register] = value
        if register == POWER_CTL:
            self._write_power_ctl(value)
        elif register == FIFO_CTL and not value & _FIFO_MODE and self._source is not None:
            self._unread = self._now + 1
        elif register in (THRESH_ACT, ACT_INACT_CTL, INT_ENABLE):
            self._restart_search()

    def _write_power_ctl(self, value: int) -> None:
        if value & ~_MEASURE:
            raise NotImplementedError("the model stands by or measures")
        if not value:
            self._source = None
            self._found = None
            self._overrun = False
        elif self._source is None:
            self._start_measuring()
