"""Questions to log files, answered in one pass: lines are split by us, and whatever is in them, none is lost without being counted."""
