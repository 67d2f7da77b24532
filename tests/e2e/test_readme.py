"""The quick start of the README does what it says when it is pasted, line by line."""

import re
import shlex
import time
from pathlib import Path

from celltrail.virtual import make_scenario
from tests.e2e.conftest import START_UTC_MS

README = Path(__file__).parents[2] / "README.md"


def pasted():
    """The lines of the block that is for the second terminal, without comments."""
    blocks = re.findall(r"```\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = (block for block in blocks if "export CELLTRAIL_DEVICE" in block)
    return [shlex.split(line, comments=True) for line in block.splitlines()]


def test_the_quick_start_works_when_it_is_pasted(cli, start, monkeypatch):
    logger = start(make_scenario("box", seed=1, days=5.0, start_utc_ms=START_UTC_MS), speed="max")
    monkeypatch.setenv("CELLTRAIL_DEVICE", logger.address)
    told = {}
    for word, *rest in pasted():
        if word == "sleep":
            time.sleep(float(rest[0]))
        elif word == "celltrail" and rest[0] != "virtual":
            told[rest[0]] = cli(*rest).out
    assert told["verify"].startswith("CLOSED")
    assert "export" in told
