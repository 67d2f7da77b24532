"""Where the record has no readings, and why: lost sensors, late samples, restarts, and what nobody accounts for."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from celltrail.evidence.record import Instant, Record, Run
from celltrail.evidence.verdict import Verdict
from celltrail_protocol.names import FAULT_NAMES, GAP_NAMES, RESET_NAMES

UNACCOUNTED = "unaccounted for"


@dataclass(frozen=True)
class Outage:
    """From `start` to `end`; `channel` None concerns all. `slots` is 0 for a restart, which skips no slot."""

    channel: int | None
    start: Instant
    end: Instant
    slots: int
    reason: str


def reason_of(run: Run) -> str:
    """Why slots are missing, in words."""
    names = GAP_NAMES if run.kind == "gap" else FAULT_NAMES
    return names.get(run.code, f"reason {run.code}")


def outages_of(record: Record, verdict: Verdict) -> list[Outage]:
    """All outages, in the order of their beginnings."""
    runs = [(run, reason_of(run)) for run in _joined(record.runs)]
    runs += [(Run(one.channel, one.first, one.end, "hole"), UNACCOUNTED) for one in verdict.holes]
    found = [_of_run(record, run, reason) for run, reason in runs]
    found += [replace(one, reason=f"restart ({one.reason})") for one in restarts_of(record)]
    return sorted(found, key=lambda one: (one.start.boot, one.start.tick_ms, one.channel or 0))


def _joined(runs: Iterable[Run]) -> list[Run]:
    """Runs without readings, neighbours with the same reason made one."""
    lacking = sorted(
        (run for run in runs if run.kind != "reading"),
        key=lambda run: (run.kind, -1 if run.channel is None else run.channel, run.first),
    )
    joined: list[Run] = []
    for run in lacking:
        last = joined[-1] if joined else None
        if last and (last.channel, last.kind, last.code, last.end) == (run.channel, run.kind, run.code, run.first):
            joined[-1] = Run(run.channel, last.first, run.end, run.kind, run.code)
        else:
            joined.append(run)
    return joined


def _of_run(record: Record, run: Run, reason: str) -> Outage:
    boots, ticks = record.instants_of(np.array([run.first, run.end - 1]))
    start = Instant(int(boots[0]), int(ticks[0]))
    end = Instant(int(boots[1]), int(ticks[1]) + record.period_ms)
    return Outage(run.channel, start, end, run.end - run.first, reason)


def restarts_of(record: Record) -> list[Outage]:
    """From the last sign of life of a boot to the next boot's frame; the reason is the cause of the reset."""
    last = {instant.boot: instant.tick_ms for instant in record.last_ticks}
    numbers = sorted(last)
    found = []
    for boot in record.boots:
        place = bisect_left(numbers, boot.at.boot)
        if place:
            before = numbers[place - 1]
            cause = RESET_NAMES.get(boot.cause, f"cause {boot.cause}")
            found.append(Outage(None, Instant(before, last[before]), boot.at, 0, cause))
    return found
