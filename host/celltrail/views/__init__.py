"""The record as people and programs want to see it."""
