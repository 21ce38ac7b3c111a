"""Heartbeats: jobs that call us, what is remembered of their calls, and when silence is a fault."""
