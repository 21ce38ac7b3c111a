"""Rules put together: what they measure is asked of PromQL, what they find is told to the desk of alerts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from keepwell.composition.promql import PromqlRoom
from keepwell.composition.samples import SampleRoom
from keepwell.config.operations import Operations
from keepwell.kernel.problems import ConfigurationError, Place
from keepwell.ports.activity import Activity
from keepwell.ports.host import Host
from keepwell.ports.samples import NAME
from keepwell.rooms.alerts.rules.checks import CheckRules, Looked
from keepwell.rooms.alerts.rules.model import Changed, Language, Parts, Point, RuleSet
from keepwell.rooms.alerts.rules.reading import check_figures, read_rules
from keepwell.rooms.alerts.rules.work.checks import CheckTimes
from keepwell.rooms.alerts.rules.work.measured import MeasuredRules, Verbs
from keepwell.rooms.alerts.work.desk import Desk
from keepwell.rooms.promql.apart import take_apart
from keepwell.rooms.promql.model import BadQuery, InstantVector, Result, Scalar
from keepwell.rooms.promql.rules.evaluation import expanded_texts
from keepwell.rooms.promql.templates.model import Found, TemplateError
from keepwell.rooms.promql.templates.rule_texts import check_template
from keepwell.rooms.samples.work.arrivals import Arrivals
from keepwell.storage.journal import NewEntry


class RuleRoom:
    """The rules while a server runs."""

    def __init__(self, desk: Desk, promql: PromqlRoom, samples: SampleRoom, host: Host) -> None:
        self._desk = desk
        self._promql = promql
        self._clock = host.clock
        self._samples = samples
        self._checks = CheckRules(self._page_of)
        self._times = CheckTimes(self._checks, desk.change, host.clock)
        self.measured = MeasuredRules(Verbs(self._ask, self._write, desk.change, desk.known), host.clock)
        self._arrivals = Arrivals(samples.store, self.measured.came)
        self._address = ""
        self._has_begun = False

    @property
    def activities(self) -> Sequence[Activity]:
        """What the engine runs for it."""
        return (self._times, self.measured)

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Takes the engine's alarm."""
        self.measured.on_wake(wake)

    async def configure(self, operations: Operations, checks: Iterable[str], address: str) -> None:
        """Takes a configuration, the names of its checks, and where people find the pages. Alerts of rules that are gone end. Raises
        StorageError."""
        rules = rules_of(operations)
        if not self._has_begun:
            newest = self._samples.store.newest
            self.measured.begin(datetime.fromtimestamp(newest / 1000, UTC) if newest is not None else None)
            self._has_begun = True
        self._address = address
        self._checks.configure(rules.checks, checks)
        self._times.configured()
        self.measured.configure(rules.measured)
        self._arrivals.want(self.measured.metrics)
        await self._desk.retire(self._exists)

    def _exists(self, source: str) -> bool:
        """Whether a source of alerts is in force, as far as this room can say."""
        is_ours = source.startswith(("checks/", "rules/"))
        return not is_ours or self._checks.is_source(source) or self.measured.is_source(source)

    async def checked(self, looks: Sequence[Looked], also: Callable[[Connection], None], entries: Sequence[NewEntry]) -> bool:
        """Where looks at checks begin, change or end an alert: stores that, together with ``also`` and ``entries``. False where they do
        not, and nothing is stored. Raises StorageError."""
        if not self._checks.concerns(looks):
            return False
        self._checks.keep(await self._desk.change(lambda turn: self._checks.judge(looks, turn), also, entries))
        return True

    def _page_of(self, check: str) -> str:
        return f"{self._address}/checks/{check}"

    async def _ask(self, text: str, at: int) -> Sequence[Point]:
        return _points(await self._promql.engine().instant(text, at))

    async def _write(self, texts: Mapping[str, str], point: Point, at: int) -> Mapping[str, str]:
        async def ask(text: str, at: int) -> Result:
            return await self._promql.engine().instant(text, at)

        return await expanded_texts(texts, Found(point.labels, point.value), self._promql.rules.outside, at, ask)


def _points(result: Result) -> Sequence[Point]:
    match result.value:
        case InstantVector(_, points):
            return [Point({name: value for name, value in point.labels.items() if name != NAME}, point.value) for point in points]
        case Scalar(_, value):
            return [Point({}, value)]
    raise BadQuery("a rule's expression gives series with one number each, or one number: this gives neither")


def _parts(text: str) -> Parts:
    apart = take_apart(text)
    return Parts(apart.measured, apart.operator, apart.bound, apart.metrics)


def _template(text: str) -> None:
    try:
        check_template(text)
    except TemplateError as error:
        raise ConfigurationError(str(error)) from None


LANGUAGE = Language(_parts, _template)


def rules_of(operations: Operations, changed: Changed | None = None) -> RuleSet:
    """The rules of a configuration. Raises ConfigurationError with every problem."""
    figures: Mapping[str, str] = operations.values["figures"].figures
    problems: list[Any] = list(check_figures(figures, Place(str(operations.sources[0])), LANGUAGE))
    try:
        rules = read_rules(operations.listed("rules"), figures, LANGUAGE, changed)
    except ConfigurationError as error:
        problems += error.problems
    if problems:
        raise ConfigurationError(*problems)
    return rules
