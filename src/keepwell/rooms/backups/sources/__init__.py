"""What can be backed up, one kind a file."""
