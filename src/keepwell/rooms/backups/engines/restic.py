"""The engine ``restic``: not built yet."""

from ._later import later

DRIVER = later("restic")
