"""Turn what a person asks for into a stimulus: a scenario or recordings, the sensors, button presses."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from celltrail.errors import UsageFault
from celltrail.utc import parse
from celltrail.virtual.handling import knocking
from celltrail.virtual.replay import PRESSURE_COLUMN, merge_shocks, parse_span_ms, read_readings, read_shock
from celltrail.virtual.scenarios import make_scenario
from celltrail.virtual.stimulus import ACCELEROMETERS, BAROMETER, MAX_THERMOMETERS, THERMOMETERS, Shock, Stimulus
from celltrail.virtual.world_file import WorldFile

NOW = "now"
DEFAULT_SCENARIO = "box"
DEFAULT_SENSOR = "tmp117"
CLOCKS = ("ds3231", "none")
_PRESS_MS = 200


# A trip of five days that is armed some time after the start still ends within the story.
_DAYS = 6.0


@dataclass(frozen=True)
class Request:
    """A request in the words of the command line; None where nothing was said.

    shocks: FILE[@OFFSET]. start: "now" or an instant. presses: AT[:HOLD]. knocks: AT.
    """

    scenario: str | None = None
    seed: int = 1
    days: float | None = None
    readings: Path | None = None
    columns: tuple[str, ...] = ()
    shocks: tuple[str, ...] = ()
    start: str | None = None
    sensors: str | None = None
    accel: str = "adxl372"
    clock: str = "none"
    presses: tuple[str, ...] = ()
    knocks: tuple[str, ...] = ()
    flash: Path | None = None


def prepare(request: Request) -> Stimulus:
    """Read and check everything; UsageFault."""
    if request.accel not in ACCELEROMETERS:
        raise UsageFault(f"unknown accelerometer {request.accel!r}; choose {', '.join(ACCELEROMETERS)}")
    if request.clock not in CLOCKS:
        raise UsageFault(f"unknown clock chip {request.clock!r}; choose {', '.join(CLOCKS)}")
    knocks = tuple(knocking(parse_span_ms(text) / 1000) for text in request.knocks)
    replayed = merge_shocks((*(read_shock(argument) for argument in request.shocks), *knocks))
    make = _scenario if request.readings is None else _replay
    stimulus = make(request, replayed)
    return replace(
        stimulus,
        accelerometer=ACCELEROMETERS[request.accel],
        clock_chip=request.clock == CLOCKS[0],
        presses_ms=tuple(sorted(_press(text) for text in request.presses)),
    )


def _scenario(request: Request, replayed: tuple[Shock, ...]) -> Stimulus:
    if request.columns:
        raise UsageFault("--column chooses columns of a --replay file; give one")
    known = None if request.flash is None else WorldFile.read(request.flash)
    fitted = known.sensors if known else DEFAULT_SENSOR
    models, barometer = _channels(fitted if request.sensors is None else request.sensors)
    stimulus = make_scenario(
        request.scenario or DEFAULT_SCENARIO,
        seed=request.seed,
        days=_DAYS if request.days is None else request.days,
        start_utc_ms=_start(request.start, known.start_utc_ms if known else None),
        models=models,
        barometer=barometer,
    )
    return replace(stimulus, shocks=merge_shocks(replayed, stimulus.shocks))


def _replay(request: Request, replayed: tuple[Shock, ...]) -> Stimulus:
    if request.scenario is not None or request.days is not None:
        raise UsageFault("--replay goes without --scenario and --days; the file says how long it lasts")
    assert request.readings is not None
    start = None if request.start is None else _start(request.start, None)
    readings = read_readings(request.readings, request.columns, start)
    models, barometer = ((), readings.pressure is not None) if request.sensors is None else _channels(request.sensors)
    count = len(models) or len(readings.temperatures)
    if barometer and readings.pressure is None:
        raise UsageFault(f"{request.readings}: has no column {PRESSURE_COLUMN} for the {BAROMETER}")
    if count > len(readings.temperatures):
        raise UsageFault(f"{request.readings}: has {len(readings.temperatures)} columns for {count} thermometers")
    end_us = max((shock.span_us[1] for shock in replayed), default=0)
    duration_ms = max(readings.duration_ms, -(-end_us // 1000))
    return Stimulus(
        readings.start_utc_ms,
        duration_ms,
        readings.temperatures[:count],
        replayed,
        models=models,
        pressure=readings.pressure if barometer else None,
    )


def _start(text: str | None, known_utc_ms: int | None) -> int:
    if text is None and known_utc_ms is not None:
        return known_utc_ms
    start_utc_ms = time.time_ns() // 1_000_000 if text in (None, NOW) else parse(str(text))
    if start_utc_ms < 0:
        raise UsageFault("the world can't start before 1970")
    return start_utc_ms


def _channels(text: str) -> tuple[tuple[int, ...], bool]:
    """The thermometers' models, and whether there is a barometer."""
    names = [name.strip().lower() for name in text.split(",")]
    barometer = names[-1] == BAROMETER
    thermometers = names[:-1] if barometer else names
    if not thermometers or not set(thermometers) <= set(THERMOMETERS) or len(names) > MAX_THERMOMETERS:
        known = ", ".join(THERMOMETERS)
        raise UsageFault(
            f"--sensors takes {known}, and {BAROMETER} as the last one, up to {MAX_THERMOMETERS} in all with commas, "
            f"not {text!r}"
        )
    return tuple(THERMOMETERS[name] for name in thermometers), barometer


def _press(text: str) -> tuple[int, int]:
    at, _, hold = text.partition(":")
    return parse_span_ms(at), parse_span_ms(hold) if hold else _PRESS_MS
