"""What keeps backups, one kind a file."""
