"""The routing in force as Alertmanager's configuration has it, for clients that read it (``amtool config``, Grafana). Pure.

Receivers are named and nothing more: what they are made of holds secrets.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import yaml

from keepwell.kernel.durations import format_duration
from keepwell.kernel.windows import Window
from keepwell.rooms.alerts.model import Matcher
from keepwell.rooms.alerts.routing.model import InhibitRule, Interval, Route, Routing, Span, TimeInterval

NOBODY = "keepwell/nobody"
"""The receiver of a route that has none, which Alertmanager has not."""

_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


def configuration(routing: Routing, receivers: Sequence[str], lasting: timedelta) -> str:
    """The YAML. Several receivers of one route are one there, their names joined. What cannot be said in Alertmanager's words: a window of
    the section ``windows`` is a time interval without times, and a rule of inhibition by all labels but some is left out."""
    names = list(dict.fromkeys((*receivers, *map(_receiver, routing.root.all()))))
    content = {
        "global": {"resolve_timeout": _duration(lasting)},
        "route": _route(routing.root),
        "inhibit_rules": [_rule(rule) for rule in routing.inhibit_rules if not rule.but],
        "receivers": [{"name": name} for name in names],
        "time_intervals": [_interval(name, interval) for name, interval in routing.intervals.items()],
    }
    return yaml.safe_dump(_filled(content), sort_keys=False, allow_unicode=True, width=140)


def _filled(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Without what says nothing."""
    return {key: value for key, value in entry.items() if value not in ("", [], None, False)}


def _receiver(route: Route) -> str:
    return ",".join(route.receivers) or NOBODY


def _route(route: Route) -> dict[str, Any]:
    entry = {
        "matchers": _matchers(route.matchers),
        "continue": route.goes_on,
        "group_wait": _duration(route.group_wait),
        "group_interval": _duration(route.group_interval),
        "repeat_interval": _duration(route.repeat_interval),
        "mute_time_intervals": list(route.mute_time_intervals),
        "active_time_intervals": list(route.active_time_intervals),
        "routes": [_route(child) for child in route.routes],
    }
    group_by = ["..."] if route.group_by is None else list(route.group_by)
    return {"receiver": _receiver(route), "group_by": group_by, **_filled(entry)}


def _duration(duration: timedelta) -> str:
    """As Prometheus reads it, which knows no decimals: ``1s500ms``."""
    whole, rest = divmod(duration, timedelta(seconds=1))
    milliseconds = f"{rest // timedelta(milliseconds=1)}ms" if rest else ""
    return (format_duration(timedelta(seconds=whole)) if whole or not rest else "") + milliseconds


def _rule(rule: InhibitRule) -> dict[str, Any]:
    return _filled(
        {"source_matchers": _matchers(rule.source), "target_matchers": _matchers(rule.target), "equal": list(rule.equal)},
    )


def _matchers(matchers: Sequence[Matcher]) -> list[str]:
    return [str(matcher) for matcher in matchers]


def _interval(name: str, interval: Interval) -> dict[str, Any]:
    return {"name": name, "time_intervals": [] if isinstance(interval, Window) else [_times(one) for one in interval]}


def _times(interval: TimeInterval) -> dict[str, Any]:
    zone = interval.zone.key
    return _filled(
        {
            "times": [{"start_time": _minute(span.first), "end_time": _minute(span.last)} for span in interval.times],
            "weekdays": _spans(interval.weekdays, lambda day: _WEEKDAYS[day]),
            "days_of_month": _spans(interval.days_of_month, str),
            "months": _spans(interval.months, str),
            "years": _spans(interval.years, str),
            "location": "" if zone == "UTC" else zone,
        }
    )


def _minute(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _spans(spans: Sequence[Span], written: Callable[[int], str]) -> list[str]:
    return [written(span.first) if span.first == span.last else f"{written(span.first)}:{written(span.last)}" for span in spans]
