"""Start the firmware as a process: MicroPython's unix port, or CPython with stand-ins for its modules."""

import os
import secrets
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from celltrail.errors import DeviceFault
from celltrail.firmware_files import firmware_path
from celltrail.virtual import wire

Runtime = Literal["micropython", "cpython"]
RUNTIMES: tuple[Runtime, ...] = ("micropython", "cpython")

_START_TIMEOUT_S = 20.0
_HELLO_TIMEOUT_S = 5.0
_POLL_S = 0.05

# `python -m micropython` drops the exit status, and a script's folder must not be on CPython's own path.
_MICROPYTHON = "import sys, micropython_module; sys.exit(micropython_module.run_main(sys.argv))"
_CPYTHON = (
    "import runpy, sys; script, folders = sys.argv[1], sys.argv[2].split({sep!r}); "
    "sys.path[:0] = folders; sys.argv = sys.argv[1:2] + sys.argv[3:]; "
    "runpy.run_path(script, run_name='__main__')"
)


def command(runtime: Runtime, script: Path | None, arguments: list[str], heap_kB: int) -> list[str]:
    """The command line that runs `script`, by default the firmware's main.py."""
    folders = firmware_path()
    main = str(script or folders[0] / "main.py")
    if runtime == "micropython":
        return [sys.executable, "-I", "-c", _MICROPYTHON, "-X", f"heapsize={heap_kB}k", main, *arguments]
    path = os.pathsep.join(map(str, [folders[0] / "cpython", *folders]))
    return [sys.executable, "-I", "-c", _CPYTHON.format(sep=os.pathsep), main, path, *arguments]


def start(runtime: Runtime, script: Path | None, arguments: list[str], heap_kB: int) -> subprocess.Popen[bytes]:
    """Start the firmware; what it prints goes to our standard error."""
    path = os.pathsep.join([*map(str, firmware_path()), ".frozen"])
    return subprocess.Popen(
        command(runtime, script, arguments, heap_kB),
        env={**os.environ, "MICROPYPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=2,
        # An interrupt from the keyboard is for the launcher alone, which then cuts the power.
        start_new_session=True,
    )


@dataclass(frozen=True)
class Child:
    """A board that runs and has called us."""

    process: subprocess.Popen[bytes]
    socket: socket.socket

    def kill(self) -> None:
        """Cut its power."""
        self.process.kill()
        self.process.wait()
        self.socket.close()


def launch(runtime: Runtime, script: Path | None, arguments: list[str], heap_kB: int) -> Child:
    """Start the firmware and wait until it has called back with our token; raises DeviceFault."""
    token = secrets.token_hex(16)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        listener.settimeout(_POLL_S)
        port = listener.getsockname()[1]
        process = start(runtime, script, [*arguments, f"port={port}", f"token={token}"], heap_kB)
        try:
            return Child(process, _await_call(listener, process, token))
        except BaseException:
            process.kill()
            process.wait()
            raise


def _await_call(listener: socket.socket, process: subprocess.Popen[bytes], token: str) -> socket.socket:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            caller = listener.accept()[0]
        except TimeoutError:
            if process.poll() is not None:
                raise DeviceFault("the virtual logger's firmware did not start; its last words are above") from None
            continue
        if _proves_itself(caller, token):
            return caller
        caller.close()
    raise DeviceFault("the virtual logger's firmware did not call back in time; is the PC overloaded?")


def _proves_itself(caller: socket.socket, token: str) -> bool:
    hello = wire.message(wire.EVENT, f"hello {token}".encode())
    caller.settimeout(_HELLO_TIMEOUT_S)
    received = b""
    try:
        while len(received) < len(hello):
            chunk = caller.recv(len(hello) - len(received))
            if not chunk:
                break
            received += chunk
    except OSError:
        return False
    return secrets.compare_digest(received, hello)
