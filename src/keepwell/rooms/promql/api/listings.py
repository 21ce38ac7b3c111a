"""What is no query: rules, alerts, targets and the program itself, in the shapes of Prometheus' API."""

from collections.abc import Mapping, Sequence
from typing import Any

from keepwell import __version__
from keepwell.rooms.promql.shown import AlertShown, RuleGroupShown, RuleShown, TargetShown

from .parameters import Parameters, invalid
from .texts import moment, number

LANGUAGE = "3.5.0"
"""The Prometheus whose language and API this is; clients choose by it what they ask."""


def build() -> dict[str, str]:
    """``status/buildinfo``. The version is the one that clients look at; whose program it is stands beside it."""
    return {
        "version": LANGUAGE,
        "revision": "",
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
        "application": f"Keepwell {__version__}",
    }


def targets(shown: Sequence[TargetShown], dropped: Mapping[str, int], parameters: Parameters) -> dict[str, Any]:
    """``targets``. Which targets relabelling dropped is counted and not kept, so those are never listed."""
    state, pool = parameters.text("state").lower(), parameters.text("scrapePool")
    active = [_target(one) for one in shown if not pool or one.pool == pool] if state in ("", "any", "active") else []
    found: dict[str, Any] = {"activeTargets": active, "droppedTargets": []}
    if state in ("", "any", "dropped"):
        found["droppedTargetCounts"] = {name: count for name, count in dropped.items() if not pool or name == pool}
    return found


def _target(target: TargetShown) -> dict[str, Any]:
    return {
        "discoveredLabels": dict(target.found),
        "labels": dict(target.labels),
        "scrapePool": target.pool,
        "scrapeUrl": target.url,
        "globalUrl": target.url,
        "lastError": target.error,
        "lastScrape": moment(target.last_scrape),
        "lastScrapeDuration": target.duration,
        "health": target.health,
        "scrapeInterval": f"{target.interval:g}s",
        "scrapeTimeout": f"{target.timeout:g}s",
    }


def alerts(groups: Sequence[RuleGroupShown]) -> dict[str, Any]:
    """``alerts``: those that are pending or firing."""
    return {"alerts": [_alert(alert) for group in groups for rule in group.rules for alert in rule.alerts]}


def rules(groups: Sequence[RuleGroupShown], parameters: Parameters) -> dict[str, Any]:
    """``rules``, of one kind (``type``), of some names (``rule_name[]``, ``rule_group[]``, ``file[]``), or all. Raises BadQuery."""
    kind = parameters.text("type").lower()
    if kind not in ("", "alert", "record"):
        raise invalid("type", f'not supported value "{kind}"')
    kinds = {"": ("alerting", "recording"), "alert": ("alerting",), "record": ("recording",)}[kind]
    names, of_groups, files = (parameters.all(f"{name}[]") for name in ("rule_name", "rule_group", "file"))
    is_short = parameters.text("exclude_alerts").lower() in ("1", "t", "true")
    found = []
    for group in groups:
        if (of_groups and group.name not in of_groups) or (files and group.file not in files):
            continue
        chosen = [rule for rule in group.rules if rule.kind in kinds and (not names or rule.name in names)]
        if chosen:
            found.append(_group(group, [_rule(rule, is_short) for rule in chosen]))
    return {"groups": found}


def _group(group: RuleGroupShown, rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "name": group.name,
        "file": group.file,
        "rules": list(rules),
        "interval": group.interval,
        "limit": group.limit,
        "evaluationTime": group.evaluation_time,
        "lastEvaluation": moment(group.last_evaluation),
    }


def _rule(rule: RuleShown, is_short: bool) -> dict[str, Any]:
    shared = {
        "name": rule.name,
        "query": rule.query,
        "labels": dict(rule.labels),
        "health": rule.health,
        **({"lastError": rule.error} if rule.error else {}),
        "evaluationTime": rule.evaluation_time,
        "lastEvaluation": moment(rule.last_evaluation),
        "type": rule.kind,
    }
    if rule.kind == "recording":
        return shared if rule.labels else {key: value for key, value in shared.items() if key != "labels"}
    return {
        "state": rule.state,
        **shared,
        "duration": rule.duration,
        "keepFiringFor": rule.keep_firing_for,
        "annotations": dict(rule.annotations),
        "alerts": [] if is_short else [_alert(alert) for alert in rule.alerts],
    }


def _alert(alert: AlertShown) -> dict[str, Any]:
    since = {"keepFiringSince": moment(alert.keep_firing_since)} if alert.keep_firing_since is not None else {}
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "state": alert.state,
        "activeAt": moment(alert.active_at),
        **since,
        "value": _scientific(alert.value),
    }


def _scientific(value: float) -> str:
    """As Go's ``%e`` with the shortest digits: ``1e+00``."""
    text = number(value)
    if text[-1:] in ("f", "N"):
        return text
    digits = f"{value:.17e}"
    for precision in range(17):
        digits = f"{value:.{precision}e}"
        if float(digits) == value:
            break
    return digits
