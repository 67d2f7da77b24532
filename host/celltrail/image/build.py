"""Build the one file that makes a bare board a logger: the user's MicroPython and our file system, joined."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celltrail import __version__
from celltrail.image import firmware, front, mpy, uf2
from celltrail.image.micropython_file import XIP_BASE, MicroPythonFile
from celltrail.image.slim import slim
from celltrail.image.targets import Target
from celltrail_protocol.records import FRONT_SECTORS

MANIFEST_VERSION = 1
_FOLDER = "lib"
# MicroPython runs this one by its name; the modules are found before it, so that `main` is the compiled one.
_STARTER = b'import sys\n\nsys.path[:] = ["/lib", ".frozen", "/"]\nimport main\n\nmain.main(main.make_board())\n'
_HASH_LABEL = b"celltrail image"


@dataclass(frozen=True)
class Image:
    """`data` is what the board takes; `files` are those of its file system; `front` is this file system."""

    target: Target
    micropython: MicroPythonFile
    files: Mapping[str, bytes]
    front: bytes
    data: bytes
    compiler: str

    @property
    def firmware_hash(self) -> bytes:
        """What the logger will say of its firmware, and what an arm receipt holds."""
        return firmware_hash(self.files)

    @property
    def suffix(self) -> str:
        """Of the file."""
        return ".uf2" if self.target.is_uf2 else ".bin"

    def manifest(self) -> dict[str, Any]:
        """What is in it and what it was made from; holds nothing that differs from one build to the next."""
        return {
            "version": MANIFEST_VERSION,
            "celltrail": __version__,
            "board": self.target.name,
            "image": _told(self.data),
            "firmware_hash": self.firmware_hash.hex(),
            "micropython": {
                "file": self.micropython.path.name,
                "version": self.micropython.version,
                **_told(self.micropython.data),
            },
            "mpy_cross": self.compiler,
            "files_at": self.micropython.files_at,
            "front_sectors": FRONT_SECTORS,
            "files": [{"path": f"/{path}", **_told(content)} for path, content in sorted(self.files.items())],
        }


def _told(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def firmware_hash(files: Mapping[str, bytes]) -> bytes:
    """SHA-256 over the files as the logger computes it (SPEC.md section 9.4)."""
    digest = hashlib.sha256(_HASH_LABEL)
    named = {path.removeprefix(f"{_FOLDER}/"): content for path, content in files.items()}
    for name, content in sorted(named.items()):
        digest.update(b"%s\n%d\n" % (name.encode(), len(content)))
        digest.update(content)
    return digest.digest()


def compiled(board: str, march: str | None, folders: list[Path] | None = None) -> dict[str, bytes]:
    """The small `.mpy` of the firmware with this board's module, by path; folders: where other sources of it lie."""
    sources = firmware.sources((firmware.ROOT, board), folders)
    return mpy.compile_all(slim(sources, firmware.ENTRIES, firmware.ROOT, (board,)), march)


def build(target: Target, micropython: MicroPythonFile) -> Image:
    """The whole image; the same input gives the same bytes. UsageFault when it does not fit."""
    compiler = mpy.compiler_version()
    modules = compiled(target.module, target.march)
    files = {f"{_FOLDER}/{path}": content for path, content in modules.items()}
    files["main.py"] = _STARTER
    blocks = front.build(files, micropython.files_bytes)
    join = _join_uf2 if target.is_uf2 else _join_flash
    return Image(target, micropython, files, blocks, join(target, micropython, blocks), compiler)


def _join_uf2(target: Target, micropython: MicroPythonFile, blocks: bytes) -> bytes:
    pages = uf2.read(micropython.data, str(micropython.path))
    return uf2.write({**pages, **uf2.split(XIP_BASE + micropython.files_at, blocks)})


def _join_flash(target: Target, micropython: MicroPythonFile, blocks: bytes) -> bytes:
    """From the flash's first byte on; what lies between the parts is blank."""
    head = b"\xff" * target.boot_at + micropython.data
    if len(head) > micropython.files_at:
        raise RuntimeError("MicroPython lies where the files have to be")
    return head.ljust(micropython.files_at, b"\xff") + blocks
