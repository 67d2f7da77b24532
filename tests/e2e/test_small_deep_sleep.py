"""The firmware as an image has it sleeps deeply, a process for each wake, and leaves the same flash as without."""

import subprocess
from pathlib import Path

import fakes
import pytest

from boards.models.nor_flash import NorFlash
from celltrail.image import build, firmware
from celltrail.virtual.child import command
from celltrail_protocol import codes, frames, smp

HERE = Path(__file__).parent
MINUTE_MS = 60_000
END_MS = 95 * MINUTE_MS
STARTER = "import main\n\nmain.main(main.make_board())\n"


@pytest.fixture
def small(tmp_path: Path, monkeypatch) -> Path:
    """A folder with the `.mpy` of the bench, and its starter."""
    sources, folder = tmp_path / "sources", tmp_path / "small"
    (sources / "boards").mkdir(parents=True)
    (sources / "boards" / "deep_bench.py").write_text((HERE / "deep_bench.py").read_text())
    folders = [sources, *firmware.firmware_path()]
    monkeypatch.setattr("celltrail.image.firmware.firmware_path", lambda: folders)
    for path, content in build.compiled("boards.deep_bench", None).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    (folder / "start.py").write_text(STARTER)
    return folder


def armed(folder: Path) -> Path:
    """A logger's folder, armed for readings each five minutes and switched off."""
    folder.mkdir()
    flash = NorFlash(16, str(folder / "flash"))
    app, host = fakes.make(fakes.Board(flash))
    fakes.run(app, 5_000)
    fakes.arm(host, fakes.plan(period_ms=5 * MINUTE_MS, checkpoint_s=1200))
    assert host.prove(smp.CMD_START, {"op": "AB"}) == {}
    fakes.run(app, 70_000)
    flash.close()
    return folder


def flown(small: Path, folder: Path, least_ms: int) -> int:
    """Let it log until the end; how many processes that took."""
    wakes = 0
    while True:
        words = [f"folder={folder}", f"until={END_MS}", f"least={least_ms}"]
        line = command("micropython", small / "start.py", words, 4096)
        env = {"MICROPYPATH": f"{small}:.frozen"}
        done = subprocess.run(line, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        now_ms, cause = map(int, (folder / "world").read_text().split())
        if cause != codes.RESET_SLEEP or now_ms >= END_MS:
            return wakes
        wakes += 1


def test_a_trip_with_deep_sleeps_on_small_firmware(small, tmp_path):
    light, deep = armed(tmp_path / "light"), armed(tmp_path / "deep")
    assert flown(small, light, 1 << 60) == 0
    assert 15 <= flown(small, deep, 120_000) <= 20
    assert (light / "flash").read_bytes() == (deep / "flash").read_bytes()
    flash = NorFlash(16, str(deep / "flash"))
    app, _ = fakes.make(fakes.Board(flash))
    assert [one[1] for one in fakes.of_kind(app, frames.BOOT)] == [codes.RESET_POWER_ON]
    assert app.trip.recorder.last_slot() >= 18
    flash.close()
