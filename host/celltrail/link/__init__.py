"""Talking to a logger: addresses, transports, requests, proven sessions."""
