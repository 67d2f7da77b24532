"""A board's chip for CPython: stand-ins for MicroPython's modules that refuse what the ports refuse.

Time passes only in sleeps. The modules stand in one file because they share one chip: its time, pins and restarts.
Written from the ports' sources (machine_pin.c, machine_wdt.c, modmachine.c, rp2_flash.c, esp32_partition.c,
modesp32.c) and the documentation of v1.29.
"""

import math
import types

from boards.models.adxl372 import ADXL372Model
from boards.models.bmp390 import BMP390Model
from boards.models.ds18b20 import DS18B20Model
from boards.models.ds3231 import DS3231Model
from boards.models.i2c_bus import I2CBus
from boards.models.max31865 import MAX31865Model
from boards.models.nor_flash import NorFlash
from boards.models.onewire_bus import OneWireBus
from boards.models.signals import HeldTemperature, RecordedAcceleration, Segment
from boards.models.spi_bus import SPIBus
from boards.models.tmp117 import TMP117Model

SECTOR_SIZE = 4096


class Restarted(BaseException):
    """The chip has restarted; `cause` is "wanted", "watchdog" or "deep sleep"."""

    def __init__(self, cause: str, sleep_ms: int = 0) -> None:
        super().__init__(cause)
        self.cause = cause
        self.sleep_ms = sleep_ms


def whole(value: object, what: str) -> int:
    """The ports take integers and nothing else."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"can't convert {type(value).__name__} to int for {what}")
    return value


class Chip:
    """What outlives a restart, and the world around: flash, RTC memory, pins as they are driven, what happens when."""

    def __init__(self, sectors: int = 212, pins: range = range(30)) -> None:
        self.time_us = 0
        self.flash = NorFlash(sectors)
        self.pins = pins
        self.levels: dict[int, int] = {}
        self.memory = b""
        self.scratch: dict[int, int] = {}
        self.has_host = False
        self.incoming = bytearray()
        self.outgoing = bytearray()
        self.out_room = 1 << 30
        self.adc_mV = 0
        self.reset_cause = 1
        self.wake_reason = 0
        self.slept_ms: list[int] = []
        self.deep_ms: list[int] = []
        self.sleep_factor = 1.0
        self.napped_ms = 0
        self._events: list[tuple[int, object]] = []
        self._model: ADXL372Model | None = None
        self._int_pin = -1
        self.chips = I2CBus([TMP117Model(self, HeldTemperature([0], [5.0]))])
        self.spi = SPIBus()
        self.selects: dict[int, object] = {}
        self.line = OneWireBus()
        self.start()

    def now_us(self) -> int:
        """The clock of the chips on the bus."""
        return self.time_us

    def fit_accelerometer(self, pin: int, knocks_ms: tuple[int, ...]) -> None:
        """An ADXL372 whose interrupt drives a pin; each knock is a half sine of 20 g and 10 ms."""
        segments = []
        for at_ms in knocks_ms:
            times_us = [at_ms * 1000 + 1000 * i for i in range(13)]
            z = [1.0] + [1 + 20 * math.sin(math.pi * i / 11) for i in range(12)]
            segments.append(Segment(times_us, [0.0] * 13, [0.0] * 13, z))
        self._model = ADXL372Model(self, RecordedAcceleration(segments), 0x53)
        self._int_pin = pin
        self.chips.attach(self._model)

    def fit_probes(self, select: int) -> None:
        """A MAX31865 with its select line on a pin, and a DS18B20."""
        signal = HeldTemperature([0], [5.0])
        self.selects[select] = self.spi.attach(MAX31865Model(self, signal))
        self.line = OneWireBus(DS18B20Model(self, signal))

    def fit_barometer_and_clock(self) -> None:
        """A BMP390 at 1000 hPa and a DS3231."""
        self.chips.attach(BMP390Model(self, HeldTemperature([0], [1000.0])))
        self.chips.attach(DS3231Model(lambda: self.time_us))

    def level(self, pin: int) -> int:
        """What a pin reads."""
        if self._model is not None and pin == self._int_pin:
            return int(self._model.int1())
        return self.levels.get(pin, 0)

    def start(self) -> None:
        """A restart: handlers and the watchdog are gone, and the tick counter begins anew."""
        self.started_us = self.time_us
        self.handlers: dict[int, tuple[object, int]] = {}
        self.drives: dict[int, int] = {}
        self.watchdog_us: int | None = None
        self.fed_us = self.time_us
        self.wake_pins: dict[int, int] = {}
        self.sof_us = 0

    # --- time ---

    def at(self, ms: int, event) -> None:
        """Let something happen at this time."""
        self._events.append((ms * 1000, event))
        self._events.sort(key=lambda one: one[0])

    def pass_us(self, duration_us: int, wake: bool = False) -> bool:
        """Let time pass, or only up to the pin that wakes the chip; whether one has."""
        end_us = self.time_us + duration_us
        if self._model is not None and not self._model.int1():
            due_us = self._model.next_interrupt_us(end_us)
            if due_us is not None:
                self.at(-(-due_us // 1000), lambda: self.drive(self._int_pin, 1))
        while self._events and self._events[0][0] <= end_us:
            at_us, event = self._events.pop(0)
            self._go_to(max(at_us, self.time_us))
            if event() and wake:
                return True
        self._go_to(end_us)
        return False

    def _go_to(self, time_us: int) -> None:
        if self.watchdog_us is not None and time_us - self.fed_us > self.watchdog_us:
            self.time_us = self.fed_us + self.watchdog_us
            self.reset_cause = 3
            raise Restarted("watchdog")
        self.time_us = time_us

    # --- pins ---

    def drive(self, pin: int, level: int) -> bool:
        """From outside; whether an interrupt came of it, or a level that wakes the chip."""
        before, self.levels[pin] = self.levels.get(pin, 1 - level), level
        handler, trigger = self.handlers.get(pin, (None, 0))
        edge = 4 if before and not level else 8 if level and not before else 0
        if handler is not None and edge & trigger:
            handler(None)
            return True
        return self.wake_pins.get(pin) == level

    def press(self, pin: int, from_ms: int, for_ms: int) -> None:
        self.at(from_ms, lambda: self.drive(pin, 0))
        self.at(from_ms + for_ms, lambda: self.drive(pin, 1))


def fake_time(chip: Chip) -> dict[str, object]:
    """The functions that MicroPython's `time` has and CPython's has not."""

    def sleep_ms(ms: int) -> None:
        chip.napped_ms += whole(ms, "sleep_ms")
        chip.pass_us(max(0, ms) * 1000)

    return {
        "ticks_ms": lambda: (chip.time_us - chip.started_us) // 1000 % (1 << 30),
        "ticks_add": lambda ticks, delta: (ticks + delta) % (1 << 30),
        "sleep_ms": sleep_ms,
    }


class Stream:
    """Standard input or output with its `buffer`."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self.buffer = self

    def read(self, count: int) -> bytes:
        # The real one blocks until there is so much; a test would hang.
        if count > len(self._chip.incoming):
            raise AssertionError("the port would block for ever")
        data = bytes(self._chip.incoming[:count])
        del self._chip.incoming[:count]
        return data

    def write(self, data: bytes) -> int:
        if len(data) > 64:
            raise AssertionError("a port takes 64 bytes at once")
        self._chip.out_room -= len(data)
        self._chip.outgoing += data
        return len(data)


