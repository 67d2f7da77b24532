"""`celltrail merge`."""

from pathlib import Path
from typing import Annotated

import typer

from celltrail.cli.common import Json, Keys, Operator, checked_operator, print_json, say
from celltrail.errors import UsageFault
from celltrail.evidence.verdict import Verdict
from celltrail.evidence.verify import verify_file
from celltrail.keys.keystore import KeyStore
from celltrail.operate.merge import Merged
from celltrail.operate.merge import merge as join
from celltrail.operate.merge_source import Source, load_sources
from celltrail.operate.signing import write_signed

EPILOG = """\b
Examples:
  celltrail merge brussels.trail leipzig.trail -o trip.trail
  celltrail merge CT-3F2A91-7.trail.part -o rescued.trail      when the logger is lost
  celltrail merge *.trail -o trip.trail --json

\b
The exit code is that of `celltrail verify` for the new file; 1 and no file when the
files contradict each other. The sources stay as they are: keep them."""

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILES...", help="Read-outs of one trip, unfinished ones (.part) too.", show_default=False),
]
Out = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FILE", help="The new .trail file; it must not exist.", show_default=False),
]
_CONFLICT = 1
_MOST_LISTED = 20


def merge(files: Files, output: Out, operator: Operator = "", keys: Keys = None, json: Json = False) -> None:
    """Join partial read-outs of one trip, made at different places, into one .trail file and verify it.

    Files that contradict each other are not merged: each place is named, and nothing is written.
    """
    store = KeyStore(keys)
    store.require()
    if output.exists():
        raise UsageFault(f"{output} exists already; name another file with -o")
    sources = load_sources(files)
    code = checked_operator(operator)
    merged = join(sources, code)
    verdict = None
    if merged.parts is not None:
        unsigned = write_signed(output, merged.parts, store, code)
        if unsigned:
            say(unsigned)
        verdict = verify_file(output, store)
    if json:
        print_json(_document(output, sources, merged, verdict))
    else:
        _tell(output, sources, merged, verdict)
    raise typer.Exit(_CONFLICT if verdict is None else verdict.exit_code)


def _tell(output: Path, sources: list[Source], merged: Merged, verdict: Verdict | None) -> None:
    if verdict is None or merged.parts is None:
        count = len(merged.conflicts)
        print(f"not merged: {count} contradiction{'s' if count > 1 else ''}; {output} was not written")
        for conflict in merged.conflicts[:_MOST_LISTED]:
            print(f"  {conflict.line}")
        if len(merged.conflicts) > _MOST_LISTED:
            print(f"  ... and {len(merged.conflicts) - _MOST_LISTED} more")
        return
    for note in merged.notes:
        say(note)
    opened = " and an open one" if merged.parts.open_part is not None else ""
    print(f"{output}: {verdict.word}; {len(merged.parts.runs)} sectors{opened} from {len(sources)} files")


def _document(output: Path, sources: list[Source], merged: Merged, verdict: Verdict | None) -> dict[str, object]:
    given = merged.given or (0,) * len(sources)
    return {
        "file": str(output) if verdict is not None else None,
        "sources": [
            {"file": str(one.path), "sha256": one.digest.hex(), "sectors": len(one.sectors), "sectors_new": new}
            for one, new in zip(sources, given, strict=True)
        ],
        "conflicts": [conflict.to_json() for conflict in merged.conflicts],
        "notes": list(merged.notes),
        "verdict": verdict.to_json() if verdict is not None else None,
    }
