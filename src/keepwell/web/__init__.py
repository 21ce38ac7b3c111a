"""Floor 4: turns the pages that rooms declare into HTML that stays live. Knows no room."""
