"""Stands in for MicroPython's `bluetooth` module: the virtual board's own."""

from boards.virtual_bluetooth import BLE, FLAG_NOTIFY, FLAG_READ, FLAG_WRITE, FLAG_WRITE_NO_RESPONSE, UUID

__all__ = ["BLE", "FLAG_NOTIFY", "FLAG_READ", "FLAG_WRITE", "FLAG_WRITE_NO_RESPONSE", "UUID"]
