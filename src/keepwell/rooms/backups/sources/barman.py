"""The source ``barman``: not built yet."""

from ._later import later

DRIVER = later("A backup of a PostgreSQL cluster by Barman")
