"""`celltrail download --all`: every logger in reach, one after the other, and a table at the end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rich.table import Column, Table

from celltrail.errors import CelltrailError, DeviceFault, Interrupted
from celltrail.link.nearby import Near, Survey, listed
from celltrail.operate.outcome import Outcome

_LOOK_S = 3.0


@dataclass(frozen=True)
class Emptied:
    """A logger and what became of it: an outcome, or the fault that it ended with."""

    near: Near
    outcome: Outcome | None
    fault: CelltrailError | None = None

    @property
    def exit_code(self) -> int:
        """That of its fault, or of its verdict."""
        if self.fault is not None:
            return self.fault.exit_code
        return self.outcome.verdict.exit_code if self.outcome else 0


async def loggers_with_trips() -> list[Near]:
    """Those in alarm first, then the nearest; one on a cable is not read over the air. DeviceFault: there is none."""
    survey = Survey()
    await survey.run(_LOOK_S)
    near = listed(survey)
    wired = {one.called for one in near if one.rssi_dBm is None}
    found = [one for one in near if one.has_trip and (one.rssi_dBm is None or one.called not in wired)]
    if not found:
        why = "".join(f"; {name}: {fault}" for name, fault in survey.faults.items())
        raise DeviceFault(f"no logger with a trip is in reach{why}")
    return found


async def empty_all(read: Callable[[Near], Awaitable[Outcome]], say: Callable[[str], None]) -> list[Emptied]:
    """Read each; one that fails does not keep the others from being read."""
    found = await loggers_with_trips()
    done: list[Emptied] = []
    for number, near in enumerate(found, 1):
        say(f"{number} of {len(found)}: {near.called}")
        try:
            done.append(Emptied(near, await read(near)))
        except Interrupted:
            raise
        except CelltrailError as fault:
            done.append(Emptied(near, None, fault))
            say(f"celltrail: {fault}")
    return done


def table_of(done: list[Emptied]) -> Table:
    """What became of each."""
    table = Table("name", "trip", "verdict", "read", Column("file", overflow="fold"), box=None, pad_edge=False)
    for one in done:
        if one.outcome is None:
            table.add_row(one.near.called, "", "[red]NOT READ[/red]", "", "")
            continue
        outcome = one.outcome
        table.add_row(
            outcome.name or one.near.called,
            str(outcome.trip),
            outcome.verdict.word if outcome.verdict.exit_code == 0 else f"[red]{outcome.verdict.word.upper()}[/red]",
            f"{outcome.read_bytes:,} B in {outcome.seconds:.1f} s",
            str(outcome.path),
        )
    return table
