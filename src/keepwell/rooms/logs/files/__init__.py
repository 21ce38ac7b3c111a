"""What is done to files, step by step: folders held open, names in them, no link followed. Everything here blocks; call it in a thread."""
