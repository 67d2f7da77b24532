"""What a trip's record says, as plain values. Times are ticks; `clock` maps them to UTC."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from celltrail.plans.sensor import Fitted, Sensor
from celltrail_protocol.codes import RADIO_SUSPENDED
from celltrail_protocol.frames import MARK_BY_BUTTON, MARK_PROVEN, SHOCK_CLIPPED, SHOCK_CUT, SHOCK_LOST
from celltrail_protocol.names import ASK_NAMES, FLIGHT_NAMES

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

# Standard gravity, m/s2 (ISO 80000-3).
GRAVITY = 9.80665


@dataclass(frozen=True)
class Instant:
    """A tick of one boot; everything that happens has one."""

    boot: int
    tick_ms: int


@dataclass(frozen=True)
class Channel:
    """The readings of one channel: ascending `slots` and `raw` values, of the same length.

    A barometer's are in `hectopascal`, any other's in `celsius`.
    """

    number: int
    sensor: Sensor
    slots: Ints
    raw: npt.NDArray[np.int16]

    @cached_property
    def celsius(self) -> Floats:
        """The readings in degC."""
        return self.sensor.celsius_of(self.raw)

    @cached_property
    def hectopascal(self) -> Floats:
        """The readings in hPa."""
        return self.sensor.hectopascal_of(self.raw)


class Run(NamedTuple):
    """Slots [first, end) of a channel and what became of them: "reading", "missing", "gap".

    `code` is a fault code or the reason of a gap; a gap's channel is None, since it concerns all.
    """

    channel: int | None
    first: int
    end: int
    kind: str
    code: int = 0


@dataclass(frozen=True)
class Origin:
    """From `slot0` on, slot s happens at tick0_ms + (s - slot0) * period_ms of `boot`."""

    slot0: int
    tick0_ms: int
    boot: int


@dataclass(frozen=True)
class ClockPair:
    """A tick and its UTC; `recorded` says that the logger itself wrote it down, under its seals."""

    at: Instant
    utc_ms: int
    uncertainty_ms: int
    source: int
    recorded: bool


@dataclass(frozen=True)
class Boot:
    """The logger restarted."""

    at: Instant
    cause: int
    battery_mV: int


@dataclass(frozen=True)
class StateChange:
    """The logger's state changed."""

    at: Instant
    state: int
    reason: int
    battery_mV: int


@dataclass(frozen=True)
class Command:
    """A command that changed the logger; `clock` is the pair that it set, `detail` as SPEC.md section 3 says."""

    at: Instant
    command: int
    operator: str
    flags: int = 0
    detail: int = 0
    clock: ClockPair | None = None


@dataclass(frozen=True)
class Earlier:
    """A command that came when no trip was open, and `dropped` others before it of which nothing else is known.

    `utc_ms` is what the commanding host said, None when it did not; `trip` is the closed trip of then, or 0.
    """

    at: Instant
    command: int
    operator: str
    flags: int
    detail: int
    utc_ms: int | None
    trip: int
    dropped: int


@dataclass(frozen=True)
class Mark:
    """A custody event."""

    at: Instant
    kind: int
    outcome: int
    flags: int
    operator: str
    place: str
    note: str

    @property
    def proven(self) -> bool:
        """Whether the device key proved it."""
        return bool(self.flags & MARK_PROVEN)

    @property
    def by_button(self) -> bool:
        """Whether it came from the logger's button."""
        return bool(self.flags & MARK_BY_BUTTON)


@dataclass(frozen=True)
class Alarm:
    """An alarm of the plan was raised by a reading."""

    at: Instant
    alarm: int
    channel: int
    value_raw: int
    slot: int


@dataclass(frozen=True)
class Fault:
    """Something failed."""

    at: Instant
    source: int
    code: int
    detail: int


@dataclass(frozen=True)
class RadioChange:
    """The radio went on or off, or was suspended in flight; `pressure_Pa` 0: unknown."""

    at: Instant
    state: int
    why: int
    pressure_Pa: int

    @property
    def reasons(self) -> tuple[str, ...]:
        """What asked for it, or what spoke for a flight."""
        known = FLIGHT_NAMES if self.state == RADIO_SUSPENDED else ASK_NAMES
        return tuple(word for bit, word in known.items() if self.why & bit)


@dataclass(frozen=True)
class Checkpoint:
    """A tag over the sector so far; `battery_mV` is all that it says."""

    at: Instant
    epoch: int
    battery_mV: int


@dataclass(frozen=True, eq=False)
class Checkpoints:
    """All checkpoints in their order, as columns of equal length: a long trip has thousands."""

    boots: Ints
    ticks_ms: Ints
    epochs: Ints
    batteries_mV: Ints

    def __len__(self) -> int:
        return len(self.boots)

    def __iter__(self) -> Iterator[Checkpoint]:
        columns = (self.boots, self.ticks_ms, self.epochs, self.batteries_mV)
        for boot, tick_ms, epoch, battery_mV in zip(*(column.tolist() for column in columns), strict=True):
            yield Checkpoint(Instant(boot, tick_ms), epoch, battery_mV)


