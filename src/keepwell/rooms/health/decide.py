"""What the facts mean: is Keepwell itself healthy? The states of the service's checks play no part in it."""

from collections.abc import Sequence
from math import ceil

from keepwell.kernel.comparisons import Unit, describe

from .model import Facts, Telling, Work

LATE = 1.0
"""Seconds of lateness (99th percentile) above which Keepwell calls itself degraded: its checks are no longer made when they should be."""


def services(facts: Facts) -> dict[str, str]:
    """Each part of Keepwell with ``operational`` or one sentence saying what is wrong."""
    return {
        "engine": _engine(facts.work),
        "storage": f"observations cannot be stored: {facts.work.storage_fault}" if facts.work.storage_fault else "operational",
        "connection": (
            f"cut off: {', '.join(facts.work.cut_off)} cannot be reached; what fails over the network is unknown"
            if facts.work.cut_off
            else "operational"
        ),
        "sign_of_life": f"the sign of life is {facts.work.sign_fault}" if facts.work.sign_fault else "operational",
        "configuration": (
            f"the newest keepwell.yaml has {facts.configuration_problems} problems; the one before it is in force"
            if facts.configuration_problems
            else "operational"
        ),
        "rules": _rules(facts.rule_faults),
        "alerts": f"alerts cannot be stored: {facts.telling.fault}" if facts.telling.fault else "operational",
        "receivers": _receivers(facts.telling),
        "tasks": _tasks(facts.work) or "operational",
    }


def _receivers(telling: Telling) -> str:
    return f"nothing can be delivered to {'; '.join(telling.failing)}" if telling.failing else "operational"


def _tasks(work: Work) -> str:
    return f"tasks cannot be stored, and none begins: {work.tasks_fault}" if work.tasks_fault else ""


def _rules(faults: Sequence[str]) -> str:
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{faults[0]}{more}" if faults else "operational"


def _engine(work: Work) -> str:
    if work.late_p99 > LATE:
        return f"checks start up to {work.late_p99:.1f} s late"
    return "operational" if work.lag_p99 <= LATE else f"something held the event loop for up to {work.lag_p99:.1f} s"


def not_alive(work: Work, telling: Telling) -> str:
    """What keeps Keepwell from its work now, so that it sends no sign of life; empty where nothing does. Where no receiver at all gets
    anything, whoever waits for the sign is the only one left who can tell somebody."""
    if work.storage_fault:
        return f"observations cannot be stored: {work.storage_fault}"
    if telling.fault:
        return f"alerts cannot be stored: {telling.fault}"
    if work.tasks_fault:
        return _tasks(work)
    if telling.is_mute:
        return _receivers(telling)
    return "" if _engine(work) == "operational" else _engine(work)


def status(facts: Facts) -> str:
    """``healthy``, or ``degraded`` where a part is not operational."""
    return "healthy" if all(word == "operational" for word in services(facts).values()) else "degraded"


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile (share from 0 to 1); 0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered), max(1, ceil(share * len(ordered)))) - 1]


def figures(facts: Facts) -> list[tuple[str, str]]:
    """The figures of the moment for people, each with its name."""
    work, process, telling = facts.work, facts.process, facts.telling
    return [
        ("Looks started since the start", str(work.started)),
        ("Looks under way", str(work.running)),
        ("Looks skipped, because the one before was not over or their time had passed", str(work.skipped)),
        ("Looks waiting for room at their target or host", str(work.held)),
        ("Lateness of looks, median and 99th percentile", f"{_shown(work.late_median)}, {_shown(work.late_p99)}"),
        ("Lag of the event loop in the last minute, 99th percentile", _shown(work.lag_p99)),
        ("Observations not stored yet", str(work.waiting)),
        ("Observations shed, because the store took none for long", str(work.shed)),
        ("Newest write to the store", _shown(work.write_seconds)),
        ("Signs of life that arrived", str(work.signs_sent)),
        ("Notices waiting, delivered, given up", f"{telling.waiting}, {telling.delivered}, {telling.lost}"),
        ("Memory", describe(process.resident, Unit.BYTES)),
        ("CPU since the start", f"{process.cpu:.1f} s in {process.uptime:.0f} s"),
        ("Open files", str(process.files)),
    ]


def _shown(seconds: float) -> str:
    return describe(seconds, Unit.SECONDS)
