"""The life of an alert while its rule is evaluated. Pure; the rules are Prometheus' (prometheus/rules/alerting.go, group.go).

All instants and spans are milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from keepwell.ports.samples import NAME
from keepwell.rooms.promql.labels import Key, Labels

from .model import Alerting

State = Literal["inactive", "pending", "firing"]

KEPT_RESOLVED = 15 * 60_000
"""How long an alert that ended is remembered, so that whoever was told of it is told of the end."""
OUTAGE = 3_600_000
"""How old the newest state may be from which a restart goes on."""
GRACE = 600_000
"""How long after a restart an alert waits at least before it fires again."""

ALERTS, FOR_STATE = "ALERTS", "ALERTS_FOR_STATE"


@dataclass(frozen=True, slots=True)
class Alert:
    """One series of an alerting rule: since when it is active, and what became of it."""

    labels: Labels
    annotations: Mapping[str, str]
    value: float
    active_at: int
    state: State = "pending"
    fired_at: int | None = None
    resolved_at: int | None = None
    keep_firing_since: int | None = None


def advance(rule: Alerting, active: Mapping[Key, Alert], seen: Mapping[Key, Alert], at: int) -> dict[Key, Alert]:
    """The rule's alerts after an evaluation at ``at`` that has ``seen`` these (as new ones)."""
    after: dict[Key, Alert] = {}
    for key, new in seen.items():
        old = active.get(key)
        alert = new
        if old is not None and old.state != "inactive":
            alert = replace(old, value=new.value, annotations=new.annotations, keep_firing_since=None)
        after[key] = _ripened(rule, alert, at)
    for key, old in active.items():
        if key not in seen:
            left = _unseen(rule, old, at)
            if left is not None:
                after[key] = left
    return after


def _ripened(rule: Alerting, alert: Alert, at: int) -> Alert:
    if alert.state == "pending" and at - alert.active_at >= rule.hold:
        return replace(alert, state="firing", fired_at=at)
    return alert


def _unseen(rule: Alerting, alert: Alert, at: int) -> Alert | None:
    if alert.state == "firing" and rule.keep_firing:
        since = at if alert.keep_firing_since is None else alert.keep_firing_since
        alert = replace(alert, keep_firing_since=since)
        if at - since < rule.keep_firing:
            return alert
    if alert.state == "pending" or (alert.resolved_at is not None and at - alert.resolved_at > KEPT_RESOLVED):
        return None
    return alert if alert.state == "inactive" else replace(alert, state="inactive", resolved_at=at)


def series_of(alert: Alert) -> tuple[tuple[Labels, float], ...]:
    """The samples that show an alert: ``ALERTS`` is 1, ``ALERTS_FOR_STATE`` since when it is active, in seconds. Their staleness marks its
    end."""
    shown = Labels({**alert.labels, NAME: ALERTS, "alertstate": alert.state})
    since = Labels({**alert.labels, NAME: FOR_STATE})
    return ((shown, 1.0), (since, float(alert.active_at // 1000)))


def goes_on(rule: Alerting, alert: Alert, newest: tuple[int, float], now: int) -> Alert:
    """The alert after a restart, from the newest sample (instant, value) of its ``ALERTS_FOR_STATE``: time that nobody looked does not
    count as waited, and what would fire soon waits for ``GRACE`` first."""
    down_at, active_at = newest[0], int(newest[1]) * 1000
    remaining = rule.hold - (down_at - active_at)
    if remaining > 0:
        active_at = now + GRACE - rule.hold if remaining < GRACE else active_at + now - down_at
    return replace(alert, active_at=active_at)
