"""Keepwell runs a service's operations manual, and keeps it true."""

__version__ = "0.1.0"
