"""Modules that only a start needs must not take room on the heap for a whole trip."""

import sys


def forget(*modules: str) -> None:
    """Let go of modules, by their full names; who imports one again loads it again."""
    for name in modules:
        folder, _, module = name.rpartition(".")
        if sys.modules.pop(name, None) is not None:
            delattr(sys.modules[folder], module)
