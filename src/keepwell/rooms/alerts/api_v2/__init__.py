"""Alertmanager's HTTP API v2, as its clients expect it (Prometheus, amtool, Grafana; alertmanager, api/v2/openapi.yaml)."""
