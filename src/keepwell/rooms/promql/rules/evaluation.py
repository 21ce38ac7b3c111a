"""Groups evaluated: rules in turn, their results written, and what ended marked stale (prometheus/rules/group.go)."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from keepwell.kernel.problems import KeepwellError
from keepwell.ports.samples import NAME
from keepwell.rooms.promql.labels import Key, Labels
from keepwell.rooms.promql.model import LOOK_BACK, ExecutionError, InstantVector, Matrix, Point, Result, Scalar
from keepwell.rooms.promql.templates.model import Found
from keepwell.rooms.promql.templates.rule_texts import NO_OUTSIDE, Outside, QueryWanted, expanded

from .alerts import FOR_STATE, GRACE, OUTAGE, Alert, advance, goes_on, series_of
from .model import ALERT_NAME, Alerting, Group, Recording, Rule
from .series_text import STALE
from .timing import USUAL

MOST_QUERIES = 20
"""Queries that the texts of one alert may ask."""


@dataclass(frozen=True, slots=True)
class Row:
    """One sample: ``at`` in milliseconds since 1970."""

    labels: Labels
    at: int
    value: float


Ask = Callable[[str, int], Awaitable[Result]]
"""The value of an expression at an instant (milliseconds since 1970). Raises KeepwellError."""

Write = Callable[[Sequence[Row]], None]
"""Keeps samples; the next question sees them."""


@dataclass(slots=True)
class RunningRule:
    """A rule, and what it has given so far. ``restored``: an alerting rule whose alerts go on from before the start, and are shown."""

    rule: Rule
    active: Mapping[Key, Alert] = field(default_factory=dict)
    returned: Mapping[Key, Labels] = field(default_factory=dict)
    restored: bool = False
    health: Literal["unknown", "ok", "err"] = "unknown"
    error: str = ""
    seconds: float = 0.0
    evaluated_at: int | None = None


@dataclass(slots=True)
class RunningGroup:
    """A group, and its rules as they run."""

    group: Group
    outside: Outside = NO_OUTSIDE
    rules: list[RunningRule] = field(default_factory=list)
    seconds: float = 0.0
    evaluated_at: int | None = None

    def __post_init__(self) -> None:
        self.rules = self.rules or [RunningRule(rule) for rule in self.group.rules]

    async def evaluate(self, at: int, ask: Ask, write: Write) -> None:
        """All rules at one instant. A rule that fails says so in its ``error``, and the others go on."""
        begun = time.perf_counter()
        for running in self.rules:
            started = time.perf_counter()
            try:
                found = await self._rows(running, at, ask)
                running.health, running.error = "ok", ""
                self._written(running, found, at, write)
            except KeepwellError as error:
                running.health, running.error = "err", str(error)
            running.evaluated_at, running.seconds = at, time.perf_counter() - started
        self.evaluated_at, self.seconds = at, time.perf_counter() - begun

    def _written(self, running: RunningRule, found: Sequence[tuple[Labels, float]], at: int, write: Write) -> None:
        at -= self.group.offset
        returned = {labels.key: labels for labels, _ in found}
        ended = [labels for key, labels in running.returned.items() if key not in returned]
        write([*(Row(labels, at, value) for labels, value in found), *(Row(labels, at, STALE) for labels in ended)])
        running.returned = returned

    def end(self, at: int, write: Write) -> None:
        """The group is no more: its series end."""
        for running in self.rules:
            self._written(running, (), at, write)

    async def _rows(self, running: RunningRule, at: int, ask: Ask) -> list[tuple[Labels, float]]:
        points = _points(await ask(running.rule.expression, at - self.group.offset))
        if isinstance(running.rule, Recording):
            return _recorded(running.rule, points, self.group.limit)
        return await self._alerted(running, running.rule, points, at, ask)

    async def _alerted(
        self, running: RunningRule, rule: Alerting, points: Sequence[Point], at: int, ask: Ask
    ) -> list[tuple[Labels, float]]:
        seen: dict[Key, Alert] = {}
        for point in points:
            alert = await _alert(rule, point, at, self.outside, ask)
            if alert.labels.key in seen:
                raise ExecutionError("vector contains metrics with the same labelset after applying alert labels")
            seen[alert.labels.key] = alert
        running.active = advance(rule, running.active, seen, at)
        shown = [alert for alert in running.active.values() if alert.state != "inactive"]
        if self.group.limit and len(shown) > self.group.limit:
            running.active = {}
            raise ExecutionError(f"exceeded limit of {self.group.limit} with {len(shown)} alerts")
        return [row for alert in shown for row in series_of(alert)] if running.restored else []

    async def restore(self, at: int, ask: Ask) -> None:
        """After a start: alerts go on waiting from where their ``ALERTS_FOR_STATE`` was left. Rules that wait for less than ``GRACE`` begin
        anew."""
        for running in self.rules:
            rule = running.rule
            if isinstance(rule, Alerting) and not running.restored:
                if rule.hold >= GRACE and running.active:
                    newest = await _states(rule, self.group.interval or USUAL, at, ask)
                    running.active = {
                        key: goes_on(rule, alert, newest[key], at) if key in newest and alert.state != "inactive" else alert
                        for key, alert in running.active.items()
                    }
                running.restored = True

    def take_over(self, earlier: "RunningGroup") -> None:
        """What the same group had before its file was read again: alerts and series of rules with the same name and labels."""
        waiting: dict[tuple[object, ...], list[RunningRule]] = {}
        for running in earlier.rules:
            waiting.setdefault(_identity(running.rule), []).append(running)
        for running in self.rules:
            same = waiting.get(_identity(running.rule))
            if same:
                old = same.pop(0)
                running.active, running.returned, running.restored = old.active, old.returned, old.restored
                running.health, running.error, running.evaluated_at = old.health, old.error, old.evaluated_at
        left = [old for olds in waiting.values() for old in olds]
        if self.rules and left:
            # Their series end with the next evaluation.
            first = self.rules[0]
            first.returned = {**first.returned, **{key: labels for old in left for key, labels in old.returned.items()}}
        self.evaluated_at, self.seconds = earlier.evaluated_at, earlier.seconds


def _identity(rule: Rule) -> tuple[object, ...]:
    return (type(rule), rule.name, tuple(sorted(rule.labels.items())))


def _points(result: Result) -> Sequence[Point]:
    match result.value:
        case InstantVector(_, points):
            return points
        case Scalar(_, value):
            return [Point(Labels(), value)]
    raise ExecutionError("rule result is not a vector or scalar")


def _recorded(rule: Recording, points: Sequence[Point], limit: int) -> list[tuple[Labels, float]]:
    found = [(_named({**point.labels, **rule.labels, NAME: rule.name}), point.value) for point in points]
    if len({labels.key for labels, _ in found}) < len(found):
        raise ExecutionError("vector contains metrics with the same labelset after applying rule labels")
    if limit and len(found) > limit:
        raise ExecutionError(f"exceeded limit of {limit} with {len(found)} series")
    return found


def _named(labels: Mapping[str, str]) -> Labels:
    return Labels({name: value for name, value in labels.items() if value})


async def _alert(rule: Alerting, point: Point, at: int, outside: Outside, ask: Ask) -> Alert:
    texts = {
        **{("label", name): text for name, text in rule.labels.items()},
        **{("", name): text for name, text in rule.annotations.items()},
    }
    written = await expanded_texts(texts, Found(point.labels, point.value), outside, at, ask)
    kept = {name: value for name, value in point.labels.items() if name != NAME}
    labels = {name: text for (kind, name), text in written.items() if kind}
    annotations = {name: text for (kind, name), text in written.items() if not kind}
    return Alert(_named({**kept, **labels, ALERT_NAME: rule.name}), annotations, point.value, at)


K = TypeVar("K")


async def expanded_texts(texts: Mapping[K, str], found: Found, outside: Outside, at: int, ask: Ask) -> Mapping[K, str]:
    """Templates about one series, expanded at an instant; what they query is asked."""
    answers: dict[str, Sequence[Found] | Exception] = {}
    while True:
        try:
            return {name: expanded(text, found, outside, answers, at) for name, text in texts.items()}
        except QueryWanted as wanted:
            answers[wanted.text] = await _answer(wanted.text, at, ask, len(answers))


async def _answer(text: str, at: int, ask: Ask, asked: int) -> Sequence[Found] | Exception:
    if asked >= MOST_QUERIES:
        return ExecutionError(f"the texts of one alert ask more than {MOST_QUERIES} queries")
    try:
        return [Found(point.labels, point.value) for point in _points(await ask(text, at))]
    except KeepwellError as error:
        return error


async def _states(rule: Alerting, interval: int, at: int, ask: Ask) -> Mapping[Key, tuple[int, float]]:
    """The newest samples of the rule's ``ALERTS_FOR_STATE``, by the alerts' labels; none of those that had ended."""
    selector = f'{FOR_STATE}{{{ALERT_NAME}="{_quoted(rule.name)}"}}'
    result = await ask(f"{selector}[{OUTAGE}ms]", at)
    if not isinstance(result.value, Matrix):
        return {}
    newest = {Labels(one.labels).nameless.key: (int(one.at[-1]), float(one.values[-1])) for one in result.value.series if len(one.at)}
    going_on: set[tuple[int, Key]] = set()
    for last in sorted({instant for instant, _ in newest.values()}):
        # Where it had ended, a staleness marker stands where the next sample would have stood.
        points = _points(await ask(selector, min(last + min(interval, LOOK_BACK - 1), at)))
        going_on |= {(last, Labels(point.labels).nameless.key) for point in points}
    return {key: found for key, found in newest.items() if (found[0], key) in going_on}


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
