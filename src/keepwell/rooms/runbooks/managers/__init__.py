"""Who manages services: one driver a file."""
