"""What one evaluation of a rule over samples means for its alerts. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from keepwell.ports.alerts import Active
from keepwell.rooms.alerts.model import ALERT_NAME, SEVERITY

from .flapping import ALWAYS, flaps, looked
from .life import Finding, Verdict, after
from .model import WARNING, Labels, MeasuredRule, Point, Timing

NO_DATA, RULE_ERROR = "NoData", "RuleError"
RULE = "rule"
"""The label of these two that names the rule."""

SERIES = "series"
"""Where an alert's memory has the labels of the series that it came from."""

FRESH = timedelta(hours=1)
"""How long nobody may have looked, so that an alert that was pending goes on waiting from where it was (Prometheus:
``--rules.alert.for-outage-tolerance``)."""

Key = tuple[tuple[str, str], ...]
Histories = Mapping[Key, int]
"""By series: whether the condition held in the last looks, see ``flapping``."""


@dataclass(frozen=True, slots=True)
class Held:
    """A series whose condition holds: what was measured, and the labels and annotations of its alert."""

    point: Point
    labels: Labels
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Facts:
    """What one evaluation gave. ``measured`` are all series of the side that is measured (None where the rule has none, or nobody needs to
    know), ``recovered`` those of the recovery's expression. ``error`` says why there is none of it."""

    held: Sequence[Held] = ()
    measured: Sequence[Point] | None = None
    recovered: Sequence[Point] = ()
    error: str = ""
    generator_url: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rule's source holds for active now, and how often its conditions came and went."""

    active: Sequence[Active]
    histories: Histories = field(default_factory=dict)


def key_of(labels: Labels) -> Key:
    """Labels as they are compared."""
    return tuple(sorted(labels.items()))


def judged(rule: MeasuredRule, known: Sequence[Active], facts: Facts, histories: Histories, now: datetime) -> Judged:
    """The rule's alerts after an evaluation, from those that its source held for active before."""
    before = {key_of(alert.labels): alert for alert in known}
    own = {key: before.pop(key, None) for key in (key_of(_about(rule, name)) for name in (NO_DATA, RULE_ERROR))}
    histories = histories if facts.error else _looked(histories, facts.held, before.values())
    found = {key_of(held.labels): _holds(held, histories, before.get(key_of(held.labels)), facts.generator_url) for held in facts.held}
    for key, alert in before.items():
        if key not in found:
            found[key] = _left(rule, alert, facts, histories)
    alerts = [after(rule.timing, before.get(key), finding, now) for key, finding in found.items()]
    alerts += [after(Timing(rule.no_data_for), own[key_of(one.labels)], one, now) for one in _of_the_rule(rule, facts)]
    return Judged([alert for alert in alerts if alert is not None], histories)


def resumed(known: Sequence[Active], away: timedelta, now: datetime) -> Sequence[Active]:
    """What was active before nobody looked for so long: that time does not count as waited (prometheus/rules/group.go,
    RestoreForState)."""
    return [
        replace(alert, active_since=now if away >= FRESH else min(now, alert.active_since + away)) if alert.state == "pending" else alert
        for alert in known
    ]


def summary(rule: MeasuredRule, point: Point) -> str:
    """One sentence for people, where the rule has none."""
    where = ", ".join(f"{name} {value}" for name, value in sorted(point.labels.items()))
    value = rule.limit.describe(point.value) if rule.limit is not None else f"{point.value:g}"
    limit = f"; {rule.limit} is a reason to tell" if rule.limit is not None else ""
    return f"{_what(rule)} is {value}{limit}" + (f" ({where})" if where else "")


def _what(rule: MeasuredRule) -> str:
    return rule.face.said or rule.measured or rule.text


# --- series that were active before ------------------------------------------------------------------------------------------------


def _looked(histories: Histories, held: Sequence[Held], before: Any) -> dict[Key, int]:
    holding = {key_of(one.point.labels) for one in held}
    active = {key_of(_series(alert)) for alert in before}
    looks = {key: looked(histories.get(key, ALWAYS * (key in active)), key in holding) for key in {*histories, *holding, *active}}
    return {key: bits for key, bits in looks.items() if bits}


def _series(alert: Active) -> Labels:
    series = alert.memory.get(SERIES)
    return {str(name): str(value) for name, value in series.items()} if isinstance(series, Mapping) else {}


def _holds(held: Held, histories: Histories, before: Active | None, generator_url: str) -> Finding:
    return Finding(
        Verdict.HOLDS,
        held.labels,
        held.annotations,
        held.point.value,
        flapping=flaps(histories.get(key_of(held.point.labels), 0), before is not None and before.flapping),
        memory={SERIES: dict(held.point.labels)},
        generator_url=generator_url,
    )


def _left(rule: MeasuredRule, alert: Active, facts: Facts, histories: Histories) -> Finding:
    """What became of an alert whose condition does not hold."""
    series = _series(alert)
    if facts.error:
        return Finding(Verdict.UNSURE, alert.labels, doubt=f"the rule cannot be evaluated: {facts.error}")
    point = _measured(series, facts.measured)
    if facts.measured is not None and point is None:
        return Finding(Verdict.UNSURE, alert.labels, doubt=f"no data: {_what(rule)} gives nothing to compare")
    flapping = flaps(histories.get(key_of(series), 0), alert.flapping)
    verdict = Verdict.OVER if _is_recovered(rule, series, point, facts) else Verdict.NOT_RECOVERED
    return Finding(verdict, alert.labels, value=point.value if point is not None else None, flapping=flapping)


def _measured(series: Labels, points: Sequence[Point] | None) -> Point | None:
    """The series itself, or the first that has all its labels: an operator may have left some out."""
    fitting = [point for point in points or () if series.items() <= point.labels.items()]
    return next((point for point in fitting if len(point.labels) == len(series)), fitting[0] if fitting else None)


def _is_recovered(rule: MeasuredRule, series: Labels, point: Point | None, facts: Facts) -> bool:
    if rule.recovery is None:
        return True
    if rule.recovery.limit is not None:
        return point is not None and rule.recovery.limit.holds(point.value)
    # Labels that only one side has say nothing against it: sum(errors) recovers what one instance began, and the other way round.
    return any(all(one.labels.get(name, value) == value for name, value in series.items()) for one in facts.recovered)


# --- alerts about the rule itself ----------------------------------------------------------------------------------------------------


def _about(rule: MeasuredRule, name: str) -> Labels:
    plain = {key: value for key, value in rule.face.labels.items() if value and "{{" not in value}
    return {SEVERITY: WARNING, **plain, ALERT_NAME: name, RULE: rule.face.name}


def _of_the_rule(rule: MeasuredRule, facts: Facts) -> Iterator[Finding]:
    """Whether there is nothing to compare, and whether it cannot be evaluated."""
    unsure = Verdict.UNSURE if facts.error else Verdict.OVER
    nothing = not facts.error and facts.measured is not None and not facts.measured
    text = f"{rule.face.name} has nothing to compare: {_what(rule)} gives no series"
    yield Finding(
        Verdict.HOLDS if nothing else unsure, _about(rule, NO_DATA), {"summary": text}, doubt=facts.error, generator_url=facts.generator_url
    )
    text = f"{rule.face.name} cannot be evaluated: {facts.error}"
    yield Finding(Verdict.HOLDS if facts.error else Verdict.OVER, _about(rule, RULE_ERROR), {"summary": text})
