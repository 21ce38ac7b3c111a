"""Benchmarks: each prints a table of what it measured, with the wanted figure beside it. Never part of the tests."""
