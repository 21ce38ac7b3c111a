"""Alerts of rule files as they are told to whoever keeps alerts, and how a rule goes on firing after a restart.

Prometheus tells Alertmanager again and again of what fires, and forgets it when it stops. Here whoever keeps alerts is told all that a
group holds for active: what is not named any more has ended.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from keepwell.ports.alerts import Active, Known, Tell
from keepwell.rooms.promql.labels import Labels
from keepwell.rooms.promql.templates.rule_texts import Outside

from .alerts import Alert
from .evaluation import RunningGroup, RunningRule
from .model import Alerting, Group

PREFIX = "rule_files/"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RULE, _LABELS = "rule", "labels"


@dataclass(frozen=True, slots=True)
class Outward:
    """Whoever keeps alerts: is told, tells what was told before, and ends what comes from groups that are no more."""

    tell: Tell
    known: Known
    retire: Callable[[Callable[[str], bool]], Awaitable[None]]


def source_of(group: Group, directory: str) -> str:
    """As what a group tells of alerts: by its file below the operations directory, and its name."""
    return f"{PREFIX}{group.file.removeprefix(directory).lstrip('/')};{group.name}"


def active_of(running: RunningGroup, known: Sequence[Active], is_settled: bool) -> list[Active]:
    """All that the group holds for active. What was ``known`` and is not named stays while that cannot be told: where its rule gives no
    value, and until the group is settled after a start, because by then all that it needs has been measured again."""
    rules = [rule for rule in running.rules if isinstance(rule.rule, Alerting)]
    active = [_active(rule, alert, running.outside) for rule in rules for alert in rule.active.values() if alert.state != "inactive"]
    named = {tuple(sorted(alert.labels.items())) for alert in active}
    faults = {_identity(rule): rule.error for rule in rules if rule.error}
    for alert in known:
        fault = faults.get(str(alert.memory.get(_RULE)), "")
        if (fault or not is_settled) and tuple(sorted(alert.labels.items())) not in named:
            active.append(alert)
    return active


def seed(running: RunningGroup, known: Sequence[Active]) -> None:
    """After a start: what fired goes on firing, so that it is the same alert still."""
    by_rule = {_identity(rule): rule for rule in running.rules if isinstance(rule.rule, Alerting)}
    for alert in known:
        rule, labels = by_rule.get(str(alert.memory.get(_RULE))), alert.memory.get(_LABELS)
        if rule is not None and isinstance(labels, Mapping) and alert.state == "firing":
            own = Labels({str(name): str(value) for name, value in labels.items()})
            rule.active = {**rule.active, own.key: _alert(alert, own)}


def _active(rule: RunningRule, alert: Alert, outside: Outside) -> Active:
    return Active(
        labels={**outside.labels, **alert.labels},
        annotations=alert.annotations,
        state="firing" if alert.state == "firing" else "pending",
        active_since=_instant(alert.active_at),
        firing_since=_instant(alert.fired_at) if alert.fired_at is not None else None,
        keep_firing_since=_instant(alert.keep_firing_since) if alert.keep_firing_since is not None else None,
        value=alert.value,
        generator_url=f"{outside.url}/prometheus/api/v1/query?query={quote(rule.rule.expression)}" if outside.url else "",
        doubt=f"the rule gives no value: {rule.error}" if rule.error else "",
        memory={_RULE: _identity(rule), _LABELS: dict(alert.labels)},
    )


def _alert(active: Active, labels: Labels) -> Alert:
    since = active.active_since
    return Alert(
        labels,
        active.annotations,
        active.value if active.value is not None else float("nan"),
        _milliseconds(since),
        "firing",
        _milliseconds(active.firing_since or since),
        keep_firing_since=_milliseconds(active.keep_firing_since) if active.keep_firing_since is not None else None,
    )


def _identity(rule: RunningRule) -> str:
    return json.dumps([rule.rule.name, dict(rule.rule.labels)], sort_keys=True, ensure_ascii=False)


def sources(groups: Iterable[Group], directory: str) -> frozenset[str]:
    """As what these groups tell of alerts."""
    return frozenset(source_of(group, directory) for group in groups)


def _instant(at: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at)


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
