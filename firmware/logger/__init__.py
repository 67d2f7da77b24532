"""The logger's logic: takes its hardware as arguments and runs on MicroPython and CPython alike."""
