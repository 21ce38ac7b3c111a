"""Import: every item of a manual gets a fate, and what can run becomes an operations directory."""
