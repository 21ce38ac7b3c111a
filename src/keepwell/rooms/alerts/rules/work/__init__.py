"""Rules while a server runs."""
