"""Samples in files: hours and days of raw samples and roll-ups as Parquet."""
