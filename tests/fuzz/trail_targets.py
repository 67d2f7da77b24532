"""`.trail` files as targets: verify, show, export, merge."""

import json
from dataclasses import replace
from pathlib import Path

from host_bench import FOLDER, check_printable, declared, file_of, own_keys, short_trip
from trail_builder import BUILDER_SEEDS, build_trail

from celltrail.evidence.trail import TrailParts, parse_trail, trail_bytes
from celltrail.evidence.verify import Checked, check_trail
from celltrail.operate.merge import Merged, merge
from celltrail.operate.merge_source import load_sources
from celltrail.views import export_csv, export_json, export_parquet, table
from celltrail.views.audit import audit_json
from celltrail.views.audit_text import audit_lines
from celltrail.views.plot_terminal import plot_lines
from celltrail.views.show_text import summary_lines, wrapped
from celltrail.views.summary import summarize, to_json
from celltrail.views.svg import write_svg
from celltrail.views.verdict_text import verdict_lines

# Cells that a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "@", "\t", "\r")
# The bounds themselves are tests of their own; here they would only cost time.
table.MOST_LACKING, table.LACKING_A_READING = 20_000, 1


def trail(data: bytes) -> None:
    """A `.trail` file: verify, show, and export it every way."""
    with declared():
        checked = check_trail(parse_trail(data, FOLDER / "x.trail"), own_keys())
        look_at(checked)


def built_trail(data: bytes) -> None:
    """As `trail`, with the checks of sections, headers and frames made right, so that what they hold is reached."""
    trail(build_trail(data))


def look_at(checked: Checked) -> None:
    """Everything that the commands show or write of a file."""
    json.dumps(checked.verdict.to_json(), allow_nan=False)
    check_printable(verdict_lines(checked.verdict))
    summary = summarize(checked)
    json.dumps(to_json(summary), default=str, allow_nan=False)
    check_printable(wrapped(summary_lines(summary, 1000), 80))
    json.dumps(audit_json(summary), allow_nan=False)
    check_printable(audit_lines(summary, 80))
    check_printable(plot_lines(summary, 80, colors=False, is_ascii=True))
    with declared():
        write_svg(summary, FOLDER / "x.svg")
    with declared():
        export_csv.write_readings(checked, FOLDER / "readings.csv")
        export_csv.write_shocks(checked, FOLDER / "shocks.csv")
        _check_cells(FOLDER / "shocks.csv")
    with declared():
        export_parquet.write_readings(checked, FOLDER / "r.parquet")
        export_parquet.write_shocks(checked, FOLDER / "s.parquet")
    with declared():
        export_json.write_record(checked, FOLDER / "x.json")


def _check_cells(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines()[:1000]:
        assert not any(cell.startswith(_FORMULA) for cell in line.split(",")), line


def merged(data: bytes) -> None:
    """[length u16][a builder's bytes][another's]: what two files make is a sound file, whatever their order."""
    size = int.from_bytes(data[:2], "little")
    files = [build_trail(data[2 : 2 + size]), build_trail(data[2 + size :])]
    paths = [file_of(f"{number}.trail", one) for number, one in enumerate(files)]
    with declared():
        done = merge(load_sources(paths), "OP1")
        check_printable([conflict.line for conflict in done.conflicts] + list(done.notes))
        json.dumps([conflict.to_json() for conflict in done.conflicts], allow_nan=False)
        if done.parts is None:
            return
        assert _content(merge(load_sources(paths[::-1]), "OP1")) == _content(done)
        made = parse_trail(trail_bytes(done.parts), FOLDER / "x.trail")
        assert not made.damage, made.damage
        check_trail(made, own_keys())


def _content(done: Merged) -> TrailParts | None:
    """All but the names of the sources: the same file may lie under two names."""
    return None if done.parts is None else replace(done.parts, meta={**done.parts.meta, "sources": None})


# Seeds


def trail_seeds() -> list[bytes]:
    closed, running = short_trip(), short_trip()
    closed.close()
    running.pend(365, [640])
    parts = (closed.closed_parts(), running.running_parts(), running.running_parts(live=False))
    return list(map(trail_bytes, parts))


def merge_seeds() -> list[bytes]:
    pairs = [(one, two) for one in BUILDER_SEEDS[:4] for two in BUILDER_SEEDS[2:5]]
    return [len(one).to_bytes(2, "little") + one + two for one, two in pairs]
