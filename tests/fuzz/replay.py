"""Replay inputs: `python -m tests.fuzz.replay TARGET FILE...`; or mutations by number: `... TARGET --number N...`."""

import sys
from pathlib import Path

from tests.fuzz.targets import all_targets


def main(arguments: list[str]) -> int:
    """0 when no input raises; the traceback is the finding."""
    from mutator import mutate

    target = all_targets()[arguments[0]]
    if arguments[1] == "--number":
        inputs = [mutate(target.seeds(), int(number), target.most) for number in arguments[2:]]
    else:
        inputs = [Path(name).read_bytes() for name in arguments[1:]]
    for data in inputs:
        target.run(data)
    print(f"{target.name}: {len(inputs)} inputs, no defect")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
