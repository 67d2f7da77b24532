"""How many simulated power cuts the firmware survives: the whole campaign, on all processors."""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bench.figures import Figure, at_least, at_most, say
from tests.bench.paths import ROOT

_PEER = "littlefs, default suite (published)"


def measure() -> list[Figure]:
    """Cuts, and those after which anything committed was lost or untrue."""
    say("  power cuts: each step of each operation in all modes, and pairs")
    workers = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        runs = list(pool.map(lambda share: _share(Path(folder), share, workers), range(workers)))
    cuts, losses = (sum(run[i] for run in runs) for i in range(2))
    how = (
        "whole firmware on CPython, each flash operation of 16 kinds of work cut at every byte of a program and in 16 "
        "steps of an erase, in 4 modes (prefix, bits, subset, metastable), and pairs of cuts with the second in the "
        "recovery; after each the logger starts up to 3 times, goes on, and the host verifies and decodes the read-out"
    )
    return [
        Figure("power_cuts", cuts, "", how, _PEER, 28_741, at_least(30_000)),
        Figure("power_cut_losses", losses, "", "of these, with anything lost, doubled, out of order, or not verified", target=at_most(0)),
    ]


def _share(folder: Path, share: int, of: int) -> tuple[int, int]:
    """(cuts, failures) of one process's share of the campaign."""
    command = [sys.executable, "-m", "tests.power.campaign", "--share", f"{share}/{of}", "--pairs", "40", "--seed", "bench"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        cuts, failures = run.stdout.splitlines()[-1].split()[:3:2]
    except (IndexError, ValueError) as error:
        raise RuntimeError(f"the campaign failed: {run.stdout[-500:]}{run.stderr[-500:]}") from error
    return int(cuts), int(failures)
