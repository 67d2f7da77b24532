"""The `celltrail` command: finds the subcommand, and turns faults into one line and an exit code."""

import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from celltrail import __version__
from celltrail.errors import CelltrailError
from celltrail.plain_text import printable

# The overview needs names and one line each; a command's module is loaded when it is called.
COMMANDS = {
    "virtual": "Start a virtual logger and print its address.",
    "scan": "List the loggers in reach, with state and alarm.",
    "flash": "Make a bare board a logger: build the image, write it, check it.",
    "wire": "Tell a logger which pins and sensors it has.",
    "provision": "Give a new logger its name and device key.",
    "calibrate": "Keep calibrations on a logger, or show them.",
    "selftest": "Let a logger test itself.",
    "battery": "How many days does a battery last with a plan?",
    "arm": "Begin a trip: load a profile, make the trip's key, write a receipt.",
    "status": "Show how a logger is.",
    "start": "Start an armed trip.",
    "mark": "Leave a custody mark: handed over, received, inspected, ...",
    "stop": "Stop a trip.",
    "download": "Read a trip into a .trail file and verify it.",
    "merge": "Join partial read-outs of one trip into one file.",
    "erase": "Forget the last trip.",
    "verify": "Is a .trail file complete and untouched?",
    "show": "Show what a .trail file holds.",
    "evaluate": "Was the cargo kept within its limits?",
    "keys": "Show, give away, take in, back up and rotate keys.",
    "report": "Report a trip for people, as a web page or a PDF.",
    "export": "Write a .trail file's content as CSV, Parquet, JSON, EPCIS or ONE Record.",
    "demo": "Tell the whole story on a virtual logger.",
}
_INTERRUPTED = 130
_DISK = 2
_EPILOG = """\b
Examples:
  celltrail virtual --speed max                    a logger without hardware
  celltrail provision -d serial:///dev/ttyACM0     once for each logger
  celltrail arm 2-8C -d serial:///dev/ttyACM0
  celltrail download -o trip.trail
  celltrail verify trip.trail

\b
Exit codes: 0 fine, 1 the answer is bad, 2 usage or local disk, 3 device or link,
4 refused, 5 not checkable, 130 interrupted."""


def _version(wanted: bool) -> None:
    if wanted:
        print(f"celltrail {__version__}")
        raise typer.Exit


def _overview(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """The open logger for shipments of living medicines: arm, read out, prove that the record is whole."""


def build(called: str | None) -> typer.Typer:
    """The command tree: `called` complete, all others as a line in the overview."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback(epilog=_EPILOG)(_overview)
    for name, line in COMMANDS.items():
        if name == called:
            _mount(app, name)
        else:
            app.command(name, help=line)(lambda: None)
    return app


def _mount(app: typer.Typer, name: str) -> None:
    """A module brings a function of the command's name, or `app` with subcommands."""
    module = importlib.import_module(f"celltrail.cli.{name}")
    if hasattr(module, "app"):
        app.add_typer(module.app, name=name)
    else:
        app.command(name, epilog=getattr(module, "EPILOG", None))(getattr(module, name))


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line; its exit code. No fault that a user can cause leaves a traceback."""
    called = next((word for word in arguments if not word.startswith("-")), None)
    try:
        try:
            build(called)(args=list(arguments), prog_name="celltrail")
        except SystemExit as done:
            if isinstance(done.__context__, BrokenPipeError):
                raise done.__context__ from None
            _flush()
            return _ended(done.code)
        return 0
    except CelltrailError as fault:
        _tell(str(fault))
        return fault.exit_code
    except KeyboardInterrupt:
        return _ended(_INTERRUPTED)
    except BrokenPipeError:
        _silence()
        return _INTERRUPTED
    except OSError as fault:
        place = f"{fault.filename}: " if fault.filename else ""
        _tell(f"{place}{fault.strerror or fault}")
        return _DISK


def _flush() -> None:
    """The work is done and its exit code stands, also when nobody reads the answer to its end."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()


def _silence() -> None:
    """Whoever read our output has gone; python would complain again when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _accept_any_encoding() -> None:
    """A terminal that can't show a letter gets a question mark instead, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _ended(code: str | int | None) -> int:
    """typer ends every command line with an exit code; that of an interrupt deserves a word."""
    if code == _INTERRUPTED:
        _tell("interrupted")
    return code if isinstance(code, int) else 0


def _tell(text: str) -> None:
    print(f"celltrail: {printable(' '.join(text.split()))}", file=sys.stderr)


def main() -> None:
    """Carry out this process's command line, and end the process."""
    _accept_any_encoding()
    sys.exit(run(sys.argv[1:]))
