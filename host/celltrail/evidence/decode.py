"""From a read-out to its record. Never raises on what a file holds: what can't be read becomes a flaw."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from celltrail.evidence.decode_checkpoints import CheckpointFrames
from celltrail.evidence.decode_series import ReadingFrames, Shocks
from celltrail.evidence.noted import MOST_MS, noted_pairs
from celltrail.evidence.pending import read_pending
from celltrail.evidence.record import (
    Alarm,
    Boot,
    Checkpoints,
    ClockPair,
    Command,
    Earlier,
    Fault,
    Flaw,
    Instant,
    Mark,
    Origin,
    RadioChange,
    Record,
    Run,
    StateChange,
)
from celltrail.evidence.scan import Sector, fields, scan_sectors
from celltrail.evidence.trail import Trail
from celltrail.plain_text import printable, printable_values
from celltrail.plans.sensor import Sensor
from celltrail_protocol import cbor, frames, smp
from celltrail_protocol.codes import CLOCK_VIRTUAL
from celltrail_protocol.layout import ProtocolError, names, size, unpack
from celltrail_protocol.records import NO_SLOT

_MOST_CHANNELS = 4
_NO_UID = bytes(8)
_LONGEST_NAME = 64


def read_record(trail: Trail, sectors: Sequence[Sector] | None = None) -> Record:
    """The record of a read-out; `sectors` are its scanned sectors when the caller has them already."""
    decoder = _Decoder(trail)
    for sector in scan_sectors(trail.sectors) if sectors is None else sectors:
        decoder.add_sector(sector)
    return decoder.finish()


class _Decoder:
    """Collects frames in their order; ticks belong to the boot of the last plan or boot frame."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self._plan: Mapping[str, Any] | None = None
        self._sensors: tuple[Sensor, ...] = ()
        self._boot = 0
        self._last_ticks: dict[int, int] = {}
        # Not by number: after boot 65,535 comes 0.
        self._boots_in_order: dict[int, None] = {}
        self._origins: dict[int, Origin] = {}
        self._settings = _Parts()
        self._calibration = _Parts()
        self._found: dict[type, list[Any]] = {
            kind: [] for kind in (Run, ClockPair, Boot, StateChange, Command, Earlier, Mark, Alarm, Fault, RadioChange)
        }
        self._flaws: list[Flaw] = []
        self._readings = ReadingFrames()
        self._shocks = Shocks()
        self._checkpoints = CheckpointFrames()
        self._handlers: dict[int, Callable[..., None]] = {
            frames.CLOCK: self._on_clock,
            frames.BOOT: self._on_boot,
            frames.STATE: self._on_state,
            frames.SETTINGS: self._settings.add,
            frames.CALIBRATION: self._calibration.add,
            frames.COMMAND: self._on_command,
            frames.EARLIER: self._on_earlier,
            frames.MISSING: self._on_missing,
            frames.GAP: self._on_gap,
            frames.SHOCK: self._on_shock,
            frames.MARK: self._on_mark,
            frames.ALARM: self._on_alarm,
            frames.FAULT: self._on_fault,
            frames.RADIO: self._on_radio,
        }

    def add_sector(self, sector: Sector) -> None:
        """Take in all frames of a sector; those of another trip are left out."""
        for offset, end in sector.damaged:
            self._flaws.append(Flaw("a frame that doesn't check", sector.index, offset, end))
        if sector.header is not None:
            self._boot = sector.header.boot
        stop = self._add_frames(sector)
        for table in (self._readings, self._shocks, self._checkpoints):
            table.add_sector(sector, stop)

    def _add_frames(self, sector: Sector) -> int:
        """All frames but those that go into tables; the offset up to which they are of this trip."""
        boots, handlers = self._checkpoints.boots, self._handlers
        for offset, kind, start, end in sector.frames:
            if kind == frames.CHECKPOINT:
                if self._boot not in self._boots_in_order:
                    self._enter(self._boot)
                boots.append(self._boot)
            elif kind == frames.PLAN:
                if not self._take_plan(sector, offset, start, end):
                    return offset
            elif kind in handlers:
                self._handle(sector, offset, kind, start, end)
        return len(sector.data)

    def _flaw(self, sector: Sector, offset: int, end: int, text: str) -> None:
        self._flaws.append(Flaw(text, sector.index, offset, end))

    def _handle(self, sector: Sector, offset: int, kind: int, start: int, end: int) -> None:
        try:
            self._handlers[kind](*fields(sector, kind, start, end))
        except ProtocolError as error:
            self._flaw(sector, offset, end, str(error))

    def _take_plan(self, sector: Sector, offset: int, start: int, end: int) -> bool:
        """Whether the sector belongs to this trip."""
        try:
            plan, sensors = _parse_plan(sector.data[start:end])
            self._origin(plan["slot0"], plan["tick0_ms"], plan["boot"])
        except ProtocolError as error:
            self._flaw(sector, offset, end, str(error))
            return True
        if self._plan is None:
            self._plan, self._sensors = plan, sensors
        elif any(plan[key] != self._plan[key] for key in ("trip", "uid", "settings", "period_ms", "channels")):
            self._flaw(sector, offset, end, "a plan frame of another trip; the sector is left out")
            return False
        self._enter(plan["boot"])
        return True

    def _enter(self, boot: int) -> None:
        self._boot = boot
        self._boots_in_order.setdefault(boot)

    def _at(self, tick_ms: int) -> Instant:
        if tick_ms > MOST_MS:
            raise ProtocolError("frame: a tick beyond all times")
        self._enter(self._boot)
        self._last_ticks[self._boot] = max(tick_ms, self._last_ticks.get(self._boot, 0))
        return Instant(self._boot, tick_ms)

    def _origin(self, slot0: int, tick0_ms: int, boot: int) -> None:
        if slot0 == NO_SLOT:
            return
        if tick0_ms > MOST_MS:
            raise ProtocolError("frame: a schedule beyond all times")
        self._origins[slot0] = Origin(slot0, tick0_ms, boot)

    def _add(self, item: Any) -> None:
        self._found[type(item)].append(item)

    def _on_clock(self, boot: int, tick_ms: int, utc_ms: int, uncertainty_ms: int, source: int) -> None:
        if max(tick_ms, utc_ms) > MOST_MS:
            raise ProtocolError("clock: a time beyond all times")
        pair = ClockPair(Instant(boot, tick_ms), utc_ms, uncertainty_ms, source, True)
        self._add(pair)
        commands = self._found[Command]
        # The clock frame follows the command that set it.
        if commands and commands[-1].command in (smp.CMD_ARM, smp.CMD_CLOCK) and commands[-1].clock is None:
            commands[-1] = replace(commands[-1], clock=pair)

    def _on_boot(self, boot: int, cause: int, tick_ms: int, slot0: int, tick0_ms: int, battery_mV: int) -> None:
        self._enter(boot)
        self._origin(slot0, tick0_ms, boot)
        self._add(Boot(self._at(tick_ms), cause, battery_mV))

    def _on_state(self, tick_ms: int, state: int, reason: int, slot0: int, tick0_ms: int, battery_mV: int) -> None:
        self._origin(slot0, tick0_ms, self._boot)
        self._add(StateChange(self._at(tick_ms), state, reason, battery_mV))

    def _on_command(self, tick_ms: int, command: int, operator: bytes, flags: int, detail: int) -> None:
        self._add(Command(self._at(tick_ms), command, _text(operator), flags, detail))

    def _on_earlier(
        self,
        dropped: int,
        boot: int,
        tick_ms: int,
        command: int,
        operator: bytes,
        flags: int,
        detail: int,
        utc_ms: int,
        trip: int,
    ) -> None:
        if max(tick_ms, utc_ms) > MOST_MS:
            raise ProtocolError("earlier command: a time beyond all times")
        at = Instant(boot, tick_ms)
        self._add(Earlier(at, command, _text(operator), flags, detail, utc_ms or None, trip, dropped))

    def _on_missing(self, channel: int, slot: int, count: int, code: int) -> None:
        self._add(Run(channel, slot, slot + count, "missing", code))

    def _on_gap(self, slot: int, count: int, reason: int) -> None:
        self._add(Run(None, slot, slot + count, "gap", reason))

    def _on_shock(self, event: int, tick_ms: int, *rest: Any) -> None:
        self._shocks.add(event, self._at(tick_ms), rest)

    def _on_mark(
        self, tick_ms: int, kind: int, outcome: int, flags: int, operator: bytes, place: bytes, note: bytes
    ) -> None:
        self._add(Mark(self._at(tick_ms), kind, outcome, flags, _text(operator), _text(place), _text(note)))

    def _on_alarm(self, tick_ms: int, alarm: int, channel: int, value_raw: int, slot: int) -> None:
        self._add(Alarm(self._at(tick_ms), alarm, channel, value_raw, slot))

    def _on_fault(self, tick_ms: int, source: int, code: int, detail: int) -> None:
        self._add(Fault(self._at(tick_ms), source, code, detail))

    def _on_radio(self, tick_ms: int, state: int, why: int, pressure_Pa: int) -> None:
        self._add(RadioChange(self._at(tick_ms), state, why, pressure_Pa))

    def finish(self) -> Record:
        """The record of all that was taken in."""
        plan = self._plan or {}
        pending = read_pending(self._trail.pending or b"", len(self._sensors))
        channels, runs, flaws = self._readings.decode(self._sensors, pending)
        step_ng = plan.get("accel_step_ng", 0)
        runs += self._found[Run]
        shocks, shock_flaws = self._shocks.decode(step_ng)
        checkpoints = self._checkpoints.decode()
        self._note_ticks(checkpoints)
        pairs = [*self._found[ClockPair], *_read_out_pairs(self._trail.meta)]
        settings = self._settings.whole()
        return Record(
            uid=plan.get("uid", self._trail.uid or _NO_UID),
            trip=plan.get("trip", self._trail.trip),
            name=_name(self._trail.meta),
            period_ms=plan.get("period_ms", 0),
            settings=plan.get("settings", b""),
            plan_bytes=settings,
            plan=_plan_map(settings),
            accel_model=plan.get("accel_model", 0),
            channels=tuple(one for one in channels if not one.sensor.is_barometer),
            pressures=tuple(one for one in channels if one.sensor.is_barometer),
            runs=tuple(runs),
            origins=self._schedule(),
            clock_pairs=tuple(pairs),
            boots=tuple(self._found[Boot]),
            states=tuple(self._found[StateChange]),
            commands=tuple(self._found[Command]),
            shocks=shocks,
            marks=tuple(self._found[Mark]),
            alarms=tuple(self._found[Alarm]),
            faults=tuple(self._found[Fault]),
            checkpoints=checkpoints,
            last_ticks=self._lengths_of_boots(runs, plan.get("period_ms", 0)),
            pending=len(pending.readings),
            simulated=_simulated(pairs, self._trail.meta),
            flaws=tuple(self._flaws + self._checkpoints.flaws + flaws + shock_flaws),
            earlier=tuple(self._found[Earlier]),
            radio=tuple(self._found[RadioChange]),
            calibration_bytes=self._calibration.whole() or b"",
        )

    def _note_ticks(self, checkpoints: Checkpoints) -> None:
        for boot in np.unique(checkpoints.boots).tolist():
            last_ms = int(checkpoints.ticks_ms[checkpoints.boots == boot].max())
            self._last_ticks[boot] = max(last_ms, self._last_ticks.get(boot, 0))

    def _schedule(self) -> tuple[Origin, ...]:
        return tuple(self._origins[slot0] for slot0 in sorted(self._origins))

    def _lengths_of_boots(self, runs: Sequence[Run], period_ms: int) -> list[Instant]:
        """The last tick of each boot that anything is known of, frames and slots alike, in the order of the record."""
        schedule = self._schedule()
        ends = [*(origin.slot0 for origin in schedule[1:]), NO_SLOT + 1][: len(schedule)]
        lasts = np.unique(np.array([run.end - 1 for run in runs], np.int64))
        for origin, count in zip(schedule, np.searchsorted(lasts, ends).tolist(), strict=True):
            last = int(lasts[count - 1]) if count else -1
            if last >= origin.slot0:
                tick_ms = min(MOST_MS, origin.tick0_ms + (last - origin.slot0) * period_ms)
                self._last_ticks[origin.boot] = max(tick_ms, self._last_ticks.get(origin.boot, 0))
        return [Instant(boot, self._last_ticks[boot]) for boot in self._boots_in_order if boot in self._last_ticks]


