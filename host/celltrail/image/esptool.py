"""esptool, run as a program: how large an ESP32's flash is, and writing an image into it."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from celltrail.errors import DeviceFault, UsageFault
from celltrail.image.targets import Target

_SIZE = re.compile(r"Detected flash size: (\d+)(MB|KB)")
_CHIP = re.compile(r"(?:Detecting chip type\.*|Chip type:|Chip is) *(ESP32\S*)")
_TIMEOUT_S = 300
_BAUD = "460800"


def require() -> None:
    """UsageFault when it is not installed."""
    if find_spec("esptool") is None:
        raise UsageFault("esptool is not installed; run `pip install celltrail[esp32]`")


def flash_bytes(port: str, target: Target) -> int:
    """The size of the flash of the board at `port`; DeviceFault."""
    told = _run(port, target, ["flash-id"])
    found = _SIZE.search(told)
    if found is None:
        raise DeviceFault(f"the board at {port} does not tell the size of its flash; name it with --flash-size")
    return int(found[1]) << (20 if found[2] == "MB" else 10)


def write(port: str, target: Target, image: Path) -> None:
    """Write the image from the flash's first byte on, and let the chip start; DeviceFault."""
    _run(port, target, ["write-flash", "0x0", str(image)], "--baud", _BAUD)


def _run(port: str, target: Target, words: list[str], *options: str) -> str:
    command = [sys.executable, "-m", "esptool", "--chip", target.chip, "--port", port, *options, *words]
    try:
        run = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise DeviceFault(f"esptool did not come to an end at {port}; unplug the board and try again") from error
    if run.returncode:
        raise _explain(port, target, run.stdout + run.stderr)
    return run.stdout


def _explain(port: str, target: Target, told: str) -> DeviceFault:
    """esptool's words in one sentence, and what to do."""
    if "port is busy or doesn't exist" in told or "could not open port" in told.lower():
        return DeviceFault(f"the port {port} is not there or in use; close other programs, and see `celltrail scan`")
    if "This chip is" in told or "Wrong --chip" in told.replace("argument", ""):
        found = _CHIP.search(told)
        what = f" ({found[1]})" if found else ""
        return DeviceFault(f"the board at {port} is another chip{what} than {target.title}; name it with --board")
    if "No serial data received" in told or "Failed to connect" in told:
        return DeviceFault(
            f"the board at {port} does not answer; hold its button BOOT down while you press RESET, or plug it in with"
            " BOOT held down; if it stays silent, take a cable that carries data"
        )
    last = [line.strip() for line in told.splitlines() if line.strip()]
    return DeviceFault(f"esptool could not write to {port}: {last[-1] if last else 'it does not say why'}")
