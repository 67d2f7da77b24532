"""Shared by the tests of both accelerometers: a clock, a signal and readers."""

from array import array

from boards.models.i2c_bus import I2CBus
from boards.models.signals import RecordedAcceleration, Segment
from logger.hardware import SensorFault

SECOND = 1_000_000


class Clock:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.us = 0

    def now_us(self) -> int:
        return self.us


def still(x: float = 0.0, y: float = 0.0, z: float = 1.0) -> RecordedAcceleration:
    return RecordedAcceleration([], (x, y, z))


def pulse(start_us: int, peak_g: float, axis: int = 0, width_us: int = 8000) -> RecordedAcceleration:
    """A triangle on one axis, on top of 1 g on z; `axis` 3 spreads it evenly over all axes."""
    return RecordedAcceleration([pulse_segment(start_us, peak_g, axis, width_us)])


def pulse_segment(start_us: int, peak_g: float, axis: int = 0, width_us: int = 8000) -> Segment:
    share = [0.0, 0.0, 0.0]
    if axis == 3:
        share = [peak_g / 3**0.5] * 3
    else:
        share[axis] = peak_g
    times_us = [start_us, start_us + width_us // 2, start_us + width_us]
    return Segment(times_us, [0.0, share[0], 0.0], [0.0, share[1], 0.0], [1.0, 1.0 + share[2], 1.0])


def struck(rest: "tuple", turned: "tuple", away: "tuple") -> RecordedAcceleration:
    """Rest, a turn after 1 s, and at 2 s a shock of 10 ms: `away` from the new rest."""
    times_us = [ms * 1000 for ms in (0, 1000, 1001, 2000, 2010, 2020, 2030)]
    axes = []
    for before, after, shock in zip(rest, turned, away):
        axes.append([before, before, after, after, after + shock, after + shock, after])
    return RecordedAcceleration([Segment(times_us, *axes)])


class Bench:
    """Driver, bus, chip and clock."""

    def __init__(self, driver: type, model: type, signal: RecordedAcceleration, **settings: int) -> None:
        self.clock = Clock()
        self.chip = model(self.clock, signal)
        self.bus = I2CBus([self.chip])
        self.driver = driver(self.bus, **settings)
        self.out = array("h", bytes(6 * 600))

    def read(self, room_sets: int = 600) -> "list[tuple[int, int, int]]":
        count = self.driver.read_fifo(self.out, room_sets)
        return [tuple(self.out[3 * i : 3 * i + 3]) for i in range(count)]

    def record(self, end_us: int, every_us: int) -> "list[tuple[int, int, int]]":
        """All sets until then, read so often that none is lost."""
        sets = []
        while self.clock.us < end_us:
            self.clock.us += every_us
            sets += self.read()
        return sets

    def fault(self, action: "object") -> "int | None":
        try:
            action()
        except SensorFault as fault:
            return fault.code
        return None

    def byte(self, register: int) -> int:
        return self.bus.readfrom_mem(self.chip.address, register, 1)[0]

    def write(self, register: int, value: int) -> None:
        self.bus.writeto_mem(self.chip.address, register, bytes([value]))

    def wake(self, limit_us: int) -> "int | None":
        """Jump to the next interrupt; its time."""
        at_us = self.chip.next_interrupt_us(limit_us)
        if at_us is not None:
            self.clock.us = at_us
        return at_us
