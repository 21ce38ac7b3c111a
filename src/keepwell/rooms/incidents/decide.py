"""What happens to an incident: opened, joined by alerts, answered, told of, mitigated, resolved, and the clocks meanwhile. Pure.

Each function gives the incident as it stands then and what the journal says of it. What would change nothing gives no entries.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keepwell.kernel.problems import KeepwellError, Problem
from keepwell.storage.journal import NewEntry

from .model import Clock, Deed, Incident, Kind, Linked, Policy, Seen, Severity, Stage

OWN = "keepwell"
"""Who does what nobody asked for."""


@dataclass(frozen=True, slots=True)
class Change:
    """An incident, and the entries that say how it came to stand so."""

    incident: Incident
    entries: Sequence[NewEntry] = ()


def subject_of(number: int) -> str:
    """What the journal calls an incident."""
    return f"incidents/{number}"


def opened_by_alert(number: int, seen: Seen, severity: Severity, now: datetime) -> Change:
    """An incident that an alert opens."""
    title = f"{seen.name}: {seen.sentence}" if seen.sentence else seen.name
    incident = Incident(number, severity.name, title, now, OWN, seen.group, clocks=clocks_of(severity, now))
    facts = {"severity": severity.name, "title": title, "alert": seen.number}
    opened = _with(incident, "incident.opened", OWN, facts)
    return _then(opened, lambda now_open: _link(now_open, seen))


def opened_by_person(number: int, severity: Severity, title: str, actor: str, now: datetime, by: str = "") -> Change:
    """An incident that a person opens: ``by``, as whoever sends it says; without it, that one."""
    who = by or actor
    incident = Incident(number, severity.name, title, now, who, clocks=clocks_of(severity, now))
    return _with(incident, "incident.opened", actor, {"severity": severity.name, "title": title, "by": who})


def clocks_of(severity: Severity, start: datetime) -> tuple[Clock, ...]:
    """What is due from that instant on."""
    promised = ((Kind.RESPOND, severity.respond), (Kind.UPDATE, severity.update), (Kind.RESOLVE, severity.resolve))
    return tuple(Clock(kind, start + length) for kind, length in promised if length is not None)


def joined(incident: Incident, seen: Seen, severity: Severity, policy: Policy, now: datetime) -> Change:
    """Another alert of the same group fires; a more severe one makes the incident more severe."""
    change = _link(incident, seen)
    if severity.rank < policy.rank(incident.severity):
        return _then(change, lambda linked: reclassified(linked, severity, f"alert {seen.number} is more severe", OWN, now))
    return change


def _link(incident: Incident, seen: Seen) -> Change:
    linked = Linked(seen.number, seen.name, seen.severity, seen.sentence, seen.since, seen.ended_at)
    facts = {"alert": seen.number, "name": seen.name, "severity": seen.severity}
    return _with(replace(incident, alerts=(*incident.alerts, linked)), "incident.alert-joined", OWN, facts)


def ran(incident: Incident, runbook: str, run: int, actor: str) -> Change:
    """Somebody runs the runbook of its severity."""
    return _with(incident, "incident.run", actor, {"runbook": runbook, "run": run})


def alert_ended(incident: Incident, number: int, now: datetime) -> Change:
    """An alert of it has ended. That alone resolves nothing: a person says so."""
    alerts = tuple(replace(one, ended_at=now) if one.number == number and one.ended_at is None else one for one in incident.alerts)
    if alerts == tuple(incident.alerts):
        return Change(incident)
    name = next(one.name for one in alerts if one.number == number)
    fires = sum(1 for one in alerts if one.ended_at is None)
    return _with(replace(incident, alerts=alerts), "incident.alert-ended", OWN, {"alert": number, "name": name, "still_firing": fires})


def acknowledged(incident: Incident, deed: Deed, actor: str) -> Change:
    """Somebody answers. A second answer is nothing new. Raises KeepwellError where it is resolved."""
    _require_open(incident)
    if incident.acknowledged is not None:
        return Change(incident)
    answered = _ended(replace(incident, acknowledged=deed), Kind.RESPOND, deed.at)
    after = deed.at - incident.opened_at
    return _with(answered, "incident.acknowledged", actor, {**_said(deed), "after_seconds": round(after.total_seconds(), 3)})


def noted(incident: Incident, deed: Deed, policy: Policy, actor: str) -> Change:
    """Word to those who wait: the clock for updates begins anew. What is resolved can be noted, too."""
    return _with(_updated(incident, policy, deed.at), "incident.noted", actor, _said(deed))


def mitigated(incident: Incident, deed: Deed, policy: Policy, actor: str) -> Change:
    """It hurts nobody any more. Who says so has answered, too. Raises KeepwellError where it is resolved."""
    change = acknowledged(incident, Deed(deed.by, deed.at), actor)
    if incident.mitigated is not None:
        return change
    return _then(
        change,
        lambda now_known: _with(_updated(replace(now_known, mitigated=deed), policy, deed.at), "incident.mitigated", actor, _said(deed)),
    )


def resolved(incident: Incident, deed: Deed, actor: str) -> Change:
    """It is over. Raises KeepwellError where it is already."""
    change = acknowledged(incident, Deed(deed.by, deed.at), actor)

    def end(now_known: Incident) -> Change:
        over = replace(now_known, mitigated=now_known.mitigated or Deed(deed.by, deed.at), resolved=deed)
        for kind in Kind:
            over = _ended(over, kind, deed.at)
        took = round((deed.at - incident.opened_at).total_seconds(), 3)
        return _with(over, "incident.resolved", actor, {**_said(deed), "after_seconds": took})

    return _then(change, end)


def reclassified(incident: Incident, severity: Severity, why: str, actor: str, now: datetime) -> Change:
    """It is more or less severe than was thought: what is still due is due as the other severity promises, since it was opened (updates:
    from now on). Raises KeepwellError where it is resolved."""
    _require_open(incident)
    if severity.name == incident.severity:
        return Change(incident)
    wanted = {clock.kind: clock for clock in clocks_of(severity, incident.opened_at)}
    wanted |= {clock.kind: _counting(clock, incident) for clock in clocks_of(severity, now) if clock.kind is Kind.UPDATE}
    kept = [clock for clock in incident.clocks if not clock.is_running]
    if incident.acknowledged is not None:
        wanted.pop(Kind.RESPOND, None)
    done = {clock.kind for clock in kept}
    clocks = (*kept, *(clock for kind, clock in wanted.items() if kind not in done))
    facts = {"before": incident.severity, "after": severity.name, "note": why}
    return _with(replace(incident, severity=severity.name, clocks=clocks), "incident.reclassified", actor, facts)


def _counting(clock: Clock, incident: Incident) -> Clock:
    """A clock that begins anew and goes on counting how often its kind was missed."""
    before = incident.clock(clock.kind)
    return replace(clock, misses=before.misses) if before is not None else clock


def became_part(incident: Incident, whole: int, deed: Deed, actor: str) -> Change:
    """It turned out to be part of another incident: its alerts are that one's from now on, and it is over. Raises KeepwellError where it
    was resolved before."""
    _require_open(incident)
    silent = Deed(deed.by, deed.at)
    part = replace(incident, acknowledged=incident.acknowledged or silent, mitigated=incident.mitigated or silent, resolved=deed, alerts=())
    for kind in Kind:
        part = _ended(part, kind, deed.at)
    return went_with(part, whole, deed, actor)


def went_with(incident: Incident, whole: int, deed: Deed, actor: str) -> Change:
    """What it was part of turned out to be part of another incident: so it is, too."""
    return _with(replace(incident, part_of=whole), "incident.became-part", actor, {"whole": whole, **_said(deed)})


def took(incident: Incident, part: Incident, policy: Policy, deed: Deed, actor: str) -> Change:
    """Another incident is part of this one: its alerts come, and where it was more severe, this one is so now. Raises KeepwellError where
    this one is resolved."""
    _require_open(incident)
    whole = replace(incident, alerts=(*incident.alerts, *part.alerts))
    change = _with(whole, "incident.took", actor, {"part": part.number, "title": part.title, **_said(deed)})
    severity = policy.severities.get(part.severity)
    if severity is not None and severity.rank < policy.rank(incident.severity):
        why = f"incident {part.number} is more severe"
        return _then(change, lambda taken: reclassified(taken, severity, why, actor, deed.at))
    return change


def passed(incident: Incident, now: datetime) -> Change:
    """Time has passed: what was due and is not done is missed."""
    change = Change(incident)
    for clock in incident.clocks:
        if clock.is_running and clock.missed_at is None and clock.due_at <= now:
            change = _then(change, lambda before, clock=clock: _missed(before, clock, now))  # type: ignore[misc]
    return change


def _missed(incident: Incident, clock: Clock, now: datetime) -> Change:
    missed = replace(clock, missed_at=clock.due_at, misses=clock.misses + 1)
    late = round((now - clock.due_at).total_seconds(), 3)
    return _with(
        _put(incident, missed), f"incident.{clock.kind.value}-missed", OWN, {"due": clock.due_at.isoformat(), "late_seconds": late}
    )


def _updated(incident: Incident, policy: Policy, at: datetime) -> Incident:
    clock, severity = incident.clock(Kind.UPDATE), policy.severities.get(incident.severity)
    if clock is None or not clock.is_running or severity is None or severity.update is None:
        return incident
    return _put(incident, replace(clock, due_at=at + severity.update, missed_at=None))


def _ended(incident: Incident, kind: Kind, at: datetime) -> Incident:
    clock = incident.clock(kind)
    if clock is None or not clock.is_running:
        return incident
    late = clock.missed_at is None and clock.due_at < at
    ended = replace(clock, ended_at=at, missed_at=clock.due_at if late else clock.missed_at, misses=clock.misses + int(late))
    return _put(incident, ended)


def _put(incident: Incident, clock: Clock) -> Incident:
    return replace(incident, clocks=tuple(clock if one.kind is clock.kind else one for one in incident.clocks))


def _require_open(incident: Incident) -> None:
    if incident.stage is Stage.RESOLVED:
        assert incident.resolved is not None
        so, hint = "resolved", "Add a note to it, or open another incident."
        if incident.part_of is not None:
            so, hint = f"part of incident {incident.part_of}", "Say it of that one."
        message = f"incident {incident.number} is {so} since {incident.resolved.at:%Y-%m-%d %H:%M} UTC"
        raise KeepwellError(Problem("incidents.resolved", message, hint))


def _said(deed: Deed) -> dict[str, object]:
    return {"by": deed.by, "note": deed.note}


def _with(incident: Incident, event: str, actor: str, facts: Mapping[str, object]) -> Change:
    return Change(incident, (NewEntry(actor, event, subject_of(incident.number), facts),))


def _then(change: Change, following: Callable[[Incident], Change]) -> Change:
    after = following(change.incident)
    return Change(after.incident, (*change.entries, *after.entries))
