"""Routes, inhibition rules and time intervals, as sections of keepwell.yaml."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from keepwell.kernel.durations import format_duration
from keepwell.rooms.alerts.model import Matcher

from .names import Names
from .reading import Part
from .values import equal_matcher, pattern_matcher

Ours = Mapping[str, Sequence[str] | None]
"""The receivers that stand for each of Alertmanager's; without a value none can."""

_DURATIONS = ("group_wait", "group_interval", "repeat_interval")


def route(part: Part, receivers: Ours, intervals: Mapping[str, str], *, is_root: bool = True) -> dict[str, Any]:
    """A route and all below it. Where Keepwell can have nothing of its receiver, those of the route above are told, and at the root all:
    rather somebody else than nobody."""
    made: dict[str, Any] = {}
    told = receivers.get(part.text("receiver"))
    if told is not None:
        made["receiver"] = told[0] if len(told) == 1 else list(told)
    # An empty list says nothing: the route groups as the one above does.
    if is_root or part.all("group_by"):
        made["group_by"] = list(dict.fromkeys(part.all("group_by")))
    made |= {key: _duration(part.get(key)) for key in _DURATIONS if isinstance(part.get(key), timedelta)}
    matchers = _matchers(part, "match", "match_re", "matchers")
    if matchers:
        made["matchers"] = matchers
    if part.get("continue"):
        made["continue"] = True
    for key in ("mute_time_intervals", "active_time_intervals"):
        if part.all(key):
            made[key] = [intervals[name] for name in part.all(key)]
    if part.all("routes"):
        made["routes"] = [route(child, receivers, intervals, is_root=False) for child in part.all("routes")]
    return made


def inhibit_rule(part: Part) -> dict[str, Any]:
    """One inhibition rule."""
    made: dict[str, Any] = {
        "source_matchers": _matchers(part, "source_match", "source_match_re", "source_matchers"),
        "target_matchers": _matchers(part, "target_match", "target_match_re", "target_matchers"),
        "equal": list(part.all("equal")),
    }
    return {key: value for key, value in made.items() if value}


def interval_names(part: Part) -> dict[str, str]:
    """What the time intervals are called here."""
    names = Names()
    return {one.text("name"): names.of(one.text("name")) for one in intervals_in(part)}


def intervals_in(part: Part) -> list[Part]:
    """The named time intervals, those of the older key first."""
    return [one for key in ("mute_time_intervals", "time_intervals") for one in part.all(key)]


def interval(part: Part) -> dict[str, Any]:
    """One time interval. The zone of a machine is unknown to the file: ``Local`` becomes UTC."""
    made: dict[str, Any] = {}
    if part.all("times"):
        made["times"] = [{"start_time": one.text("start_time"), "end_time": one.text("end_time")} for one in part.all("times")]
    made |= {key: list(part.all(key)) for key in ("weekdays", "days_of_month", "months", "years") if part.all(key)}
    if part.text("location") not in ("", "Local"):
        made["location"] = part.text("location")
    return made


def _matchers(part: Part, equal: str, regular: str, written: str) -> list[str]:
    found: list[Matcher] = [equal_matcher(label, value) for label, value in part.get(equal, {}).items()]
    found += [pattern_matcher(label, value) for label, value in part.get(regular, {}).items()]
    found += [matcher for matchers in part.all(written) for matcher in matchers]
    return [str(matcher) for matcher in sorted(found, key=lambda one: (one.label, one.value, one.operator))]


def _duration(value: timedelta) -> str:
    return format_duration(value)
