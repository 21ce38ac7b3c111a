"""The source ``mysql``: not built yet."""

from ._later import later

DRIVER = later("A dump of a MySQL or MariaDB database")
