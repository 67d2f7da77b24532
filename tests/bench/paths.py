"""Where things lie; importing this module makes the firmware importable in this process."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
WORK = BUILD / "bench"
SHARED_DATA = ROOT.parent / "shared" / "data"

FIRMWARE = ROOT / "firmware"
PROTOCOL = ROOT / "protocol"
# The stand-ins of `firmware/cpython` come first: the installed `micropython` module is another thing.
_FOLDERS = (FIRMWARE / "cpython", FIRMWARE, PROTOCOL, ROOT / "host", ROOT / "tests" / "firmware")

for _folder in reversed(_FOLDERS):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))
