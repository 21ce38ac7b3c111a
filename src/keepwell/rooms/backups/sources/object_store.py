"""The source ``object_store``: not built yet."""

from ._later import later

DRIVER = later("The objects of a bucket")
