"""The source ``etcd``: not built yet."""

from ._later import later

DRIVER = later("A snapshot of etcd")
