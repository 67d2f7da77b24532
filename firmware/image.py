"""What firmware is this: the SHA-256 over its files, which ends up in the arm receipt (SPEC.md section 9.4)."""

import os
from hashlib import sha256

# "" is the root itself: `main` and what the interpreter starts with.
_FOLDERS = ("", "boards", "boards/models", "celltrail_protocol", "drivers", "logger")
_PIECE = 512


def _join(folder: str, name: str) -> str:
    if not name:
        return folder
    return name if not folder else folder + name if folder.endswith("/") else folder + "/" + name


def _files(root: str, folder: str) -> "list[str]":
    """Paths below `root`."""
    try:
        names = os.listdir(_join(root, folder))
    except OSError:
        return []
    return [_join(folder, name) for name in names if name.endswith((".py", ".mpy"))]


class Image:
    """The firmware files below `roots`; reads them once, when it is first asked."""

    def __init__(self, roots: "list[str]") -> None:
        self._roots = roots
        self._hash = b""

    def hash(self) -> bytes:
        """SHA-256 over name, length and content of each file, sorted by name."""
        if not self._hash:
            found: "dict[str, str]" = {}
            for root in self._roots:
                for folder in _FOLDERS:
                    for name in _files(root, folder):
                        found[name] = _join(root, name)
            digest = sha256(b"celltrail image")
            for name in sorted(found):
                digest.update(b"%s\n%d\n" % (name.encode(), os.stat(found[name])[6]))
                # Whole files would take 5 kB of the heap at once.
                with open(found[name], "rb") as file:
                    piece = file.read(_PIECE)
                    while piece:
                        digest.update(piece)
                        piece = file.read(_PIECE)
            self._hash = digest.digest()
        return self._hash
