"""The life of one alert of a rule: what becomes of it after one look. Pure.

As in Prometheus (rules/alerting.go) a condition that holds is ``pending`` for its ``for``, then ``firing``, and fires on for
``keep_firing_for``. Beyond it: what cannot be judged (no data, an error) changes nothing; an alert whose recovery is not reached, or that
flaps, is held firing; a pending one whose condition cannot be judged waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from keepwell.ports.alerts import Active

from .model import Labels, Timing


class Verdict(Enum):
    """What one look says of an alert's condition."""

    HOLDS = "holds"
    OVER = "over"
    NOT_RECOVERED = "not recovered"
    """The condition does not hold, and the recovery is not reached either."""
    UNSURE = "unsure"
    """It cannot be judged: see ``Finding.doubt``."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found for one alert. ``since`` is when its condition began to hold, where that is known better than by this look;
    ``flapping`` whether it comes and goes too often."""

    verdict: Verdict
    labels: Labels
    annotations: Mapping[str, str] = field(default_factory=dict)
    value: float | None = None
    since: datetime | None = None
    doubt: str = ""
    flapping: bool = False
    memory: Mapping[str, object] = field(default_factory=dict)
    generator_url: str = ""


def after(timing: Timing, before: Active | None, found: Finding, now: datetime) -> Active | None:
    """The alert after that look; None where there is none, or no more."""
    if found.verdict is Verdict.HOLDS:
        return _holding(timing, before, found, now)
    if before is None:
        return None
    if found.verdict is Verdict.UNSURE:
        return replace(before, doubt=found.doubt)
    if before.state == "pending":
        return None
    kept = replace(before, doubt="", flapping=found.flapping, value=before.value if found.value is None else found.value)
    if found.verdict is Verdict.NOT_RECOVERED or found.flapping:
        return replace(kept, keep_firing_since=None)
    since = kept.keep_firing_since or now
    return replace(kept, keep_firing_since=since) if now - since < timing.keep_firing else None


def _holding(timing: Timing, before: Active | None, found: Finding, now: datetime) -> Active:
    since = before.active_since if before else min(now, found.since or now)
    alert = Active(
        labels=found.labels,
        annotations=found.annotations,
        state="pending",
        active_since=since,
        value=found.value,
        generator_url=found.generator_url,
        flapping=found.flapping,
        memory=found.memory,
    )
    if before is not None and before.state == "firing":
        return replace(alert, state="firing", firing_since=before.firing_since)
    return replace(alert, state="firing", firing_since=now) if now - since >= timing.hold else alert


def fires_at(timing: Timing, alert: Active) -> datetime | None:
    """When the alert changes by itself: a pending one fires, one that fires on ends. None: never, or what holds it is not time."""
    if alert.doubt:
        return None
    if alert.state == "pending":
        return alert.active_since + timing.hold
    return alert.keep_firing_since + timing.keep_firing if alert.keep_firing_since is not None else None
