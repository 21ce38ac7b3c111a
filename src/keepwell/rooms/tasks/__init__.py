"""Work that recurs: which occasions are due, late or missed, what came of each, and who is told."""
