"""Checks: a question to a target at an interval, and the state that its answer gives."""
