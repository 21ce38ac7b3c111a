"""The source ``velero``: not built yet."""

from ._later import later

DRIVER = later("A backup of a Kubernetes cluster by Velero")
