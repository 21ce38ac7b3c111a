"""The source ``postgres``: not built yet."""

from ._later import later

DRIVER = later("A dump of a PostgreSQL database")