class _Parts:
    """What comes in the parts of several frames."""

    def __init__(self) -> None:
        self._found: dict[int, bytes] = {}
        self._count = 0

    def add(self, part: int, parts: int, data: bytes) -> None:
        self._found[part] = data
        self._count = max(parts, self._count)

    def whole(self) -> bytes | None:
        """All of it; None when a part is not there."""
        parts = [self._found.get(part) for part in range(self._count)]
        whole = [part for part in parts if part is not None]
        return b"".join(whole) if parts and len(whole) == len(parts) else None


@lru_cache(maxsize=64)
def _parse_plan(payload: bytes) -> tuple[Mapping[str, Any], tuple[Sensor, ...]]:
    """The plan frame's fields and its channels; the frame is nearly the same in all sectors of a trip."""
    table = frames.TABLES[frames.PLAN]
    plan = dict(zip(names(table), unpack(table, payload), strict=True))
    count = plan["channels"]
    if not 1 <= count <= _MOST_CHANNELS:
        raise ProtocolError(f"plan: {count} channels instead of 1 to {_MOST_CHANNELS}")
    first, step = size(table), size(frames.CHANNEL)
    sensors = tuple(Sensor(*unpack(frames.CHANNEL, payload, first + i * step)) for i in range(count))
    kinds = [sensor.is_barometer for sensor in sensors]
    if kinds != sorted(kinds) or kinds[0]:
        raise ProtocolError("plan: a channel of pressure before one of temperature")
    return plan, sensors


def _text(data: bytes) -> str:
    """Text that people typed; what is not UTF-8 or not printable is shown as a replacement sign."""
    return printable(data.decode(errors="replace"))


def _name(meta: dict[str, Any]) -> str:
    name = meta.get("name")
    return printable(name, _LONGEST_NAME) if isinstance(name, str) else ""


def _plan_map(data: bytes | None) -> dict[str, Any] | None:
    if data is None:
        return None
    try:
        value = cbor.loads(data)
    except ProtocolError:
        return None
    return printable_values(value) if isinstance(value, dict) else None


def _read_out_pairs(meta: dict[str, Any]) -> list[ClockPair]:
    return [
        ClockPair(Instant(boot, tick_ms), utc_ms, uncertainty_ms, source, False)
        for boot, tick_ms, utc_ms, uncertainty_ms, source in noted_pairs(meta)
    ]


def _simulated(pairs: Sequence[ClockPair], meta: dict[str, Any]) -> bool:
    status = meta.get("status")
    virtual = isinstance(status, dict) and status.get("world") is not None
    return virtual or any(pair.source == CLOCK_VIRTUAL for pair in pairs)
