"""Drivers of receivers: one module a kind, found by scan."""
