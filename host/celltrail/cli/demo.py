"""`celltrail demo`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from celltrail.demo import Demo

EPILOG = """\b
Examples:
  celltrail demo
  celltrail demo --out build/demo"""


def demo(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the files of the trip go.")] = Path(
        "celltrail-demo"
    ),
) -> None:
    """Tell the whole story on a virtual logger: arm, fly, leave marks, read out, verify, show, export.

    Leaves the trip's files and a key store of its own in the folder; takes about half a minute.
    """
    from celltrail.cli.main import run

    Demo(out, run, Console()).play()
