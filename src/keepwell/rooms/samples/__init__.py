"""Samples: named numbers over time, kept small and safe, and asked."""
