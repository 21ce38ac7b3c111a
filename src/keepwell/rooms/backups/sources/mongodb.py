"""The source ``mongodb``: not built yet."""

from ._later import later

DRIVER = later("A dump of a MongoDB database")
