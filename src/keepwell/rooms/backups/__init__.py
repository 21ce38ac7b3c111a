"""Backups: what is copied, kept, proved by restoring it, and brought back."""
