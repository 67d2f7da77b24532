"""The bench's tables for people; stdout only."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Figure, number
from tests.bench.mpy_files import File
from tests.bench.packing import Packed

_MARKS = {"pass": "[green]pass[/]", "MISS": "[red bold]MISS[/]", "not available": "[yellow]n/a[/]"}
_WIDTH = 160


def _console() -> Console:
    console = Console()
    # Piped into a file a table needs more than the 80 columns that nobody asked for.
    return console if console.is_terminal else Console(width=_WIDTH)


def _table(title: str, left: Sequence[str], right: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in left:
        table.add_column(name)
    for name in right:
        table.add_column(name, justify="right")
    return table


def show_figures(figures: Sequence[Figure]) -> None:
    """All figures with their targets and peers, then how each was measured."""
    table = Table(title="Celltrail bench", title_justify="left")
    table.add_column("figure", no_wrap=True)
    table.add_column("ours / peer", justify="right", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("target", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("peer's value", justify="right", no_wrap=True)
    table.add_column("peer")
    for one in figures:
        target = one.target.text() if one.target else ""
        ratio = "" if one.ratio is None else f"{number(one.ratio)} x"
        peer_value = "" if one.peer_value is None else number(one.peer_value)
        value = f"{number(one.value)} {one.unit}".strip()
        table.add_row(one.name, ratio, value, target, _MARKS.get(one.verdict, ""), peer_value, one.peer)
    console = _console()
    console.print(table)
    for one in figures:
        console.print(f"[bold]{one.name}[/]: {one.how}", highlight=False, soft_wrap=True)
    missed = [one.name for one in figures if one.verdict == "MISS"]
    console.print(f"[red]Missed: {', '.join(missed)}[/]" if missed else "No target missed.", soft_wrap=True)


def show_series(rows: Sequence[Packed]) -> None:
    """Bits a value of every series, and the ratio to its entropy."""
    table = _table(
        "Packed series, bits a value",
        ("series",),
        ("entropy", "blocks", "x", "with base", "x", "LEC", "bit-packing", "Gorilla"),
    )
    for row in rows:
        bits = [f"{value:.2f}" for value in (row.entropy, row.blocks, row.whole, row.lec, row.bit_pack, row.gorilla)]
        ours = [bits[1], f"{row.ratio('blocks'):.3f}", bits[2], f"{row.ratio('whole'):.3f}"]
        table.add_row(row.name, bits[0], *ours, *bits[3:])
    _console().print(table)


def show_sizes(files: Sequence[File], revision: str | None) -> None:
    """Every `.mpy` file, the largest first, their sum, and the change against a revision."""
    against = f" against {revision}" if revision else ""
    table = _table(".mpy files of the image", ("file", "loaded"), ("bytes", f"change{against}"))
    for one in sorted(files, key=lambda one: -one.size):
        table.add_row(one.path, "yes" if one.loaded else "", f"{one.size:,}", _change(one.change))
    changes = [one.change for one in files if one.change is not None]
    table.add_row("all", "", f"{sum(one.size for one in files):,}", _change(sum(changes) if changes else None))
    _console().print(table)


def _change(change: int | None) -> str:
    return "" if change is None else f"{change:+,}" if change else "0"


def show_heap(parts: Sequence[tuple[str, int]]) -> None:
    """What lives on the heap after each part."""
    table = _table("Heap after a collection, models taken off", ("after",), ("bytes",))
    for label, size in parts:
        table.add_row(label, f"{size:,}")
    _console().print(table)
