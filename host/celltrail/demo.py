"""The whole story on a virtual logger, scene by scene, with the commands that a person would type."""

import contextlib
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from celltrail.errors import BadAnswer, DeviceFault
from celltrail.utc import iso, short
from celltrail.virtual import VirtualLogger, make_scenario
from celltrail.virtual.air_link import Conditions
from celltrail.virtual.handling import knocking
from celltrail.virtual.lane import travel
from celltrail.virtual.radio_room import RadioRoom
from celltrail.virtual.replay import merge_shocks
from celltrail_protocol import advert

_SEED = 16
_DAYS = 4.0
_START_UTC_MS = 1_748_844_000_000
# A logger of its own, so that a second run finds and replaces just its own keys.
_UID = bytes.fromhex("e6614104d3307a11")
_PAUSE_TIMEOUT_S = 120
_MINUTE_S = 60.0
# The handover at which the logger is read over the air, and how long before somebody knocks.
_AIRPORT, _KNOCKED_BEFORE_S = 2, 10.0
FILES = (
    "receipt.json",
    "airport.trail",
    "midway.trail",
    "trip.trail",
    "verify.json",
    "readings.csv",
    "shocks.csv",
    "readings.parquet",
    "shocks.parquet",
    "trip.svg",
    "trip.html",
    "trip.pdf",
)

Run = Callable[[Sequence[str]], int]


@dataclass(frozen=True)
class Scene:
    """`at`: the lane's handover at which it plays, and how many seconds later; None: at once.

    A virtual logger's world flies only from arming to stop, so nothing else has to wait.
    """

    title: str
    text: str
    at: tuple[int, float] | None
    commands: tuple[str, ...]
    to_file: str = ""


STORY = (
    Scene(
        "A new logger",
        "Antwerp, Monday morning. A technician gives it a name and the key that proves commands to it.",
        None,
        ("provision",),
    ),
    Scene(
        "Arming",
        "The cells shall stay between 2 and 8 degC. The host makes the trip's key and keeps it with a receipt.",
        None,
        ("arm 2-8C --operator AB --receipt {out}/receipt.json --yes",),
    ),
    Scene("Packed", "The box is closed.", (0, 6 * _MINUTE_S), ("mark packed --place BEANR --operator AB",)),
    Scene(
        "The courier",
        "Everyone who takes over leaves a mark: kind, place, and a code for who.",
        (1, 2 * _MINUTE_S),
        ("mark handed-over --place BEANR --operator C7",),
    ),
    Scene(
        "Brussels airport, over the air",
        "Its radio has been off on the road. A ground handler knocks five times on the parcel and opens a laptop:"
        " the loggers near say how they are.",
        (_AIRPORT, 5 * _MINUTE_S),
        (
            "scan --radio {radio} --for 2",
            "download -o {out}/airport.trail -d {air} --radio {radio}",
        ),
    ),
    Scene(
        "",
        "The parcel is taken over, and the logger is told so.",
        (_AIRPORT, 8 * _MINUTE_S),
        ("mark received --place BEBRU --operator G12 -d {air} --radio {radio}",),
    ),
    Scene("On board", "", (4, 5 * _MINUTE_S), ("mark loaded --place BEBRU --operator G12",)),
    Scene(
        "Held by customs",
        "Atlanta, in the warm.",
        (7, 10 * _MINUTE_S),
        ("mark customs-hold --place USATL --operator CU",),
    ),
    Scene("", "Half a day later it still stands there. How is the box?", (7, 12 * 60 * _MINUTE_S), ("status",)),
    Scene(
        "A read-out on the way",
        "The trip goes on while it is read; the logger proves what it holds at this moment.",
        (7, 14 * 60 * _MINUTE_S),
        ("download -o {out}/midway.trail", "verify {out}/midway.trail"),
    ),
    Scene("Free again", "", (8, 2 * _MINUTE_S), ("mark customs-cleared --place USATL --operator CU",)),
    Scene("Dallas", "", (10, 5 * _MINUTE_S), ("mark unloaded --place USDFW --operator G40",)),
    Scene("Delivered", "", (12, 2 * _MINUTE_S), ("mark delivered --place USDFW --operator L1",)),
    Scene(
        "At the laboratory",
        "The box has waited at the reception, and its coolant is used up. The alarm tells it before it is opened.",
        (12, 150 * _MINUTE_S),
        ("scan --also {device}",),
    ),
    Scene(
        "",
        "",
        (12, 160 * _MINUTE_S),
        ("mark inspected --outcome fail --place USDFW --operator L1 --note 'alarm; seal intact'",),
    ),
    Scene("The end of the trip", "", (12, 170 * _MINUTE_S), ("stop --operator L1",)),
    Scene("Reading it out", "", None, ("download -o {out}/trip.trail",)),
    Scene(
        "Is it complete, and untouched?",
        "From here on the logger is not needed: the file and the key are.",
        None,
        ("verify {out}/trip.trail",),
    ),
    Scene("", "", None, ("verify {out}/trip.trail --json",), to_file="verify.json"),
    Scene("What happened", "", None, ("show {out}/trip.trail --svg {out}/trip.svg",)),
    Scene(
        "The report",
        "For the pharmacist and the auditor: the answer first, as a web page and as PDF/A.",
        None,
        ("report {out}/trip.trail -o {out}/trip.html", "report {out}/trip.trail -o {out}/trip.pdf"),
    ),
    Scene(
        "For other programs",
        "",
        None,
        (
            "export csv {out}/trip.trail -o {out}/readings.csv",
            "export parquet {out}/trip.trail -o {out}/readings.parquet",
        ),
    ),
)


