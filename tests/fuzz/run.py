"""`make fuzz`: every target for some seconds, its corpus kept in build/fuzz, crashes as files, a table at the end.

python -m tests.fuzz.run [--seconds N] [--target NAME]
"""

import argparse
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tests.fuzz.targets import ROOT, Target, all_targets

BUILD = ROOT / "build" / "fuzz"
# An input may take ten seconds and 2 GB, atheris' own share included.
_LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0")
_MOST_CRASHES = 5


@dataclass
class Outcome:
    """What a target's turn brought."""

    name: str
    executions: int = 0
    new_entries: int = 0
    crashes: int = 0


def main(arguments: list[str]) -> int:
    """0 when no target crashed, else 1."""
    known = all_targets()
    parser = argparse.ArgumentParser(description="Fuzz the parsers, coverage-guided.")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default 60)")
    parser.add_argument("--target", choices=sorted(known), action="append", help="this one only; may be repeated")
    wish = parser.parse_args(arguments)
    names = wish.target or list(known)
    outcomes = [fuzz(known[name], wish.seconds) for name in names]
    print(f"\n{'target':<12} {'executions':>11} {'new inputs':>11} {'crashes':>8}")
    for one in outcomes:
        print(f"{one.name:<12} {one.executions:>11} {one.new_entries:>11} {one.crashes:>8}")
    return 1 if any(one.crashes for one in outcomes) else 0


def fuzz(target: Target, seconds: int) -> Outcome:
    """Run one target until its time is over, starting anew after a crash."""
    corpus, crashes = BUILD / "corpus" / target.name, BUILD / "crashes" / target.name
    for folder in (corpus, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    for data in [*target.seeds(), *(path.read_bytes() for path in target.found())]:
        (corpus / sha256(data).hexdigest()[:20]).write_bytes(data)
    before, known = len(list(corpus.iterdir())), set(crashes.iterdir())
    outcome, end_s = Outcome(target.name), time.monotonic() + seconds
    print(f"{target.name}: {before} inputs to start from, {seconds} s", flush=True)
    while outcome.crashes < _MOST_CRASHES and end_s - time.monotonic() >= 1:
        outcome.executions += _turn(target, corpus, crashes, round(end_s - time.monotonic()))
        new = set(crashes.iterdir()) - known
        if len(new) == outcome.crashes:
            break
        outcome.crashes = len(new)
    outcome.new_entries = len(list(corpus.iterdir())) - before
    for path in sorted(set(crashes.iterdir()) - known):
        print(f"  replay: {sys.executable} -m tests.fuzz.replay {target.name} {path.relative_to(ROOT)}", flush=True)
    return outcome


def _turn(target: Target, corpus: Path, crashes: Path, seconds: int) -> int:
    """One process; the number of executions."""
    options = [*_LIMITS, f"-max_total_time={seconds}", f"-max_len={target.most}", f"-artifact_prefix={crashes}/"]
    command = [sys.executable, "-m", "tests.fuzz.one", target.name, *options, str(corpus)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace", check=False)
    counted = re.search(r"number_of_executed_units:\s*(\d+)", ended.stderr)
    if ended.returncode:
        (crashes.parent / f"{target.name}.log").write_text(ended.stdout + ended.stderr, encoding="utf-8")
        told = ended.stdout.strip().splitlines()[-1:] or ended.stderr.strip().splitlines()[-1:]
        print(f"  {' '.join(told)[:200]}", flush=True)
    return int(counted[1]) if counted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
