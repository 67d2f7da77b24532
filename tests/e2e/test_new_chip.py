"""The recipe for a new sensor in CONTRIBUTING.md, followed on a copy of the tree: a chip that we do not have flies."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
CHIP = ROOT / "tests/firmware/new_chip"
DRIVER = "firmware/drivers/temp_mcp9808.py"
MODEL = "firmware/boards/models/mcp9808.py"
# File, the line before, and what the recipe adds behind it.
LINES = (
    ("protocol/celltrail_protocol/codes.py", "MODEL_DS18B20 = 3\n", "MODEL_MCP9808 = 4\n"),
    (
        "protocol/celltrail_protocol/names.py",
        '    codes.MODEL_DS18B20: "DS18B20",\n',
        '    codes.MODEL_MCP9808: "MCP9808",\n',
    ),
    (
        "protocol/celltrail_protocol/wiring.py",
        "    codes.MODEL_DS18B20: (),\n",
        "    codes.MODEL_MCP9808: (_ADDRESS,),\n",
    ),
    (
        "firmware/boards/fit.py",
        "    return DS18B20(buses.onewire(), buses.sleep_ms, rom)\n",
        '\n\ndef _mcp9808(buses: Buses, address: int) -> "Thermometer":\n'
        "    from drivers.temp_mcp9808 import MCP9808\n\n"
        "    return MCP9808(buses.i2c(), buses.sleep_ms, address)\n",
    ),
    ("firmware/boards/fit.py", "    codes.MODEL_DS18B20: _ds18b20,\n", "    codes.MODEL_MCP9808: _mcp9808,\n"),
    (
        "firmware/boards/virtual_sensors.py",
        "    return DS18B20(TimedLine(it.clock, DS18B20Model(it.clock, signal, channel + 1)), it.sleep_ms)\n",
        '\n\ndef _mcp9808(it: "Sensors", channel: int, signal: "TemperatureSignal") -> "Thermometer":\n'
        "    from boards.models.mcp9808 import MCP9808Model\n"
        "    from drivers.temp_mcp9808 import MCP9808\n\n"
        "    it.i2c.attach(MCP9808Model(it.clock, signal, 0x18 + channel))\n"
        "    return MCP9808(it.i2c, it.sleep_ms, 0x18 + channel)\n",
    ),
    (
        "firmware/boards/virtual_sensors.py",
        "    codes.MODEL_DS18B20: _ds18b20,\n",
        "    codes.MODEL_MCP9808: _mcp9808,\n",
    ),
    (
        "host/celltrail/battery/currents.py",
        "CHIPS = {\n",
        '    "mcp9808": Chip(0.0001, 0.2, 300, "Microchip DS20005095B"),\n',
    ),
)
WIRING = """\
i2c = { sda = 4, scl = 5 }

[[probe]]
chip = "MCP9808"
address = 0x18
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy with the new chip."""
    for room in ("firmware", "protocol", "host"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHIP / "temp_mcp9808.py", tmp_path / DRIVER)
    shutil.copy(CHIP / "mcp9808.py", tmp_path / MODEL)
    for name, before, added in LINES:
        path = tmp_path / name
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, name
        path.write_text(text.replace(before, before + added), encoding="utf-8")
    return tmp_path


def celltrail(tree: Path, *words: str) -> list[str]:
    """The command line of the copy's own command."""
    code = "import sys; from celltrail.cli.main import run; sys.exit(run(sys.argv[1:]))"
    return [sys.executable, "-c", code, *words]


def environment(tree: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{tree / 'host'}:{tree / 'protocol'}", "PYTHONDONTWRITEBYTECODE": "1"}


def call(tree: Path, *words: str) -> str:
    done = subprocess.run(
        celltrail(tree, *words),
        env=environment(tree),
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_recipe_names_each_place():
    """Nothing of what follows is secret."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipe = text[text.index("## Add a sensor") : text.index("## Add a record type")]
    named = set(re.findall(r"`((?:firmware|host|protocol)/[^`]+)`", recipe))
    places = {name for name, _, _ in LINES} | {"firmware/drivers/<thing>_<chip>.py", "firmware/boards/models/<chip>.py"}
    assert places <= named


@pytest.mark.timeout(180)
def test_a_chip_that_we_do_not_have_flies_a_trip(tree, tmp_path):
    keys = ("--keys", str(tmp_path / "keys"))
    line = celltrail(tree, "virtual", "--tcp", "0", "--speed", "max", "--sensors", "mcp9808", "--pause-at", "3h")
    told = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(line, env=environment(tree), cwd=tree, **told) as logger:
        try:
            device = ("-d", logger.stdout.readline().strip())
            call(tree, "provision", *device, *keys)
            call(tree, "arm", "2-8C", *device, *keys, "--yes")
            assert any("waits here until a client" in words for words in logger.stderr)
            call(tree, "stop", *device, *keys)
            copied = json.loads(call(tree, "download", *device, *keys, "--json"))
        finally:
            logger.terminate()
    assert copied["verdict"]["verdict"] == "closed"
    shown = json.loads(call(tree, "show", copied["file"], *keys, "--json"))
    assert "MCP9808" in json.dumps(shown)
    checked = json.loads(call(tree, "verify", copied["file"], *keys, "--json"))["complete"]["channels"][0]
    assert checked["readings"] == checked["expected"] > 100
    assert "mcp9808: Microchip" in call(tree, "battery", "--profile", "2-8C", "--sensors", "mcp9808")


def test_its_wiring_and_its_image(tree):
    (tree / "wiring.toml").write_text(WIRING)
    code = (
        "from pathlib import Path; from celltrail.plans.wiring import load_wiring; from celltrail.image import build;"
        "print(load_wiring(Path('wiring.toml'))['probes']);"
        "print('drivers/temp_mcp9808.mpy' in build.compiled('boards.esp32', 'xtensawin'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tree), cwd=tree, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["[[4, 24]]", "True"], done.stderr
