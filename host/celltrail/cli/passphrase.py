"""A passphrase from the terminal or from a file; never from the command line, which others can see."""

import sys
from pathlib import Path

import typer

from celltrail.errors import RefusedFault, UsageFault
from celltrail.files import read_bytes

_MOST_BYTES = 100_000
_LEAST = 8


def ask_for(path: Path | None, *, twice: bool) -> str:
    """The passphrase; `twice` for a new one, which is asked for again and must not be too short."""
    given = _from_file(path) if path is not None else _from_terminal(twice)
    if twice and len(given) < _LEAST:
        raise UsageFault(f"a passphrase for all keys has {_LEAST} characters or more; some words in a row are best")
    return given


def _from_file(path: Path) -> str:
    try:
        lines = read_bytes(path, _MOST_BYTES).decode().splitlines()
    except UnicodeDecodeError as error:
        raise UsageFault(f"{path}: is no text; a passphrase file holds the passphrase in its first line") from error
    if not lines or not lines[0]:
        raise UsageFault(f"{path}: its first line is empty; it should be the passphrase")
    return lines[0]


def _from_terminal(twice: bool) -> str:
    if not sys.stdin.isatty():
        raise RefusedFault("a passphrase is needed, and there is no terminal; pass --passphrase-file")
    try:
        return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True))
    except typer.Abort as end:
        raise KeyboardInterrupt from end
