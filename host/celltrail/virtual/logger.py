"""A virtual logger as an object: starts the board, offers its link to clients, cuts its power."""

import contextlib
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from celltrail.errors import DeviceFault, UsageFault
from celltrail.virtual.child import Child, Runtime, launch
from celltrail.virtual.endpoint import Endpoint, PtyEndpoint, TcpEndpoint
from celltrail.virtual.only_one import only_one
from celltrail.virtual.pump import Pump
from celltrail.virtual.radio_room import STACKS, RadioRoom, radio_address
from celltrail.virtual.stimulus import Stimulus
from celltrail.virtual.world_file import WorldFile, new_uid
from celltrail_protocol import codes

# As on a Pico W: 212 blocks of file system, of which the firmware's files take 52.
DEFAULT_SECTORS = 160
# The board's models need more than a real board has: the whole flash is one array.
DEFAULT_HEAP_kB = 8192
DEFAULT_OFF_MS = 5000
# As on the chips: 12.4 days.
DEFAULT_TICK_PERIOD_MS = 1 << 30
KEPT_EVENTS = 1000
SECTOR_SIZE = 4096
_SECTORS = (16, 4096)
_INTERRUPTIBLE_S = 0.5


class VirtualLogger:
    """A running virtual logger; use it in a `with` statement.

    stimulus      what happens to it
    flash         file that holds its flash, so that it can be started again; None: forgotten at the end
    tcp           True: any TCP port, a number: this port, False: a pseudo-terminal
    speed         1: real time; N: N times as fast while nobody looks; "max": as fast as the PC can
    pauses_ms     world times at which to wait until a client has come and gone
    off_ms        how long the world goes on while power is off
    uid           eight bytes that name the logger; None: what the flash file says, or random
    continue_world  whether a flash file's world goes on where it stopped
    tick_period_ms  after how long the board's tick counter wraps, a power of two
    radio         the virtual radio that it is near to; None: it has no radio
    stack         the Bluetooth stack that it has, nimble or btstack
    script        firmware to run instead of main.py
    on_event      called with each event line, in the pump's thread
    """

    def __init__(
        self,
        stimulus: Stimulus,
        *,
        flash: Path | None = None,
        runtime: Runtime = "micropython",
        tcp: bool | int = sys.platform == "win32",
        speed: float | str = 1,
        pauses_ms: tuple[int, ...] = (),
        off_ms: int = DEFAULT_OFF_MS,
        uid: bytes | None = None,
        continue_world: bool = True,
        sectors: int = DEFAULT_SECTORS,
        heap_kB: int = DEFAULT_HEAP_kB,
        tick_period_ms: int = DEFAULT_TICK_PERIOD_MS,
        radio: RadioRoom | None = None,
        stack: str = STACKS[0],
        script: Path | None = None,
        on_event: Callable[[str], None] | None = None,
    ) -> None:
        self.stimulus = stimulus
        self.failure: DeviceFault | None = None
        self.events: deque[str] = deque(maxlen=KEPT_EVENTS)
        self._flash = flash
        self._runtime: Runtime = runtime
        self._tcp = tcp
        self._speed = speed
        self._pauses_ms = sorted(pauses_ms)
        self._paused = False
        self._off_ms = off_ms
        self._uid = uid
        self._continue_world = continue_world
        self._sectors = sectors
        self._heap_kB = heap_kB
        self._tick_period_ms = tick_period_ms
        self._radio = radio
        self._stack = stack
        self._script = script
        self._on_event = on_event
        self._news = threading.Condition()
        self._child: Child | None = None
        self._restart: str | None = None
        self._resources = contextlib.ExitStack()

    # --- life ---

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="celltrail-")))
            self._stimulus_path = folder / "stimulus"
            self.stimulus.write(self._stimulus_path)
            self.flash = self._flash or folder / "flash"
            self._check_flash()
            stack.enter_context(only_one(self.flash))
            self._world = self._open_world()
            endpoint: Endpoint = PtyEndpoint() if self._tcp is False else TcpEndpoint(_port(self._tcp))
            self.address = endpoint.address
            self.ble_address = radio_address(self._world.uid)
            self._pump = Pump(endpoint, self._event, self._gone, self._say_on_air)
            stack.callback(self._pump.close)
            stack.callback(self.kill)
            self._pump.call(lambda: self._power_on(codes.RESET_POWER_ON))
            self._resources = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._resources.close()

    def _check_flash(self) -> None:
        if not _SECTORS[0] <= self._sectors <= _SECTORS[1]:
            raise UsageFault(f"a flash has {_SECTORS[0]} to {_SECTORS[1]} sectors, not {self._sectors}")
        try:
            size = self.flash.stat().st_size
        except FileNotFoundError:
            if not self.flash.parent.is_dir():
                raise UsageFault(f"{self.flash.parent}: there is no such folder for the flash file") from None
            return
        if size != self._sectors * SECTOR_SIZE:
            raise UsageFault(
                f"{self.flash}: has {size} bytes, a flash of {self._sectors} sectors has "
                f"{self._sectors * SECTOR_SIZE}; use --sectors, or another file"
            )

    def _open_world(self) -> WorldFile:
        start_utc_ms = self.stimulus.start_utc_ms
        known = WorldFile.read(self.flash)
        uid = self._uid or (known.uid if known else new_uid())
        sensors = self.stimulus.sensors
        if known and known.sensors != sensors:
            raise UsageFault(
                f"{self.flash}: this logger was built with {known.sensors}, not with {sensors}; "
                f"use --sensors {known.sensors}, or another file"
            )
        if known and self._continue_world and known.start_utc_ms == start_utc_ms:
            return WorldFile(uid, start_utc_ms, known.utc_ms + self._off_ms, sensors)
        return WorldFile(uid, start_utc_ms, start_utc_ms, sensors)

    def _power_on(self, cause: int) -> None:
        self._world.write(self.flash)
        arguments = {
            "flash": self.flash,
            "stimulus": self._stimulus_path,
            "offset": self.world_ms,
            "cause": cause,
            "sectors": self._sectors,
            "ticks": self._tick_period_ms,
        }
        if self._radio is not None:
            arguments["radio"] = self._stack
        words = [f"{key}={value}" for key, value in arguments.items()]
        self._child = launch(self._runtime, self._script, words, self._heap_kB)
        wire = self._pump.attach(self._child.socket)
        if self._radio is not None:
            self._radio.enter(self.ble_address, self._pump.radio)
        wire.control(f"speed {self._speed}")
        for pause_ms in self._pauses_ms:
            wire.control(f"pause {pause_ms}")
        wire.control("go")

    # --- what tests and the demo do to it ---

    @property
    def running(self) -> bool:
        """Whether it has power."""
        return self._child is not None

    @property
    def world_ms(self) -> int:
        """The world's time since its start, as far as it is known here."""
        return self._world.utc_ms - self._world.start_utc_ms

    def control(self, line: str) -> None:
        """Send a control line: speed max|N, limit UTC_MS|none, pause MS, button MS, battery MV."""

        def send() -> None:
            if self._pump.wire is None:
                raise DeviceFault("the virtual logger is off")
            self._pump.wire.control(line)

        self._pump.call(send)

    def press_button(self, hold_ms: int = 200) -> None:
        """Press the button now."""
        self.control(f"button {hold_ms}")

    def kill(self) -> None:
        """Cut its power, at any instant."""
        self._pump.call(self._kill)

    def _kill(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None
            self._pump.detach(off=True)
            self._leave_air()
            self._catch_up()

    def restart(self, off_ms: int | None = None) -> None:
        """Give it power again, after cutting it if need be; the world has gone on by `off_ms`."""

        def start() -> None:
            self._kill()
            self._world = self._world.later(self._world.utc_ms + (self._off_ms if off_ms is None else off_ms))
            self._power_on(codes.RESET_POWER_ON)

        self._pump.call(start)

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until the firmware ends by itself, and raise the DeviceFault, or so long; an interrupt ends it, too."""
        with self._news:
            while self.failure is None:
                # Without a limit, Windows would not let an interrupt through.
                self._news.wait(_INTERRUPTIBLE_S if timeout_s is None else timeout_s)
                if timeout_s is not None and self.failure is None:
                    return
            raise self.failure

    def wait_for(self, prefix: str, timeout_s: float = 10.0) -> str:
        """The first event, kept or to come, that begins with `prefix`; forgets it and all before it.

        Raises TimeoutError, and DeviceFault when the firmware has ended by itself.
        """
        deadline = time.monotonic() + timeout_s
        with self._news:
            while True:
                for line in self._take():
                    if line.startswith(prefix):
                        return line
                if self.failure is not None:
                    raise self.failure
                if not self._news.wait(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError(f"no event {prefix!r} in {timeout_s} s")

    def _take(self) -> Iterator[str]:
        while self.events:
            yield self.events.popleft()

    # --- in the pump's thread ---

    def _say_on_air(self, message: bytes) -> None:
        if self._radio is not None:
            self._radio.told(self.ble_address, message)

    def _leave_air(self) -> None:
        if self._radio is not None:
            self._radio.leave(self.ble_address)

    def _catch_up(self) -> None:
        """Learn from the file how far the board had come."""
        known = WorldFile.read(self.flash)
        if known is not None:
            self._world = self._world.later(known.utc_ms)

    def _event(self, line: str) -> None:
        words = line.split()
        if words[0] in ("world", "landed", "paused", "resumed"):
            self._world = self._world.later(self._world.start_utc_ms + int(words[1]))
            self._note_pause(words[0])
        if words[0] == "reset":
            # Told when it is up again.
            self._restart = line
        else:
            self._publish(line)

    def _note_pause(self, word: str) -> None:
        if word == "resumed":
            self._pauses_ms = [pause_ms for pause_ms in self._pauses_ms if pause_ms > self.world_ms]

    def _publish(self, line: str) -> None:
        with self._news:
            self.events.append(line)
            self._news.notify_all()
        if self._on_event is not None:
            self._on_event(line)

    def _gone(self) -> None:
        """The board has hung up: it restarts itself, or has crashed."""
        assert self._child is not None
        self._child.process.wait()
        self._child = None
        self._leave_air()
        self._catch_up()
        told, self._restart = self._restart, None
        try:
            if told is None:
                raise DeviceFault("the virtual logger's firmware ended by itself; its last words are above")
            cause, world_ms = map(int, told.split()[1:])
            self._world = self._world.later(self._world.start_utc_ms + world_ms)
            self._power_on(cause)
            self._publish(told)
        except DeviceFault as fault:
            self.failure = fault
            self._pump.detach(off=True)
            self._publish(f"failed {fault}")


def _port(tcp: bool | int) -> int:
    # True and 1 are the same number, but only True means any port.
    return 0 if tcp is True else int(tcp)
