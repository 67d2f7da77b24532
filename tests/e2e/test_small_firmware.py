"""The firmware as an image has it, small and compiled, flies a whole trip: what was left out was not needed."""

from pathlib import Path

import pytest

from celltrail.image import build
from tests.e2e.conftest import MINUTE_MS, handled

# What the virtual board finds by its name.
STARTER = "import main\n\nmain.main(main.make_board())\n"


@pytest.fixture
def small(tmp_path: Path, monkeypatch) -> Path:
    """A folder with the `.mpy` of the virtual board; all loggers of the test run on it."""
    folder = tmp_path / "small"
    for path, content in build.compiled("boards.virtual", None).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    assert not list(folder.rglob("*.py"))
    monkeypatch.setattr("celltrail.virtual.child.firmware_path", lambda: [folder])
    return folder


def test_a_trip_on_small_firmware(cli, start, small, tmp_path):
    script = tmp_path / "start.py"
    script.write_text(STARTER)
    logger = start(handled(0.25), speed="max", pauses_ms=(MINUTE_MS * 200,), script=script)
    device = ("-d", logger.address)
    cli("provision", *device)
    receipt = cli("arm", "eager.toml", *device, "--yes", "--json").json
    files = {f"lib/{path.relative_to(small).as_posix()}": path.read_bytes() for path in small.rglob("*.mpy")}
    # The starter lies on the path, too.
    expected = build.firmware_hash({**files, "start.py": STARTER.encode()})
    assert receipt["firmware_hash"] == expected.hex()
    logger.wait_for("paused", 60)
    cli("mark", "received", *device, "--place", "BEANR")
    cli("stop", *device)
    read = cli("download", *device, "--json").json
    assert read["verdict"]["verdict"] == "closed"
    channel = cli("verify", read["file"], "--json").json["complete"]["channels"][0]
    assert channel["readings"] == channel["expected"] >= 197
    assert cli("show", read["file"], "--json").json["shocks"]
