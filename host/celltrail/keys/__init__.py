"""Secrets and receipts on this host."""
