"""Floor 2: the real clock, runner, HTTP client, files and secrets behind the ports."""
