"""The engine ``borg``: not built yet."""

from ._later import later

DRIVER = later("borg")
