"""Floor 4: turns the routes that rooms declare into an HTTP server with permissions. Knows no room."""
