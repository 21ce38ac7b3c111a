"""Keepwell's own health: what it says of itself at ``/health``, ``/api/system/*`` and ``/metrics``."""
