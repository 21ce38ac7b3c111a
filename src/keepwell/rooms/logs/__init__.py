"""Log files: rotated without losing a line, cleaned up, asked questions, and watched as they grow."""
