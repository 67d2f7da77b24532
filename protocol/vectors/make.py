"""Make the golden vectors from SPEC.md alone.

`make.py [FOLDER]` writes them, `make.py --check [FOLDER]` compares what is there.
Imports nothing of ours but `from_spec`, the specification written down a second time.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from from_spec import (
    broken_frames,
    cbor,
    console,
    frames,
    plans,
    proofs,
    records,
    refusals,
    sectors,
    series,
    smp,
    trails,
)
from from_spec.wire import Vector

HERE = Path(__file__).parent
Part = Callable[[], Iterator[Vector]]

FILES: dict[str, list[Part]] = {
    "frames": [frames.valid, broken_frames.invalid],
    "records": [records.valid, records.invalid],
    "series": [series.valid, series.invalid],
    "sectors": [sectors.valid, sectors.invalid],
    "pending": [trails.pendings, trails.broken_pendings],
    "trails": [trails.valid, trails.invalid, trails.signatures],
    "proofs": [proofs.valid, proofs.invalid],
    "cbor": [cbor.valid, cbor.invalid],
    "plans": [plans.valid, plans.invalid],
    "smp": [smp.valid, smp.invalid],
    "console": [console.valid, console.invalid],
    "refusals": [refusals.every],
}


def made(name: str) -> list[str]:
    """The lines of one file; every name stands there once."""
    vectors = [vector for part in FILES[name] for vector in part()]
    names = [vector["name"] for vector in vectors]
    assert len(set(names)) == len(names), [one for one in names if names.count(one) > 1]
    return [json.dumps(vector, ensure_ascii=False, separators=(",", ":")) for vector in vectors]


def differences(name: str, folder: Path) -> list[str]:
    """One sentence for each line on disk that is not as made, and for each that is missing."""
    path = folder / f"{name}.jsonl"
    found = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    expected = made(name)
    wrong = [
        f"{path.name}:{n}: not as made"
        for n, pair in enumerate(zip(found, expected, strict=False), 1)
        if pair[0] != pair[1]
    ]
    if len(found) != len(expected):
        wrong.append(f"{path.name}: {len(found)} vectors on disk, {len(expected)} made")
    return wrong


def write(folder: Path) -> None:
    """Write all files."""
    for name in FILES:
        (folder / f"{name}.jsonl").write_text(
            "".join(line + "\n" for line in made(name)), encoding="utf-8", newline="\n"
        )


def main(arguments: list[str]) -> int:
    """The exit status: 1 when --check finds a difference."""
    check = arguments[:1] == ["--check"]
    folder = Path(arguments[check]) if len(arguments) > check else HERE
    if not check:
        write(folder)
        return 0
    wrong = [line for name in FILES for line in differences(name, folder)]
    print("\n".join(wrong) if wrong else "vectors: as made")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
