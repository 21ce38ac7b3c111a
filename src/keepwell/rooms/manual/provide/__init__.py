"""Programs that a manual calls by name and nobody supplies: written as small wrappers over commands of Keepwell."""
