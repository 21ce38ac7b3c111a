"""What people are told of incidents by alerts: that somebody opened one, and what is overdue. Pure."""

from collections.abc import Iterable, Iterator

from keepwell.kernel.durations import format_duration
from keepwell.ports.alerts import Active

from .model import Clock, Incident, Kind, Policy

_NAMES = {Kind.RESPOND: "IncidentResponseOverdue", Kind.UPDATE: "IncidentUpdateOverdue", Kind.RESOLVE: "IncidentResolutionOverdue"}
_MISSING = {Kind.RESPOND: "nobody has acknowledged it", Kind.UPDATE: "no word of it", Kind.RESOLVE: "it is not resolved"}


def alerts_of(incidents: Iterable[Incident], policy: Policy, address: str) -> tuple[Active, ...]:
    """All that is active now: what a person opened until somebody acknowledges it, and every clock that is overdue."""
    return tuple(active for incident in incidents for active in _of(incident, policy, address))


def _of(incident: Incident, policy: Policy, address: str) -> Iterator[Active]:
    page = f"{address}/incidents/{incident.number}"
    what = f"{incident.severity} incident {incident.number} ({incident.title})"
    if not incident.group and incident.acknowledged is None and incident.resolved is None:
        since = incident.opened_at
        text = {"summary": f"{what}: opened by {incident.opened_by}", "dashboard": page}
        yield Active(_labels("IncidentOpened", incident), text, "firing", since, since, generator_url=page)
    for clock in incident.clocks:
        if clock.is_overdue and clock.missed_at is not None:
            text = {"summary": f"{what}: {_MISSING[clock.kind]}{_within(clock, incident, policy)}", "dashboard": page}
            yield Active(_labels(_NAMES[clock.kind], incident), text, "firing", clock.missed_at, clock.missed_at, generator_url=page)


def _within(clock: Clock, incident: Incident, policy: Policy) -> str:
    if clock.kind is not Kind.UPDATE:  # both are counted from the opening; the configuration may promise another time since
        return f" within {format_duration(clock.due_at - incident.opened_at)}"
    severity = policy.severities.get(incident.severity)
    return f" within {format_duration(severity.update)}" if severity is not None and severity.update is not None else ""


def _labels(name: str, incident: Incident) -> dict[str, str]:
    return {"alertname": name, "severity": incident.severity, "incident": str(incident.number)}
