"""Running groups as the HTTP API tells of them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from keepwell.rooms.promql.shown import AlertShown, RuleGroupShown, RuleShown

from .alerts import Alert
from .evaluation import RunningGroup, RunningRule
from .model import Alerting
from .timing import USUAL

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def shown_groups(groups: Iterable[RunningGroup]) -> Sequence[RuleGroupShown]:
    """All groups."""
    return [
        RuleGroupShown(
            name=running.group.name,
            file=running.group.file,
            interval=(running.group.interval or USUAL) / 1000,
            rules=[_rule(rule) for rule in running.rules],
            limit=running.group.limit,
            evaluation_time=running.seconds,
            last_evaluation=_moment(running.evaluated_at),
        )
        for running in groups
    ]


def _rule(running: RunningRule) -> RuleShown:
    rule = running.rule
    is_alert = isinstance(rule, Alerting)
    alerts = [_alert(alert) for alert in running.active.values() if alert.state != "inactive"]
    states = {alert.state for alert in alerts}
    return RuleShown(
        kind="alerting" if is_alert else "recording",
        name=rule.name,
        query=rule.expression,
        labels=rule.labels,
        health=running.health,
        error=running.error,
        evaluation_time=running.seconds,
        last_evaluation=_moment(running.evaluated_at),
        duration=rule.hold / 1000 if isinstance(rule, Alerting) else 0.0,
        keep_firing_for=rule.keep_firing / 1000 if isinstance(rule, Alerting) else 0.0,
        annotations=rule.annotations if isinstance(rule, Alerting) else {},
        state="firing" if "firing" in states else "pending" if states else "inactive",
        alerts=alerts,
    )


def _alert(alert: Alert) -> AlertShown:
    since = _moment(alert.keep_firing_since)
    active_at = _EPOCH + timedelta(milliseconds=alert.active_at)
    return AlertShown(alert.labels, alert.annotations, "firing" if alert.state == "firing" else "pending", active_at, alert.value, since)


def _moment(at: int | None) -> datetime | None:
    return None if at is None else _EPOCH + timedelta(milliseconds=at)
