"""What the HTTP API tells of rules, alerts and targets: whoever evaluates or scrapes them fills this in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class AlertShown:
    """One alert that is pending or firing. ``value`` is the expression's value."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: Literal["pending", "firing"]
    active_at: datetime
    value: float
    keep_firing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class RuleShown:
    """One rule. ``state`` and ``alerts`` are an alerting rule's; ``duration`` (its ``for``), ``keep_firing_for`` and ``evaluation_time``
    (of its newest evaluation) are seconds; ``error`` is that of its newest evaluation, empty where there was none."""

    kind: Literal["alerting", "recording"]
    name: str
    query: str
    labels: Mapping[str, str] = field(default_factory=dict)
    health: Literal["unknown", "ok", "err"] = "unknown"
    error: str = ""
    evaluation_time: float = 0.0
    last_evaluation: datetime | None = None
    duration: float = 0.0
    keep_firing_for: float = 0.0
    annotations: Mapping[str, str] = field(default_factory=dict)
    state: Literal["inactive", "pending", "firing"] = "inactive"
    alerts: Sequence[AlertShown] = ()


@dataclass(frozen=True, slots=True)
class RuleGroupShown:
    """One group of a rule file. ``interval`` and ``evaluation_time`` are seconds; a ``limit`` of 0 is none."""

    name: str
    file: str
    interval: float
    rules: Sequence[RuleShown]
    limit: int = 0
    evaluation_time: float = 0.0
    last_evaluation: datetime | None = None


@dataclass(frozen=True, slots=True)
class TargetShown:
    """One scraped target. ``interval``, ``timeout`` and ``duration`` are seconds; ``found`` are its labels before relabelling."""

    pool: str
    url: str
    labels: Mapping[str, str]
    found: Mapping[str, str]
    health: Literal["up", "down", "unknown"]
    interval: float
    timeout: float
    error: str = ""
    last_scrape: datetime | None = None
    duration: float = 0.0
