"""Runbooks: what would be done step by step, doing it, and what came of each step."""
