"""The living manual: the text that its author wrote, with what came of each item in the margin."""
