"""Floor 4: turns the commands that rooms declare into a program. Knows no room."""
