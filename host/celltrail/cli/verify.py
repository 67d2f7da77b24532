"""`celltrail verify`: is a `.trail` file complete and untouched?"""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from celltrail.cli.common import Json, Keys, print_json
from celltrail.evidence.signature import public_keys
from celltrail.evidence.verdict import Verdict
from celltrail.evidence.verify import verify_file
from celltrail.keys.contacts import signers
from celltrail.keys.keystore import KeyStore
from celltrail.views.verdict_text import verdict_lines

EPILOG = """\b
Examples:
  celltrail verify trip.trail
  celltrail verify trip.trail --keys build/demo/keys --json
  celltrail verify trip.trail --public-key lab-keys.txt
  celltrail verify trip.trail --public-key koeln-lab      after `celltrail keys signer add`

\b
The answer is one of: closed, recording (exit code 0); altered, parts missing,
power lost or tail removed (1); not checkable, when the key is not here (5).

\b
Whoever holds no key of the trip can still ask who read it and whether the file
has changed since: with --public-key the exit code is 0 when one of the named
keys signed the file and nothing is wrong, else 1. The seals are then checked
only if the trip's key is here."""

File = Annotated[Path, typer.Argument(metavar="FILE", help="A .trail file.", show_default=False)]


PublicKey = Annotated[
    list[str] | None,
    typer.Option(
        "--public-key",
        metavar="NAME|HEX|FILE",
        help="Who must have signed the read-out: a signer's name, 64 hex digits, or a file with such a key"
        " on each line. May be repeated.",
        show_default=False,
    ),
]


def verify(file: File, public_key: PublicKey = None, keys: Keys = None, json: Json = False) -> None:
    """Is a .trail file complete and untouched, and who read it out?"""
    store = KeyStore(keys)
    verdict = verify_file(file, store, public_keys(public_key, signers(store)) if public_key else None)
    # The answer's exit code stands, also when nobody reads the answer to its end.
    with suppress(BrokenPipeError):
        if json:
            print_json(verdict.to_json())
        else:
            print_verdict(verdict)
    raise typer.Exit(verdict.exit_code)


def print_verdict(verdict: Verdict) -> None:
    """The lines, with the headline's word in green, yellow or red where the terminal has colours."""
    console = Console(highlight=False, soft_wrap=True)
    first, *rest = verdict_lines(verdict)
    line = Text(first)
    line.stylize("bold " + {0: "green", 5: "yellow"}.get(verdict.exit_code, "red"), 0, len(verdict.word))
    # Rich would end the program when a pipe closes, so it only makes the text.
    with console.capture() as captured:
        console.print(line)
        for text in rest:
            console.print(Text(text))
    print(captured.get(), end="")
