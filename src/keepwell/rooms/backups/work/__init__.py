"""What is done with backups: made, proved, brought back, forgotten."""
