"""Where the firmware's files lie: inside an installed package, or in a checkout."""

from pathlib import Path

from celltrail.errors import UsageFault

_PACKAGE = Path(__file__).parent


def firmware_path() -> list[Path]:
    """The folders that the firmware imports from, in order: with `main.py` in the first one."""
    installed = _PACKAGE / "_firmware"
    if (installed / "boards").is_dir():
        return [installed]
    checkout = _PACKAGE.parent.parent
    folders = [checkout / "firmware", checkout / "protocol"]
    if not (folders[0] / "boards").is_dir():
        raise UsageFault("this installation has no firmware files; install the celltrail package again")
    return folders
