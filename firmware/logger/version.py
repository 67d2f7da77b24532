"""The firmware's version, apart from the format's."""

VERSION = "0.1.0"
