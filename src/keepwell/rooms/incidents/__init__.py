"""Incidents: what went wrong badly enough that people answer it, how quickly they did, and what is learned from it."""
