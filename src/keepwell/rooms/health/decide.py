"""What the facts mean: is Keepwell itself healthy? The states of the service's checks play no part in it."""

from collections.abc import Sequence
from math import ceil

from .model import Facts

LATE = 1.0
"""Seconds of lateness (99th percentile) above which Keepwell calls itself degraded: its checks are no longer made when they should be."""


def services(facts: Facts) -> dict[str, str]:
    """Each part of Keepwell with ``operational`` or one sentence saying what is wrong."""
    late = facts.work.late_p99
    return {
        "engine": "operational" if late <= LATE else f"checks start up to {late:.1f} s late",
        "storage": f"observations cannot be stored: {facts.work.storage_fault}" if facts.work.storage_fault else "operational",
        "configuration": (
            f"the newest keepwell.yaml has {facts.configuration_problems} problems; the one before it is in force"
            if facts.configuration_problems
            else "operational"
        ),
    }


def status(facts: Facts) -> str:
    """``healthy``, or ``degraded`` where a part is not operational."""
    return "healthy" if all(word == "operational" for word in services(facts).values()) else "degraded"


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile (share from 0 to 1); 0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered), max(1, ceil(share * len(ordered)))) - 1]
