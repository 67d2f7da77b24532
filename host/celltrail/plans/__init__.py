"""Profiles, and the plans that are made of them for one logger."""
