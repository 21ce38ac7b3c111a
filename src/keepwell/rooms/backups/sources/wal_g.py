"""The source ``wal_g``: not built yet."""

from ._later import later

DRIVER = later("A backup of a PostgreSQL cluster by WAL-G")
