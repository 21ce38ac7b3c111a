"""Unit tests of rules, run as promtool runs them (prometheus/cmd/promtool/unittest.go)."""

import math
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import glob
from itertools import takewhile
from pathlib import Path

from keepwell.kernel.problems import KeepwellError
from keepwell.rooms.promql.labels import Labels
from keepwell.rooms.promql.literals import general
from keepwell.rooms.promql.model import InstantVector, Limits, Result, Scalar
from keepwell.rooms.promql.templates.rule_texts import Outside
from keepwell.rooms.promql.work import query_instant

from .durations import show_duration
from .evaluation import Row, RunningGroup
from .memory import MemorySamples
from .model import ALERT_NAME, Alerting, Group, Names
from .reading import read_rules
from .unit_file import AlertTest, ExpressionTest, Test, UnitFile

MOST_STEPS = 1_000_000
"""Evaluations of all groups that one test may take."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be. ``line`` is where the file says how; both texts are empty where something failed outright."""

    test: str
    line: int
    what: str
    expected: str = ""
    got: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: how many tests ran, and every difference. ``unmatched`` are patterns that fit no rule file."""

    tests: int
    differences: Sequence[Difference]
    unmatched: Sequence[str]


async def run_file(read: UnitFile, wanted: Callable[[str], bool], names: Names = "utf8") -> Outcome:
    """Runs the tests whose name is wanted. Raises ConfigurationError for rule files that cannot be read."""
    groups, unmatched = _groups(read, names)
    tests = [test for test in read.tests if wanted(test.name)]
    found = [difference for test in tests for difference in await _Run(test, read, groups).differences()]
    return Outcome(len(tests), found, unmatched)


def _groups(read: UnitFile, names: Names) -> tuple[list[Group], list[str]]:
    unmatched, files = [], []
    for pattern in read.patterns:
        matched = sorted(glob(str(read.path.parent / pattern)))
        files += [file for file in matched if file not in files]
        unmatched += [] if matched else [pattern]
    groups = [group for file in files for group in read_rules(Path(file), names).groups]
    order = {name: place for place, name in enumerate(read.order)}
    return sorted(groups, key=lambda group: order.get(group.name, 0)), unmatched


class _Run:
    """One test: samples of its own, groups of its own."""

    def __init__(self, test: Test, read: UnitFile, groups: Sequence[Group]) -> None:
        self._test = test
        self._read = read
        self._samples = MemorySamples()
        self._limits = Limits(default_step=read.interval)
        outside = Outside(test.external_labels, test.external_url)
        self._running = [RunningGroup(group, outside) for group in groups]
        for group in self._running:
            for running in group.rules:
                running.restored = True

    async def differences(self) -> list[Difference]:
        """Everything that is not as the test says."""
        test, step = self._test, self._read.interval
        if test.last // step >= MOST_STEPS:
            times = f"{test.last // step:,} evaluations, at most {MOST_STEPS:,}"
            return [self._failed(test.line, f"the test takes {times}: choose a larger evaluation_interval")]
        self._load()
        found: list[Difference] = []
        waiting = sorted(test.alerts, key=lambda one: one.at)
        for at in range(0, test.last + 1, step):
            self._samples.until = test.start + at
            errors = [error async for error in self._evaluated(at)]
            if errors:
                return [*found, *errors]
            due = list(takewhile(lambda one: one.at < at + step, waiting))  # noqa: B023 (used at once)
            del waiting[: len(due)]
            found += [difference for one in due for difference in self._alerts(one)]
        for expression in test.expressions:
            found += [one async for one in self._expression(expression)]
        return found

    def _load(self) -> None:
        test = self._test
        for given in test.inputs:
            labels = Labels(given.labels)
            at = range(test.start, test.start + test.interval * len(given.items), test.interval)
            rows = [Row(labels, moment, item) for moment, item in zip(at, given.items, strict=True) if isinstance(item, float)]
            self._samples.give(rows)

    async def _ask(self, text: str, at: int) -> Result:
        return await query_instant(text, at, self._samples.select, self._limits)

    async def _evaluated(self, at: int) -> AsyncIterator[Difference]:
        for group in self._running:
            await group.evaluate(self._test.start + at, self._ask, self._samples.give)
            for running in group.rules:
                if running.error:
                    yield self._failed(self._test.line, f"rule {running.rule.name} at {show_duration(at)}: {running.error}")

    def _alerts(self, wanted: AlertTest) -> Iterator[Difference]:
        got = [
            _shown_alert(alert.labels, alert.annotations)
            for group in self._running
            for running in group.rules
            if isinstance(running.rule, Alerting) and running.rule.name == wanted.name
            for alert in running.active.values()
            if alert.state == "firing"
        ]
        expected = [_shown_alert({**one.labels, ALERT_NAME: wanted.name}, one.annotations) for one in wanted.alerts]
        if sorted(got) != sorted(expected):
            what = f"alert {wanted.name} at {show_duration(wanted.at)}"
            yield Difference(self._test.name, wanted.line, what, _listed(expected), _listed(got))

    async def _expression(self, wanted: ExpressionTest) -> AsyncIterator[Difference]:
        what = f"{wanted.expression} at {show_duration(wanted.at)}"
        if any(sample.is_native for sample in wanted.samples):
            yield self._failed(wanted.line, f"{what}: native histograms are not part of the language here")
            return
        try:
            result = await self._ask(wanted.expression, self._test.start + wanted.at)
            got = _samples(result)
        except KeepwellError as error:
            yield self._failed(wanted.line, f"{what}: {error}")
            return
        expected = sorted((tuple(sorted(one.labels.items())), one.value) for one in wanted.samples)
        if not _same(expected, got, fuzzy=self._read.fuzzy):
            yield Difference(self._test.name, wanted.line, what, _listed(map(_shown_sample, expected)), _listed(map(_shown_sample, got)))

    def _failed(self, line: int, what: str) -> Difference:
        return Difference(self._test.name, line, what)


Sample = tuple[tuple[tuple[str, str], ...], float]


def _samples(result: Result) -> list[Sample]:
    match result.value:
        case InstantVector(_, points):
            return sorted((tuple(sorted((name, text) for name, text in point.labels.items() if text)), point.value) for point in points)
        case Scalar(_, value):
            return [((), value)]
    raise KeepwellError("rule result is not a vector or scalar")


def _same(expected: Sequence[Sample], got: Sequence[Sample], *, fuzzy: bool) -> bool:
    """As Prometheus compares: exactly, so that NaN is never as expected; fuzzily, the next number above and below will do."""
    if [labels for labels, _ in expected] != [labels for labels, _ in got]:
        return False
    pairs = zip((value for _, value in expected), (value for _, value in got), strict=True)
    return all(one == two or (fuzzy and two in (math.nextafter(one, -math.inf), math.nextafter(one, math.inf))) for one, two in pairs)


def _shown_alert(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    return f"labels {Labels(labels)} annotations {Labels(annotations)}"


def _shown_sample(sample: Sample) -> str:
    return f"{Labels(sample[0])} {general(sample[1])}"


def _listed(texts: Iterable[str]) -> str:
    return "\n".join(sorted(texts)) or "nothing"
