"""The format that the logger writes and the host reads, once for both runtimes (SPEC.md)."""
