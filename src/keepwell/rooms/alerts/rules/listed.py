"""Rules as they are listed, for programs and people. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from keepwell.kernel.comparisons import describe
from keepwell.kernel.durations import format_duration
from keepwell.ports.alerts import Active

from .model import CheckRule, MeasuredRule
from .work.measured import Running


def listed_measured(rule: MeasuredRule, running: Running | None, known: Sequence[Active]) -> dict[str, Any]:
    """A rule over samples, and what its newest evaluation gave."""
    state, why = _state(rule, running, known)
    measured = running.measured if running is not None else None
    unit = rule.limit.unit if rule.limit is not None else None
    return {
        "group": rule.group,
        "name": rule.face.name,
        "severity": rule.face.labels.get("severity", ""),
        "kind": "measured",
        "condition": f"{rule.face.said} {rule.limit}" if rule.face.said and rule.limit is not None else rule.text or rule.face.said,
        "expression": rule.text,
        "for": format_duration(rule.timing.hold),
        "every": format_duration(rule.every),
        "state": state,
        "why": why,
        "waits_for": rule.waits_for or None,
        "overridden": rule.is_overridden,
        "threshold": rule.limit.bound if rule.limit is not None else None,
        "measured": [describe(point.value, unit) if unit is not None else f"{point.value:g}" for point in measured or ()][:10],
        "series": len(measured) if measured is not None else None,
        "alerts": len([alert for alert in known if "rule" not in alert.labels]),
        "evaluated_at": running.evaluated_at if running is not None else None,
        "seconds": round(running.seconds, 6) if running is not None else None,
    }


def listed_check(rule: CheckRule, known: Callable[[str], Sequence[Active]], checks: Iterable[str]) -> dict[str, Any]:
    """A rule over checks, with how many alerts it has. ``checks`` are those that it is about."""
    names = list(checks)
    alerts = [alert for name in names for alert in known(f"checks/{name}") if alert.memory.get("rule") == rule.key]
    firing = [alert for alert in alerts if alert.state == "firing"]
    return {
        "group": rule.group,
        "name": rule.key,
        "severity": rule.face.labels.get("severity", ""),
        "kind": "check",
        "condition": f"{'every check' if rule.check == '*' else rule.check} is {' or '.join(sorted(rule.states, reverse=True))}",
        "for": format_duration(rule.timing.hold),
        "state": "off" if not rule.enabled else "firing" if firing else "pending" if alerts else "inactive",
        "why": "",
        "checks": len(names),
        "alerts": len(alerts),
    }


def _state(rule: MeasuredRule, running: Running | None, known: Sequence[Active]) -> tuple[str, str]:
    """One word, and why where that is not plain: off, waiting, error, no data, firing, pending, inactive."""
    if not rule.enabled:
        return "off", "enabled is false"
    if rule.waits_for:
        return "waiting", f"figures does not say what {rule.waits_for} measures"
    states = {alert.state for alert in known if "rule" not in alert.labels}
    state = "firing" if "firing" in states else "pending" if states else "inactive"
    if running is None or running.evaluated_at is None:
        return (state if states else "unknown"), "not evaluated yet"
    if running.error:
        return "error", running.error
    if running.measured is not None and not running.measured:
        return "no data", f"{rule.face.said or rule.measured} gives no series"
    return state, ""