@dataclass(frozen=True)
class Shock:
    """One shock event in the accelerometer's steps, and in SI units.

    `waves` are three arrays of `window` samples (x, y, z), or empty when none was stored or it isn't whole.
    """

    event: int
    at: Instant
    tick_us: int
    rate_mHz: int
    step_ng: int
    base: tuple[int, int, int]
    peak: tuple[int, int, int]
    velocity: tuple[int, int, int]
    duration: int
    longest: int
    flags: int
    window: int
    pre: int
    waves: tuple[npt.NDArray[np.int16], ...] = ()

    @property
    def step_m_s2(self) -> float:
        """One step in m/s2."""
        return self.step_ng * 1e-9 * GRAVITY

    @property
    def rate_Hz(self) -> float:
        """Samples a second."""
        return self.rate_mHz / 1000

    @property
    def peak_m_s2(self) -> tuple[float, float, float]:
        """For each axis the sample farthest from rest, as measured (gravity included)."""
        return _scaled(self.peak, self.step_m_s2)

    @property
    def base_m_s2(self) -> tuple[float, float, float]:
        """Rest before the event."""
        return _scaled(self.base, self.step_m_s2)

    @property
    def velocity_m_s(self) -> tuple[float, float, float]:
        """Velocity change over the event (SPEC.md section 3)."""
        return _scaled(self.velocity, self.step_m_s2 / self.rate_Hz) if self.rate_mHz else (0.0, 0.0, 0.0)

    @property
    def largest(self) -> tuple[int, float]:
        """The axis (0 to 2) that went farthest from rest, and how far, in g."""
        away = [abs(peak - base) for peak, base in zip(self.peak, self.base, strict=True)]
        axis = int(np.argmax(away))
        return axis, away[axis] * self.step_ng * 1e-9

    @property
    def duration_ms(self) -> float:
        """From the first to the last active sample."""
        return self.duration / self.rate_Hz * 1000 if self.rate_mHz else 0.0

    @property
    def remarks(self) -> list[str]:
        """What limits these figures."""
        words = ((SHOCK_CLIPPED, "clipped"), (SHOCK_LOST, "samples lost"), (SHOCK_CUT, "cut off"))
        return [word for flag, word in words if self.flags & flag]


def _scaled(steps: tuple[int, int, int], factor: float) -> tuple[float, float, float]:
    x, y, z = steps
    return x * factor, y * factor, z * factor


@dataclass(frozen=True)
class Flaw:
    """A place in a sector that can't be read, and why; `end` is where reading went on."""

    text: str
    sector: int
    offset: int
    end: int


@dataclass(frozen=True)
class Record:
    """The whole record of one trip; `pending` of the readings came from the pending file.

    `channels` are those of temperature, in the order of their numbers from 0; `pressures` come after them.

    `last_ticks` are the boots in the order of the record, each with the last tick that is known of it.
    """

    uid: bytes
    trip: int
    name: str
    period_ms: int
    settings: bytes
    plan_bytes: bytes | None
    plan: dict[str, Any] | None
    accel_model: int
    channels: tuple[Channel, ...]
    runs: tuple[Run, ...]
    origins: tuple[Origin, ...]
    clock_pairs: tuple[ClockPair, ...]
    boots: tuple[Boot, ...]
    states: tuple[StateChange, ...]
    commands: tuple[Command, ...]
    shocks: tuple[Shock, ...]
    marks: tuple[Mark, ...]
    alarms: tuple[Alarm, ...]
    faults: tuple[Fault, ...]
    checkpoints: Checkpoints
    last_ticks: Sequence[Instant]
    pending: int
    simulated: bool
    flaws: tuple[Flaw, ...] = field(default=())
    earlier: tuple[Earlier, ...] = field(default=())
    pressures: tuple[Channel, ...] = field(default=())
    radio: tuple[RadioChange, ...] = field(default=())
    calibration_bytes: bytes = b""

    @property
    def all_channels(self) -> tuple[Channel, ...]:
        """Temperature and pressure, in the order of their numbers."""
        return self.channels + self.pressures

    @property
    def fitted(self) -> Fitted:
        """The logger's sensors."""
        pressures = tuple(channel.sensor for channel in self.pressures)
        return Fitted(tuple(channel.sensor for channel in self.channels), self.accel_model, pressures)

    @property
    def readings(self) -> int:
        """How many readings there are, over all channels."""
        return sum(len(channel.slots) for channel in self.all_channels)

    def instants_of(self, slots: Ints) -> tuple[Ints, Ints]:
        """The boot and the tick of each slot; -1 for slots before any schedule."""
        if not self.origins:
            return np.full(slots.shape, -1), np.full(slots.shape, -1)
        table = np.array([(one.slot0, one.tick0_ms, one.boot) for one in self.origins], np.int64)
        which = np.searchsorted(table[:, 0], slots, side="right") - 1
        ticks = table[which, 1] + (slots - table[which, 0]) * self.period_ms
        return np.where(which < 0, -1, table[which, 2]), np.where(which < 0, -1, ticks)
