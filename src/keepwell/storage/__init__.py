"""Floor 2: the database, its migrations, the journal, leases and the data directory."""
