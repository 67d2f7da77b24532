"""A whole trip of the real firmware in this process: drivers, chip models and counted flash, in virtual time."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import fakes

from boards.virtual_clock import VirtualClock
from boards.virtual_sensors import Sensors
from boards.virtual_stimulus import Stimulus as WorldFile
from celltrail.plans.planning import plan_bytes, to_plan
from celltrail.plans.profile import load_profile
from celltrail.plans.sensor import Fitted, Sensor
from celltrail.virtual import Stimulus, make_scenario
from celltrail_protocol import codes, frames, series, smp
from celltrail_protocol.layout import size, unpack
from celltrail_protocol.records import (
    FRAMES_AT,
    FRAMES_END,
    HEADER,
    HEADER_AT,
    MAGIC_HEADER,
    RING_FIRST,
    SEAL,
    SECTOR_SIZE,
    unpack_checked,
)
from tests.bench.counted_flash import CountedFlash

DAY_S = 86_400
START_UTC_ms = 1_750_000_000_000


class WorldBoard(fakes.Board):
    """The fake board with the firmware's own drivers on models of the chips; time passes only in `wait`."""

    def __init__(self, flash: CountedFlash, world: Path) -> None:
        super().__init__(flash)
        self.clock = VirtualClock()
        self.clock.hold()
        self._sensors = Sensors(WorldFile(str(world)), self.clock, 0)
        self.thermometers = self._sensors.thermometers
        self.accelerometer = self._sensors.accelerometer

    @property
    def tick_ms(self) -> int:
        return self.clock.now_us() // 1000

    @tick_ms.setter
    def tick_ms(self, value: int) -> None:
        if hasattr(self, "clock"):
            self.wait(value)

    def accelerometer_int(self) -> bool:
        return self._sensors.interrupt_level()

    def wait(self, until_ms: int) -> None:
        """Until then, or until the accelerometer's interrupt."""
        until_us = until_ms * 1000
        if self._sensors.interrupted():
            return
        interrupt_us = self._sensors.next_interrupt_us(until_us)
        self.clock.jump(until_us if interrupt_us is None else min(until_us, interrupt_us))


@dataclass(frozen=True)
class Flight:
    """A finished trip on its flash; `prepared_erases` is how many erases came right after arming."""

    flash: CountedFlash
    prepared_erases: int

    @cached_property
    def sectors(self) -> dict[int, bytes]:
        """The bytes of the ring sectors that were written, by their number on the flash."""
        found = {}
        for number in range(RING_FIRST, self.flash.sectors):
            data = bytearray(SECTOR_SIZE)
            self.flash.read_into(number * SECTOR_SIZE, data)
            if unpack_checked(HEADER, data, HEADER_AT, MAGIC_HEADER) is not None:
                found[number] = bytes(data)
        return found

    @cached_property
    def frames(self) -> list[tuple[int, bytes]]:
        """(type, payload) of all frames in the ring."""
        found = []
        for data in self.sectors.values():
            for _, kind, start, end in _scan(data)[0]:
                found.append((kind, data[start:end]))
        return found

    @cached_property
    def readings(self) -> int:
        """How many readings decode; their slots must follow one another from 0 on."""
        following = 0
        for kind, payload in self.frames:
            if kind == frames.READINGS:
                _, slot, count, data = unpack(frames.TABLES[kind], payload)
                if slot != following or len(series.decode(data, count, series.BLOCK_READINGS)) != count:
                    raise AssertionError(f"readings from slot {slot} do not follow slot {following - 1}")
                following = slot + count
        return following

    @property
    def shocks(self) -> int:
        """How many shock events were recorded."""
        return [kind for kind, _ in self.frames].count(frames.SHOCK)

    @property
    def occupied_bytes(self) -> int:
        """Flash up to the last frame, and its seal."""
        last = max(self.sectors.values(), key=_sequence)
        return (len(self.sectors) - 1) * SECTOR_SIZE + _scan(last)[2] + size(SEAL)


def _sequence(sector: bytes) -> int:
    header = unpack_checked(HEADER, sector, HEADER_AT, MAGIC_HEADER)
    assert header is not None
    return int(header[4])


def _scan(sector: bytes) -> tuple[list[tuple[int, int, int, int]], list[tuple[int, int]], int]:
    return frames.scan_all(sector, FRAMES_AT, FRAMES_END, _sequence(sector))


def fly(work: Path, *, seed: int, days: float, shocks: bool, sectors: int = 134) -> Flight:
    """Arm with the profile 2-8C, log the box scenario at 60 s, stop."""
    stimulus = make_scenario("box", seed=seed, days=days, start_utc_ms=START_UTC_ms)
    if not shocks:
        stimulus = replace(stimulus, shocks=(), accelerometer=codes.MODEL_NONE)
    work.mkdir(parents=True, exist_ok=True)
    world = work / "flight.world"
    stimulus.write(world)
    return _log(WorldBoard(CountedFlash(sectors), world), stimulus)


def _log(board: WorldBoard, stimulus: Stimulus) -> Flight:
    app, host = fakes.make(board)
    fakes.provision(host)
    board.flash.start_counting()
    fakes.arm(host, _plan(board))
    fakes.run(app, board.tick_ms + 1000)
    flight = Flight(board.flash, sum(board.flash.erases_in))
    fakes.run(app, stimulus.duration_ms)
    host.prove(smp.CMD_STOP, {"op": "AB"})
    if flight.readings != stimulus.duration_ms // 60_000 + 1 or board.flash.violations:
        raise AssertionError(f"{flight.readings} readings are in the ring")
    return flight


def _plan(board: WorldBoard) -> bytes:
    probe, chip = board.thermometers[0], board.accelerometer
    sensor = Sensor(probe.model, probe.step_nK, probe.low_raw, probe.high_raw, probe.uncertainty_mK)
    fitted = Fitted((sensor,), chip.model if chip else codes.MODEL_NONE)
    return plan_bytes(to_plan(load_profile("2-8C"), fitted))
