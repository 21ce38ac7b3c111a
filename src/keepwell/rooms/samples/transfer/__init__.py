"""Samples to files and from files: export and import."""
