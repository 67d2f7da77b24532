"""`make bench`: measure the project's targets, print a table and write build/bench.json.

Targets that are missed are said and never fail the run: figures depend on the machine, tests must not.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tests.bench.paths  # noqa: F401  makes the firmware importable
from tests.bench import (
    evaluate_speed,
    flash_use,
    growth,
    heap,
    host_speed,
    mpy_files,
    packing,
    power_cuts,
    radio_speed,
    readout_speed,
    waves,
)
from tests.bench.figures import Figure, say, write_json
from tests.bench.paths import BUILD
from tests.bench.tables import show_figures, show_heap, show_series, show_sizes


@dataclass(frozen=True)
class Group:
    """Figures that are measured together; `measure` also prints what lies behind them when `detail` is asked for."""

    title: str
    names: tuple[str, ...]
    measure: Callable[[bool], list[Figure]]


def _packing(detail: bool) -> list[Figure]:
    figures, rows = packing.measure()
    if detail:
        show_series(rows)
    return figures


def _sizes(detail: bool) -> list[Figure]:
    revision = mpy_files.last_revision()
    figures, files = mpy_files.measure(revision)
    show_sizes(files, revision)
    return figures


def _heap(detail: bool) -> list[Figure]:
    figure, parts = heap.peak()
    if detail:
        show_heap(parts)
    return [figure]


def _plain(measure: Callable[[], list[Figure]]) -> Callable[[bool], list[Figure]]:
    return lambda detail: measure()


GROUPS = (
    Group("flash", ("stored_", "occupied_", "flash_"), _plain(flash_use.measure)),
    Group("series", ("packed_",), _packing),
    Group("shock", ("shock_",), _plain(waves.measure)),
    Group("sizes", ("mpy_",), _sizes),
    Group("heap", ("heap_peak",), _heap),
    Group("growth", ("heap_growth", "alloc_"), _plain(growth.measure)),
    Group("host", ("decode_", "verify_"), _plain(host_speed.measure)),
    Group("power", ("power_",), _plain(power_cuts.measure)),
    Group("evaluate", ("evaluate_", "report_"), _plain(evaluate_speed.measure)),
    Group("readout", ("readout_16k_serial", "readout_16k_tcp"), _plain(readout_speed.measure)),
    Group("radio", ("link_share", "readout_16k_ble"), _plain(radio_speed.measure)),
)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    titles = ", ".join(group.title for group in GROUPS)
    parser = argparse.ArgumentParser(prog="python -m tests.bench.run", description="Measure the targets.")
    parser.add_argument("--only", metavar="NAME", action="append", help=f"a figure, or one of: {titles}")
    parser.add_argument("--details", action="store_true", help="list every series and part of the heap")
    return parser.parse_args(words)


def _wanted(only: Sequence[str] | None) -> list[Group]:
    """The groups that were named, by their title or by a figure of theirs."""
    if not only:
        return list(GROUPS)
    wanted = [g for g in GROUPS if any(word == g.title or word.startswith(g.names) for word in only)]
    if not wanted:
        raise SystemExit(f"nothing here is called {', '.join(only)}")
    return wanted


def main(words: Sequence[str] | None = None) -> None:
    """Measure, show, write."""
    arguments = _arguments(words)
    began_s = time.monotonic()
    figures: list[Figure] = []
    for group in _wanted(arguments.only):
        say(f"{group.title} ...")
        figures += group.measure(arguments.details)
    show_figures(figures)
    if arguments.only:
        say("only a part was measured; build/bench.json stays as it was")
    else:
        write_json(BUILD / "bench.json", figures)
        say(f"build/bench.json written after {time.monotonic() - began_s:.0f} s")


if __name__ == "__main__":
    main()
