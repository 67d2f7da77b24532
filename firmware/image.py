"""What firmware is this: the SHA-256 over its files, which ends up in the arm receipt."""

import os
from hashlib import sha256

_FOLDERS = ("boards", "boards/models", "celltrail_protocol", "drivers", "logger")


def _files(folder: str) -> "list[str]":
    try:
        return [folder + "/" + name for name in os.listdir(folder) if name.endswith((".py", ".mpy"))]
    except OSError:
        return []


def image_hash(roots: "list[str]") -> bytes:
    """SHA-256 over name, length and content of each firmware file under `roots`, sorted by name."""
    found: "dict[str, str]" = {}
    for root in roots:
        for folder in _FOLDERS:
            for path in _files(root + "/" + folder):
                found[path[len(root) + 1 :]] = path
    digest = sha256(b"celltrail image")
    for name in sorted(found):
        with open(found[name], "rb") as file:
            content = file.read()
        digest.update(b"%s\n%d\n" % (name.encode(), len(content)))
        digest.update(content)
    whole: bytes = digest.digest()
    return whole
