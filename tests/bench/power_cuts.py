"""How many simulated power cuts the record survives: every share of `tests/power`, read by the host."""

import os
import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import tests.bench.paths  # noqa: F401  makes the firmware importable
from tests.bench.figures import Figure, at_least, at_most, say
from tests.power.shares import run_share, shares


def measure() -> list[Figure]:
    """All single cuts, and after how many of them something was lost or wrong."""
    found = list(_run(list(shares())))
    cuts, losses, reads = (sum(column) for column in zip(*found, strict=True))
    how = (
        "steps of every program and erase of the firmware's kinds of work (byte by byte, an erase in 16 steps; of six "
        "kinds that mostly repeat others each second or eighth step), "
        f"torn in five ways; then the logger restarts and goes on, and the host verifies the {reads:,} records that "
        "there are"
    )
    told = "cuts after which a committed reading, a seal, the order, or the going on was lost or wrong"
    littlefs = "littlefs, its default suite (published)"
    return [
        Figure("power_cuts", cuts, "", how, littlefs, 28_741, at_least(30_000)),
        Figure("power_cut_losses", losses, "", told, target=at_most(0)),
    ]


def _run(chosen: list[tuple[str, int]]) -> Iterable[tuple[int, int, int]]:
    """(cuts, losses, records read by the host) of each share, on all cores."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        yield from pool.map(_share, chosen)


def _share(share: tuple[str, int]) -> tuple[int, int, int]:
    name, part = share
    with tempfile.TemporaryDirectory() as folder:
        campaign = run_share(name, part, Path(folder) / "keys")
    if campaign.failures:
        say(campaign.report())
    return campaign.cuts, len(campaign.failures), campaign.host_reads
