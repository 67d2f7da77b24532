"""Celltrail's host tools: arm loggers, read them out, prove that the record is whole, and show it."""

__version__ = "0.1.0"