def fake_select(chip: Chip) -> types.ModuleType:
    module = types.ModuleType("select")
    module.POLLIN, module.POLLOUT = 1, 4

    class Poll:
        def register(self, stream: object, mask: int = 5) -> None:
            self._mask = mask

        def ipoll(self, timeout: int = -1):
            ready = chip.incoming if self._mask == module.POLLIN else chip.out_room > 0
            return iter([(None, self._mask)] if ready else [])

    module.poll = Poll
    return module


def fake_onewire(chip: Chip) -> types.ModuleType:
    """MicroPython's frozen `onewire`."""
    module = types.ModuleType("onewire")

    def one_wire(pin: object) -> OneWireBus:
        return chip.line

    module.OneWire = one_wire
    return module


def fake_machine(chip: Chip, mem32: object, i2c_of: dict[int, int] | None) -> types.ModuleType:
    """`i2c_of`: which pin belongs to which bus on an RP2040; None where any pin does."""
    module = types.ModuleType("machine")

    class Pin:
        IN, OUT, PULL_UP = 0, 1, 1
        IRQ_FALLING, IRQ_RISING = 4, 8

        def __init__(self, id: int, mode: int = -1, pull: int = -1, *, value: int | None = None) -> None:
            if whole(id, "Pin") not in chip.pins:
                raise ValueError("invalid pin")
            self.id = id
            self._out = mode == Pin.OUT
            if pull == Pin.PULL_UP:
                chip.levels.setdefault(id, 1)
            if value is not None:
                self._drive(value)

        def value(self, *level: int) -> int | None:
            if not level:
                return chip.level(self.id)
            if not self._out:
                raise AssertionError("an input was driven")
            self._drive(whole(level[0], "Pin.value"))
            return None

        def __call__(self, *level: int) -> int | None:
            return self.value(*level)

        def _drive(self, level: int) -> None:
            chip.drives[self.id] = level
            if self.id in chip.selects:
                chip.selects[self.id](level)

        def irq(self, handler=None, trigger: int = 12) -> None:
            chip.handlers[self.id] = (handler, trigger)

    class I2C:
        def __init__(self, id: int, *, scl: Pin, sda: Pin, freq: int = 400000, timeout: int = 50000) -> None:
            if i2c_of is not None:
                for pin, name in ((scl, "SCL"), (sda, "SDA")):
                    if i2c_of.get(pin.id) != id or (name == "SCL") != bool(pin.id % 2):
                        raise ValueError(f"bad {name} pin")
            if whole(freq, "freq") > 1000000:
                raise ValueError("freq too high")

        def __getattr__(self, name: str):
            return getattr(chip.chips, name)

    class SPI:
        def __init__(
            self, id: int, *, baudrate: int, polarity: int, phase: int, sck: Pin, mosi: Pin, miso: Pin
        ) -> None:
            pins = [sck.id, mosi.id, miso.id]
            if i2c_of is not None and [(pin // 8 % 2, pin % 4) for pin in pins] != [(id, 2), (id, 3), (id, 0)]:
                raise ValueError("bad SCK, MOSI or MISO pin")
            # The MAX31865 reads on the second edge, at 5 MHz at most.
            if (polarity, phase) not in ((0, 1), (1, 1)) or whole(baudrate, "baudrate") > 5000000:
                raise AssertionError("the chips on this bus would not understand")

        def __getattr__(self, name: str):
            return getattr(chip.spi, name)

    class ADC:
        ATTN_11DB = 3

        def __init__(self, pin: Pin, *, atten: int = 0) -> None:
            self._full_mV = 3300 if i2c_of is not None or atten else 1100

        def read_u16(self) -> int:
            return min(65535, chip.adc_mV * 65535 // self._full_mV)

        def read_uv(self) -> int:
            if i2c_of is not None:
                raise AttributeError("read_uv")
            return min(chip.adc_mV, self._full_mV) * 1000

    class WDT:
        def __init__(self, id: int = 0, timeout: int = 5000) -> None:
            if i2c_of is not None and whole(timeout, "timeout") > 8388:
                raise ValueError("timeout exceeds 8388")
            chip.watchdog_us, chip.fed_us = timeout * 1000, chip.time_us

        def feed(self) -> None:
            chip.fed_us = chip.time_us

    def lightsleep(time_ms: int, /) -> None:
        if whole(time_ms, "lightsleep") >= 4294967:
            raise ValueError("sleep too long")
        chip.slept_ms.append(time_ms)
        chip.pass_us(time_ms * 1000, wake=True)

    def reset() -> None:
        chip.reset_cause = 3 if i2c_of is not None else 5
        raise Restarted("wanted")

    for one in (Pin, I2C, SPI, ADC, WDT, lightsleep, reset):
        setattr(module, one.__name__, one)
    module.mem32 = mem32
    module.reset_cause = lambda: chip.reset_cause
    module.PWRON_RESET, module.WDT_RESET = 1, 3
    if i2c_of is None:
        _add_deep_sleep(module, chip)
    return module


def _add_deep_sleep(module: types.ModuleType, chip: Chip) -> None:
    """An ESP32's: 2,048 bytes keep their power, a wake is a restart, and the sleep's counter is a poor clock."""

    class RTC:
        def memory(self, *data: bytes) -> bytes | None:
            if not data:
                return chip.memory
            if len(memoryview(data[0])) > 2048:
                raise ValueError("buffer too long")
            chip.memory = bytes(data[0])
            return None

    def deepsleep(time_ms: int = 0, /) -> None:
        chip.deep_ms.append(whole(time_ms, "deepsleep"))
        chip.handlers.clear()
        chip.watchdog_us = None
        by_pin = any(chip.level(pin) == level for pin, level in chip.wake_pins.items())
        if not by_pin:
            by_pin = chip.pass_us(int(time_ms * 1000 * chip.sleep_factor), wake=True)
        chip.reset_cause, chip.wake_reason = module.DEEPSLEEP_RESET, 2 if by_pin else module.TIMER_WAKE
        chip.pass_us(1_200_000)
        raise Restarted("deep sleep", time_ms)

    module.RTC, module.deepsleep = RTC, deepsleep
    module.wake_reason = lambda: chip.wake_reason
    module.HARD_RESET, module.DEEPSLEEP_RESET, module.SOFT_RESET = 2, 4, 5
    module.EXT0_WAKE, module.TIMER_WAKE = 2, 4


class RP2Memory:
    """The registers that the board reads: USB frames, watchdog scratch, the cause of a reset."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self.chip_reset = 0x100

    def __getitem__(self, address: int) -> int:
        if address == 0x50110048:
            return self._chip.time_us // 1000 % 2048 if self._chip.has_host else 77
        if address == 0x40064008:
            return self.chip_reset
        if 0x4005800C <= address < 0x40058018:
            return self._chip.scratch.get(address, 0)
        raise AssertionError(f"nobody knows register 0x{address:08x}")

    def __setitem__(self, address: int, value: int) -> None:
        if not 0x4005800C <= address < 0x40058018:
            raise AssertionError(f"register 0x{address:08x} was written")
        self._chip.scratch[address] = whole(value, "mem32")


def fake_rp2(chip: Chip) -> types.ModuleType:
    module = types.ModuleType("rp2")

    class Flash:
        def __init__(self, *, start: int = -1, len: int = -1) -> None:
            size = chip.flash.sectors * SECTOR_SIZE
            self._start = 0 if whole(start, "start") == -1 else start
            self._len = size - self._start if whole(len, "len") == -1 else len
            if self._start % SECTOR_SIZE or self._len % SECTOR_SIZE or not 0 < self._start + self._len <= size:
                raise ValueError

        def _addr(self, block: int, offset: int, count: int) -> int:
            addr = whole(block, "block") * SECTOR_SIZE + whole(offset, "offset")
            if addr < 0 or addr + count > self._len:
                raise AssertionError("the port would reach beyond the flash")
            return self._start + addr

        def readblocks(self, block: int, buf, offset: int = 0) -> None:
            chip.flash.read_into(self._addr(block, offset, len(buf)), buf)

        def writeblocks(self, block: int, buf, offset: int) -> None:
            addr = self._addr(block, offset, len(buf))
            if addr % 256 or len(buf) % 256:
                raise AssertionError("the port would program unaligned, which ruins a page")
            chip.flash.program(addr, buf)
            chip.pass_us(800)

        def ioctl(self, op: int, arg: int) -> int | None:
            if op == 4:
                return self._len // SECTOR_SIZE
            if op == 6:
                chip.flash.erase(self._addr(arg, 0, 0) // SECTOR_SIZE)
                chip.pass_us(45000)
                return 0
            return None

    module.Flash = Flash
    return module


# Which pins wake which chip.
RTC_PINS = {
    "ESP32": {0, 2, 4, 12, 13, 14, 15, 25, 26, 27, 32, 33, 34, 35, 36, 37, 38, 39},
    "ESP32S3": set(range(22)),
    "ESP32C3": set(range(6)),
}


def fake_esp32(chip: Chip, which: str) -> types.ModuleType:
    """Pins wake the classic chip and the S3 one by one; on a C3 all at one level do."""
    module = types.ModuleType("esp32")

    class Partition:
        TYPE_APP, TYPE_DATA = 0, 1

        @staticmethod
        def find(type: int = 0, subtype: int = 0xFF, *, label: str | None = None) -> list[object]:
            return [Partition()] if type == Partition.TYPE_DATA and label == "vfs" else []

        def readblocks(self, block: int, buf, offset: int = 0) -> None:
            chip.flash.read_into(whole(block, "block") * SECTOR_SIZE + whole(offset, "offset"), buf)

        def writeblocks(self, block: int, buf, offset: int) -> None:
            chip.flash.program(whole(block, "block") * SECTOR_SIZE + whole(offset, "offset"), buf)

        def ioctl(self, op: int, arg: int = 0) -> int | None:
            if op == 6:
                chip.flash.erase(arg)
                chip.pass_us(45000)
                return 0
            return {4: chip.flash.sectors, 5: SECTOR_SIZE}.get(op)

    def wakes(pins, level: bool) -> None:
        for pin in pins:
            if pin.id not in RTC_PINS.get(which, RTC_PINS["ESP32"]):
                raise ValueError("invalid pin")
            chip.wake_pins[pin.id] = int(level)

    module.Partition = Partition

    def only(pins, level: bool) -> None:
        chip.wake_pins.clear()
        wakes(pins, level)

    if which == "ESP32C3":
        module.wake_on_gpio = only
    else:
        module.wake_on_ext0 = lambda pin, level: wakes([pin], level)
        module.wake_on_ext1 = wakes
    return module