class Demo:
    """Plays the story in a folder; `run` carries out one command line and gives its exit code."""

    def __init__(self, out: Path, run: Run, console: Console) -> None:
        self._out = out
        self._run = run
        self._console = console
        self._number = 0
        # Where the logger is reached, on its cable and on the air.
        self._places: dict[str, str] = {}

    def play(self) -> None:
        """Raises BadAnswer when a command does not end as it should."""
        self._clean()
        handovers_s = travel(np.random.default_rng(_SEED), _DAYS * 86400).handovers_s
        pauses_ms = tuple(round((handovers_s[one.at[0]] + one.at[1]) * 1000) for one in STORY if one.at)
        stimulus = make_scenario("box", seed=_SEED, days=_DAYS, start_utc_ms=_START_UTC_MS)
        knocked = knocking(handovers_s[_AIRPORT] + 5 * _MINUTE_S - _KNOCKED_BEFORE_S)
        stimulus = replace(stimulus, shocks=merge_shocks((knocked,), stimulus.shocks))
        with (
            RadioRoom(Conditions()) as room,
            VirtualLogger(stimulus, speed="max", pauses_ms=pauses_ms, uid=_UID, radio=room) as logger,
        ):
            self._places = {"device": logger.address, "radio": room.address, "air": f"ble://{advert.name(_UID)}"}
            self._open(logger)
            with _environment(CELLTRAIL_DEVICE=logger.address, CELLTRAIL_KEYS=str(self._out / "keys")):
                for scene in STORY:
                    self._play(scene, logger)
        self._close()

    def _clean(self) -> None:
        """Remove what an earlier run left, and nothing else."""
        self._out.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            (self._out / name).unlink(missing_ok=True)
        for path in (self._out / "keys").glob(f"*/{_UID.hex()}*.json"):
            path.unlink()

    def _open(self, logger: VirtualLogger) -> None:
        self._console.print(
            "A virtual logger runs the real firmware under MicroPython; its world flies from Antwerp to Dallas"
            f" in {_DAYS:g} days, as fast as this computer can. It was started as\n",
            highlight=False,
        )
        start = f"celltrail virtual --scenario box --seed {_SEED} --days {_DAYS:g} --start {iso(_START_UTC_MS)}"
        self._show(f"{start} --speed max --ble --knock ... --pause-at ...")
        self._show(f"export CELLTRAIL_DEVICE={logger.address}")
        self._show(f"export CELLTRAIL_KEYS={shlex.quote(str(self._out / 'keys'))}")

    def _play(self, scene: Scene, logger: VirtualLogger) -> None:
        when = ""
        if scene.at is not None:
            _wait(logger)
            when = f"  [{short(_START_UTC_MS + logger.world_ms)} UTC]"
        if scene.title:
            self._number += 1
            self._console.print(f"\n[bold]{self._number}. {scene.title}[/bold]{when}", highlight=False)
        if scene.text:
            self._console.print(scene.text, highlight=False)
        for line in scene.commands:
            self._command(line, scene.to_file)

    def _command(self, line: str, to_file: str) -> None:
        words = [word.format(out=self._out, **self._places) for word in shlex.split(line)]
        self._show(f"celltrail {shlex.join(words)}" + (f" > {self._out / to_file}" if to_file else ""))
        with contextlib.ExitStack() as stack:
            if to_file:
                stream = stack.enter_context((self._out / to_file).open("w", encoding="utf-8"))
                stack.enter_context(contextlib.redirect_stdout(stream))
            code = self._run(words)
        if code != 0:
            raise BadAnswer(f"the demo ends here: celltrail {words[0]} answered with exit code {code}")

    def _show(self, line: str) -> None:
        self._console.print(f"[green]$[/green] {line}", highlight=False, soft_wrap=True)

    def _close(self) -> None:
        keys, trail = self._out / "keys", self._out / "trip.trail"
        self._console.print(f"\nEverything is in {self._out}. By hand:", highlight=False)
        for command in ("verify", "show"):
            self._show(f"{_program()} {command} {shlex.quote(str(trail))} --keys {shlex.quote(str(keys))}")


def _program() -> str:
    """The command as it can be typed in the folder where this one was."""
    started = Path(sys.argv[0])
    found = shutil.which("celltrail")
    if started.stem != "celltrail" or (found and Path(found).resolve() == started.resolve()):
        return "celltrail"
    with contextlib.suppress(ValueError):
        return shlex.quote(str(started.absolute().relative_to(Path.cwd())))
    return shlex.quote(str(started.absolute()))


def _wait(logger: VirtualLogger) -> None:
    """Wait until the world stands still at the next scene."""
    for _ in range(_PAUSE_TIMEOUT_S):
        with contextlib.suppress(TimeoutError):
            logger.wait_for("paused", 1.0)
            return
        if logger.failure is not None:
            raise logger.failure
    raise DeviceFault("the virtual logger's world has come to a stop; is this computer very busy?")


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set variables, and put them back afterwards."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
