"""The `celltrail` command: a thin layer that turns options into calls and answers into text."""
