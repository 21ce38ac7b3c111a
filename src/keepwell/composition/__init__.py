"""Floor 6, below the console script: puts the rooms together, as verbs over a directory and as a living server."""
