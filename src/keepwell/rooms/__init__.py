"""Floor 3: one folder for each thing a user knows. No room imports another; app.py hands in what one asks of another."""
