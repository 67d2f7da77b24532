"""Who may import whom: each room of the tree knows only the rooms below it."""

import ast
from pathlib import Path

import pytest

from tests.house.tree import ROOT, Import, imports, parse, python_files

HARDWARE = {"bluetooth", "esp", "esp32", "machine", "network", "rp2"}
FIRMWARE_ROOMS = {"boards", "drivers", "logger", "main"}

# What both runtimes of the protocol share; the stock builds of both boards have more.
PROTOCOL_STDLIB = {"array", "binascii", "hashlib", "micropython", "struct", "sys"}
DEVICE_STDLIB = PROTOCOL_STDLIB | {"asyncio", "collections", "errno", "gc", "heapq", "math", "time"}
# The virtual board's own wire and file: private to one PC and no part of the protocol.
PRIVATE_LAYOUTS = frozenset({"host/celltrail/virtual/wire.py", "host/celltrail/virtual/world_file.py"})
TYPES_ONLY = {"collections", "typing"}


def strangers(path: Path, allowed: set[str]) -> list[str]:
    """Imports of a file that are outside of the allowed modules (top-level names or dotted prefixes)."""
    return [found.module for found in imports(path) if not _is_allowed(found, allowed)]


def _is_allowed(found: Import, allowed: set[str]) -> bool:
    if found.for_types_only and found.top in TYPES_ONLY:
        return True
    return any(found.module == name or found.module.startswith(name + ".") for name in allowed)


def files(*folders: str, without: frozenset[str] = frozenset()) -> pytest.MarkDecorator:
    """One test case per file of the folders, but for the paths in `without` (relative to the root)."""
    found = [path for path in python_files(*folders) if path.relative_to(ROOT).as_posix() not in without]
    return pytest.mark.parametrize("path", found, ids=[str(path.relative_to(ROOT)) for path in found])


@files("protocol/celltrail_protocol")
def test_protocol_imports_nothing_of_ours(path: Path):
    assert strangers(path, PROTOCOL_STDLIB | {"celltrail_protocol"}) == []


@files("firmware/logger")
def test_logger_takes_its_hardware_as_arguments(path: Path):
    assert strangers(path, DEVICE_STDLIB | {"celltrail_protocol", "logger"}) == []


@files("firmware/drivers")
def test_driver_knows_its_chip_and_the_hardware_interface(path: Path):
    allowed = DEVICE_STDLIB | {"celltrail_protocol", "drivers", "logger.hardware", "machine"}
    assert strangers(path, allowed) == []


@files("firmware/boards")
def test_board_knows_no_host_and_no_other_hardware_room(path: Path):
    assert [found.module for found in imports(path) if found.top in {"celltrail", "tests", "main"}] == []


def test_only_drivers_and_boards_touch_hardware_modules():
    rooms = ["firmware", "host", "protocol", "tests"]
    outside = [p for p in python_files(*rooms) if not _may_touch_hardware(p.relative_to(ROOT))]
    touching = {str(path) for path in outside for found in imports(path) if found.top in HARDWARE}
    assert touching == set()


def _may_touch_hardware(path: Path) -> bool:
    in_room = path.parts[:2] in {("firmware", "drivers"), ("firmware", "boards"), ("firmware", "cpython")}
    return in_room or path.parts[:2] == ("tests", "firmware")


@files("host/celltrail")
def test_host_imports_no_firmware(path: Path):
    assert [found.module for found in imports(path) if found.top in FIRMWARE_ROOMS | {"tests"}] == []


@files("host/celltrail", without=PRIVATE_LAYOUTS)
def test_host_names_no_byte_offset(path: Path):
    assert [found.module for found in imports(path) if found.top == "struct"] == []
    attributes = [node for node in ast.walk(parse(path)) if isinstance(node, ast.Attribute)]
    assert [f"{path.name}:{node.lineno}" for node in attributes if node.attr == "from_bytes"] == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import machine\n", ["machine"]),
        ("def f():\n    from machine import Pin\n", ["machine.Pin"]),
        ("TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from typing import Any\n    import rp2\n", ["rp2"]),
        ("from . import hardware\nfrom .ring import Ring\n", []),
        ("import logger2\n", ["logger2"]),
    ],
)
def test_rules_see_every_kind_of_import(source: str, expected: list[str], tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tests.house.tree.ROOT", tmp_path)
    path = tmp_path / "firmware" / "logger" / "sample.py"
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
    assert strangers(path, DEVICE_STDLIB | {"logger"}) == expected
