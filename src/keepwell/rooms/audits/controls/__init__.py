"""The controls: one file each, found by scan."""
