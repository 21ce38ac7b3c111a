"""Prometheus' rule files: read, checked, tested and evaluated."""
