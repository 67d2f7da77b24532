"""The entry point of `celltrail` and `python -m celltrail`: an interrupt while modules load is no traceback either."""

import sys

_INTERRUPTED = 130


def main() -> None:
    """Load the command and hand over to it."""
    try:
        from celltrail.cli.main import main as command
    except KeyboardInterrupt:
        print("celltrail: interrupted", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    command()


if __name__ == "__main__":
    main()
