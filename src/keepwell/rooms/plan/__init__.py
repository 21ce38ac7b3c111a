"""What an operations directory would run: when, where, as whom, accepted or not, and what is missing for it. Runs nothing."""
