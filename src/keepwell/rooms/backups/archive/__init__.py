"""Backups as tar archives: written, read back, compared, restored. All of it blocks: call it in a thread."""
