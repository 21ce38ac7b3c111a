"""Prometheus' HTTP API, as its clients expect it (Prometheus, "HTTP API")."""
