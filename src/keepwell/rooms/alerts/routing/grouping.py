"""When a group tells of its alerts, and of which (alertmanager: dispatch/dispatch.go, notify/notify.go DedupStage and RetryStage).

Where it differs from Alertmanager: the end of an alert that was told of is told after a silence, an inhibition or a time interval that
hides it, and does not get lost; acknowledged alerts are not repeated.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keepwell.kernel.durations import format_duration
from keepwell.rooms.alerts.model import Alert, Group, Labels, State, Told

from .model import Flush, Route


def opened(route: Route, key: str, digest: str, labels: Labels, alert: Alert, now: datetime) -> Group:
    """A new group for its first alert: it waits ``group_wait``, unless the alert has fired for longer than that already."""
    next_at = now if _waited(route, alert, now) else now + route.group_wait
    return Group(key, digest, route.path, route.receiver, labels, next_at)


def joined(group: Group, route: Route, alert: Alert, now: datetime) -> Group:
    """The group after an alert came to it: before its first notice, one that has fired for longer than ``group_wait`` waits no more."""
    if group.flushed or group.next_at <= now or not _waited(route, alert, now):
        return group
    return replace(group, next_at=now)


def due(
    group: Group,
    route: Route,
    alerts: Sequence[Alert],
    muted: Callable[[Alert], str],
    sends_resolved: bool,
    now: datetime,
) -> Flush:
    """A look at a group whose time has come. ``muted`` says what keeps an alert from being told of (a silence, another alert, the route's
    time intervals), empty where nothing does; ``sends_resolved`` whether the receiver wants to hear of ends."""
    current = _current(alerts)
    why = {alert.fingerprint: muted(alert) for alert in current}
    heard = sorted((alert for alert in current if not why[alert.fingerprint]), key=_order)
    hidden = frozenset(alert.fingerprint for alert in current if why[alert.fingerprint])
    seen = _Seen(
        firing=frozenset(alert.fingerprint for alert in heard if alert.state is State.FIRING),
        resolved=frozenset(alert.fingerprint for alert in heard if alert.state is State.RESOLVED),
        acknowledged=all(_is_acknowledged(alert, now) for alert in heard if alert.state is State.FIRING),
    )
    moment = _moment(group, route, now)
    verdict = _verdict(group.told, seen, route.repeat_interval, moment, sends_resolved) if heard else _unheard(current, why)
    told = Told(moment, seen.firing, seen.resolved, _known(group.told) & hidden) if verdict.tells else group.told
    after = replace(group, next_at=moment + route.group_interval, flushed=True, told=told)
    untold = _known(group.told) & hidden if sends_resolved else frozenset()
    # An alert stays while it fires, and while somebody was told that it fires and cannot be told yet that it ended.
    staying = {alert.number for alert in alerts if alert.state is State.FIRING}
    staying |= {alert.number for alert in current if alert.fingerprint in untold}
    leaving = frozenset(alert.number for alert in alerts) - staying
    telling = [alert for alert in heard if sends_resolved or alert.state is State.FIRING] if verdict.tells else []
    return Flush(after, telling, verdict.reason, verdict.is_new, leaving)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What nothing mutes: fingerprints by state, and whether somebody knows of everything that fires."""

    firing: frozenset[str]
    resolved: frozenset[str]
    acknowledged: bool


@dataclass(frozen=True, slots=True)
class _Verdict:
    tells: bool
    reason: str
    is_new: bool = False


def _verdict(told: Told | None, seen: _Seen, repeat: timedelta, now: datetime, sends_resolved: bool) -> _Verdict:
    new = seen.firing - (told.firing if told else frozenset())
    if new:
        return _Verdict(True, f"{_count(new)} began to fire" + (" since the last notice" if told else ""), True)
    if told is None:
        return _Verdict(False, "all of it ended before anybody was told")
    if not seen.firing:
        if _known(told) & seen.resolved:
            return _Verdict(True, "nothing fires any more")
        return _Verdict(False, "what ended is nothing that anybody was told of")
    ended = seen.resolved - told.resolved
    if ended and sends_resolved:
        return _Verdict(True, f"{_count(ended)} ended, {len(seen.firing)} still firing")
    if now - told.at < repeat:
        return _Verdict(False, "nothing changed since the last notice")
    if seen.acknowledged:
        return _Verdict(False, "everything that fires is acknowledged")
    return _Verdict(True, f"still firing {format_duration(now - told.at)} after the last notice")


def _unheard(current: Sequence[Alert], why: Mapping[str, str]) -> _Verdict:
    if not current:
        return _Verdict(False, "the group is empty")
    return _Verdict(False, f"{_count(current)} muted: {why[current[0].fingerprint]}")


def _count(alerts: Collection[object]) -> str:
    return f"{len(alerts)} alert{'s' * (len(alerts) != 1)}"


def _current(alerts: Sequence[Alert]) -> Sequence[Alert]:
    """The newest episode of each alert that fired; of one that several sources tell of, one that still fires."""
    newest: dict[str, Alert] = {}
    for alert in sorted(alerts, key=lambda alert: (alert.state is State.FIRING, alert.number)):
        if alert.state is not State.PENDING:
            newest[alert.fingerprint] = alert
    return list(newest.values())


def _known(told: Told | None) -> frozenset[str]:
    """What somebody was told of as firing, and of whose end nobody was told."""
    return told.firing | told.hidden if told else frozenset()


def _moment(group: Group, route: Route, now: datetime) -> datetime:
    """The instant of the group's own grid that this look is for. What is late by some milliseconds must not move a repeat by a whole
    ``group_interval``."""
    if now <= group.next_at:
        return now
    return group.next_at + (now - group.next_at) // route.group_interval * route.group_interval


def _waited(route: Route, alert: Alert, now: datetime) -> bool:
    return alert.firing_since is not None and alert.firing_since + route.group_wait < now


def _is_acknowledged(alert: Alert, now: datetime) -> bool:
    known = alert.acknowledged
    return known is not None and (known.until is None or now < known.until)


def _order(alert: Alert) -> tuple[object, ...]:
    """By the labels job and instance, where there are, then by all labels (types.AlertSlice)."""
    job, instance = alert.labels.get("job"), alert.labels.get("instance")
    return job is None, job or "", instance is None, instance or "", len(alert.labels), sorted(alert.labels.items())
