"""What the figures that rules only name are measured by: the primary health check, where the manual has one. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

from keepwell.kernel.durations import parse_duration

from .entries import Entries
from .limits_in_words import metric_of

MEASURED_BY = "by looks at the primary health check; counters of the service's own say more, where it has some"
_FIGURE = re.compile(r"([^<>=!]+?)\s*[<>=!]")
_DAY = 86400


def figures_of(entries: Entries) -> dict[str, str]:
    """The section ``figures``: PromQL for the words of rules.

    Uptime is the share of the last day in which no look failed: a failed look stands for the time until the next one, and what was not
    looked at yet is no outage. The error rate is the share of looks of the last hour that failed.
    """
    health = entries.health()
    if health is None:
        return {}
    up = f"check_up{{check={json.dumps(health.name)}}}"
    every = parse_duration(health.every).total_seconds()
    failed = f"count_over_time({up}[1d]) - sum_over_time({up}[1d])"
    measured = {"availability": f"1 - ({failed}) * {every:g} / {_DAY}", "error rate": f"1 - avg_over_time({up}[1h])"}
    names = dict.fromkeys(name for rule in entries.rules.values() if (name := _figure(rule.value)))
    return {name: measured[metric_of(name)] for name in names if metric_of(name) in measured}


def _figure(rule: Mapping[str, Any]) -> str:
    """The figure that a rule names; empty where it has an expression of its own."""
    if "kpi" in rule:
        return str(rule["kpi"])
    found = _FIGURE.match(str(rule.get("when", "")))
    return found[1].strip() if found and "expr" not in rule else ""


def measure_objectives(entries: Entries) -> None:
    """Says of promised availability by which check it is measured, where nothing says it."""
    health = entries.health()
    for value, _ in entries.sections.get("objectives", {}).values():
        if health is not None and "availability" in value and not value.keys() & {"check", "target"}:
            value["check"] = health.name
