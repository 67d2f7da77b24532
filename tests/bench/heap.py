"""The logger's heap on a 32-bit MicroPython: imported from `.mpy` files, mounted, logging, serving."""

import json
import shutil
import subprocess
from pathlib import Path

from celltrail.image import firmware, mpy
from celltrail.image.slim import slim
from tests.bench.figures import Figure, at_most, say
from tests.bench.mpy_files import BOARD, FITTED, LOADED
from tests.bench.paths import FIRMWARE, PROTOCOL, ROOT, WORK

PORT = "@micropython/micropython-webassembly-pyscript"
PORT_VERSION = "1.29.0-6"
_HERE = Path(__file__).parent
_FOLDERS = [FIRMWARE, PROTOCOL, _HERE, ROOT / "tests" / "firmware"]
_DEVICE = "heap_device."
# What the board's file imports and this port has not got.
_STANDS_IN = {
    "machine.py": "ADC = I2C = SPI = WDT = Pin = unique_id = lightsleep = reset = reset_cause = mem32 = None\n",
    "rp2.py": "Flash = None\n",
    "bluetooth.py": "FLAG_WRITE_NO_RESPONSE = FLAG_NOTIFY = 0\nUUID = str\n",
}
# What a logger does, part by part; the model's own share is found between "imported" and "modelled".
_STEPS = (
    ("empty", "pass"),
    ("imported", "import " + ", ".join((firmware.ROOT, *FITTED))),
    ("modelled", "import heap_device; heap_device.make_board()"),
    ("mounted", "mount()"),
    ("armed", "arm()"),
    ("erased ahead", "prepare()"),
    ("logging 1 min", "log_minutes(1)"),
    ("logging 20 min", "log_minutes(19)"),
    ("logging 40 min, with a shock", "log_minutes(20)"),
    ("logging 60 min", "log_minutes(20); heap_device.check()"),
    ("serving status", "status()"),
    ("serving live proof", "live()"),
    ("serving mark", "mark()"),
    ("logging 119 more", "log_minutes(119)"),
    ("checkpoint", "checkpoint()"),
    ("serving download, slow link", "download(20)"),
    ("serving download, done", "finish_download()"),
    ("stopped", "stop()"),
    ("serving download, stopped", "download(20)"),
)


class NotAvailable(Exception):
    """Something that the measurement needs is not on this machine."""


def _port() -> Path:
    """The port's module, installed by npm on first use."""
    folder = WORK / "node_modules" / PORT
    package = folder / "package.json"
    if not package.exists() or json.loads(package.read_text(encoding="utf-8"))["version"] != PORT_VERSION:
        _install()
    return folder / "micropython.mjs"


def _install() -> None:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NotAvailable("needs Node.js and npm")
    WORK.mkdir(parents=True, exist_ok=True)
    say(f"  installing {PORT} {PORT_VERSION} into build/bench")
    command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(WORK), f"{PORT}@{PORT_VERSION}"]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if run.returncode:
        raise NotAvailable(f"npm could not install {PORT}: {run.stderr.strip().splitlines()[-1]}")


def _files() -> Path:
    """A folder with the firmware and the probe, small as in an image, as bytecode for any processor."""
    folder = WORK / "mpy" / "any"
    shutil.rmtree(folder, ignore_errors=True)
    sources = firmware.sources((*LOADED, "heap_device"), _FOLDERS)
    calls = [code.partition("(")[0].rpartition(".")[2] for _, steps in _STEPS for code in steps.split("; ")]
    entries = firmware.ENTRIES | set(calls)
    small = slim(sources, frozenset(entries), firmware.ROOT, (BOARD.module,))
    for path, data in mpy.compile_all({**small, **_STANDS_IN}, None).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


def _run() -> list[dict[str, object]]:
    port, folder = _port(), _files()
    steps = [(label, code if "import" in code or code == "pass" else _DEVICE + code) for label, code in _STEPS]
    file = WORK / "heap_steps.json"
    file.write_text(json.dumps(steps), encoding="utf-8")
    node = shutil.which("node")
    if node is None:
        raise NotAvailable("needs Node.js")
    command = [node, str(_HERE / "heap_node.mjs"), str(port), str(folder), str(file)]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=300)
    if run.returncode:
        raise RuntimeError(run.stderr.strip())
    return json.loads(run.stdout)


def peak() -> tuple[Figure, list[tuple[str, int]]]:
    """The figure, and what is allocated after each part with the models taken off."""
    name, target = "heap_peak_bytes", at_most(145_000)
    try:
        results = _run()
    except NotAvailable as why:
        return Figure(name, None, "B", str(why), target=target), []
    kept = {str(row["label"]): int(row["kept"]) for row in results}
    models = kept["modelled"] - kept["imported"]
    parts = [(label, value - (models if label not in ("empty", "imported") else 0)) for label, value in kept.items()]
    worst_label, worst = max(parts, key=lambda part: part[1])
    at = dict(parts)
    how = (
        f"live bytes after a collection at the worst of {len(parts)} points ({worst_label}) on the 32-bit WebAssembly "
        f"port {PORT_VERSION}, .mpy files without viper; imported {at['imported']:,}, mounted {at['mounted']:,}, "
        f"logging {at['logging 60 min']:,}; the models and the fake board ({models:,} B) are taken off, the flash is a "
        "file; what lives only within one action is not seen"
    )
    return Figure(name, worst, "B", how, "free on a Pico W with BLE, about", 205_000, target), parts
