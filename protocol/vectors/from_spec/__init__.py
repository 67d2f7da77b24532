"""SPEC.md written down a second time, to make the golden vectors; knows nothing of the codec."""
