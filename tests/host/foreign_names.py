"""Names that MicroPython's modules know, as methods, attributes or arguments: an image must not rename them."""

import array
import ast
import binascii
import builtins
import errno
import gc
import hashlib
import io
import json
import os
import select
import socket
import struct
import sys
import time
from pathlib import Path

STUBS = Path(__file__).parent.parent.parent / "build" / "stubs"
MODULES = ("machine", "rp2", "esp32", "bluetooth", "select", "onewire", "micropython", "time", "os", "sys", "vfs")
_OBJECTS = (int, str, bytes, bytearray, list, dict, set, tuple, memoryview, object, Exception, type, io.BytesIO)
_LIBRARY = (array, binascii, builtins, errno, gc, hashlib, io, json, os, select, socket, struct, sys, time)


def foreign() -> set[str]:
    """From CPython, which has what MicroPython shares with it, and from both boards' stubs where they are."""
    found: set[str] = set()
    for one in (*_OBJECTS, *_LIBRARY, array.array, socket.socket):
        found |= set(dir(one))
    for board in ("rp2", "esp32"):
        for path in (STUBS / board).rglob("*.pyi"):
            if path.stem in MODULES or path.parent.name in MODULES:
                found |= _names(ast.parse(path.read_text(encoding="utf-8")))
    return found


def _names(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found
