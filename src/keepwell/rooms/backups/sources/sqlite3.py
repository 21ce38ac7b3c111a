"""The source ``sqlite3``: not built yet."""

from ._later import later

DRIVER = later("A copy of a SQLite database")
