"""One target under atheris, coverage-guided: `python -m tests.fuzz.one TARGET [libFuzzer options] [folders]`."""

import sys

import atheris

from tests.fuzz import targets as table

with atheris.instrument_imports(include=["celltrail", "celltrail_protocol", "logger"]):
    TARGETS = table.all_targets()


def main(arguments: list[str]) -> None:
    """Does not return: libFuzzer ends the process."""
    from mutator import mutate

    target = TARGETS[arguments[1]]
    seeds = target.seeds()

    def change(data: bytes, most: int, seed: int) -> bytes:
        # Structured changes and libFuzzer's own, in turns.
        if seed % 2:
            return bytes(atheris.Mutate(data, most))
        return mutate([data, *seeds[:50]] if seed % 4 else [data], seed, most)

    atheris.Setup([arguments[0], *arguments[2:]], target.run, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
