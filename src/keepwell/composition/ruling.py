"""Rules put together: what they measure is asked of PromQL, what they find is told to the desk of alerts."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request

from keepwell.composition.promql import PromqlRoom
from keepwell.composition.samples import SampleRoom
from keepwell.config.operations import Operations
from keepwell.kernel.problems import ConfigurationError, Place, Problem
from keepwell.ports.activity import Activity
from keepwell.ports.host import Host
from keepwell.ports.offer import Face
from keepwell.ports.samples import NAME
from keepwell.rooms.alerts.rules import routes as rule_routes
from keepwell.rooms.alerts.rules.checks import CheckRules, Looked
from keepwell.rooms.alerts.rules.listed import listed_check, listed_measured
from keepwell.rooms.alerts.rules.model import Changed, Language, Parts, Point, RuleSet
from keepwell.rooms.alerts.rules.reading import check_figures, read_rules, unknown_figures
from keepwell.rooms.alerts.rules.routes import routes
from keepwell.rooms.alerts.rules.work.checks import CheckTimes
from keepwell.rooms.alerts.rules.work.measured import MeasuredRules, Verbs
from keepwell.rooms.alerts.rules.work.thresholds import Thresholds
from keepwell.rooms.alerts.work.desk import Desk
from keepwell.rooms.promql.apart import take_apart
from keepwell.rooms.promql.model import BadQuery, InstantVector, Result, Scalar
from keepwell.rooms.promql.rules.evaluation import expanded_texts
from keepwell.rooms.promql.templates.model import Found, TemplateError
from keepwell.rooms.promql.templates.rule_texts import check_template
from keepwell.rooms.samples.work.arrivals import Arrivals
from keepwell.storage.database import Database
from keepwell.storage.journal import NewEntry

_log = logging.getLogger("keepwell.alerts")


class RuleRoom:
    """The rules while a server runs."""

    def __init__(self, desk: Desk, promql: PromqlRoom, samples: SampleRoom, parts: tuple[Database, Host]) -> None:
        database, host = parts
        self._desk = desk
        self._promql = promql
        self._clock = host.clock
        self._samples = samples
        self._checks = CheckRules(self._page_of)
        self._times = CheckTimes(self._checks, desk.change, self._retire, host.clock)
        self.measured = MeasuredRules(Verbs(self._ask, self._write, desk.change, desk.known), host.clock)
        self._arrivals = Arrivals(samples.store, self.measured.came)
        self.thresholds = Thresholds(database.read, database.write, host.clock, self._apply)
        self._rules = RuleSet()
        self._applying = asyncio.Lock()
        self._operations: Operations | None = None
        self._names: Sequence[str] = ()
        self._wake: Callable[[], None] = lambda: None
        self._address = ""

    @property
    def activities(self) -> Sequence[Activity]:
        """What the engine runs for it."""
        return (self._times, self.measured)

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Takes the engine's alarm."""
        self._wake = wake
        self.measured.on_wake(wake)

    async def configure(self, operations: Operations, checks: Iterable[str], address: str) -> None:
        """Takes a configuration, the names of its checks, and where people find the pages. Raises StorageError."""
        if self._operations is None:
            await self.thresholds.begin()
            newest = self._samples.store.newest
            self.measured.begin(datetime.fromtimestamp(newest / 1000, UTC) if newest is not None else None)
        self._operations, self._names, self._address = operations, tuple(checks), address
        await self._apply(self.thresholds.changed)

    async def _apply(self, changed: Changed) -> None:
        """Judges by the rules of the configuration with these thresholds from now on; alerts of rules that are gone end soon."""
        async with self._applying:
            assert self._operations is not None
            self._rules = rules = await asyncio.to_thread(rules_of, self._operations, changed)
            self.thresholds.rules = rules.adjustable
            self._checks.configure(rules.checks, self._names)
            self.measured.configure(rules.measured)
            self._arrivals.want(self.measured.metrics)
        count = sum(1 for rule in rules.measured if rule.waits_for)
        if count:
            _log.info("rules wait for figures that nothing defines", extra={"facts": {"rules": count}})
        self._times.configured()
        self._wake()

    async def _retire(self) -> None:
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

    def face(self, caller: Callable[[Request], str]) -> Face:
        """What is shown of rules."""
        return Face("rules", routes=routes(rule_routes.Verbs(self.thresholds, self.listed, caller)))

    def listed(self) -> Iterator[Mapping[str, Any]]:
        """Every rule as it stands."""
        known = self._desk.known
        for rule in self._rules.measured:
            yield listed_measured(rule, self.measured.running(rule.source), known(rule.source))
        for check_rule in self._rules.checks:
            checks = [name for name in self._names if check_rule in self._checks.rules_of(name)]
            yield listed_check(check_rule, known, checks)

    def _page_of(self, check: str) -> str:
        return f"{self._address}/checks/{check}"

    async def _ask(self, text: str, at: int) -> Sequence[Point]:
        return points_of(await self._promql.engine().instant(text, at))

    async def _write(self, texts: Mapping[str, str], point: Point, at: int) -> Mapping[str, str]:
        async def ask(text: str, at: int) -> Result:
            return await self._promql.engine().instant(text, at)

        return await expanded_texts(texts, Found(point.labels, point.value), self._promql.rules.outside, at, ask)


def points_of(result: Result) -> Sequence[Point]:
    """The series of a result, without their metric's name. Raises BadQuery where it has none."""
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


def waiting(operations: Operations) -> Sequence[Problem]:
    """For each figure that rules wait for, what it is and where the first of these rules stands."""
    rules = rules_of(operations)
    places = {rule.waits_for: rule.place for rule in reversed(rules.measured) if rule.waits_for}
    sentences = unknown_figures(operations.values["figures"].figures, rules)
    hint = "define it in figures, as PromQL; until then the rule is shown and not judged"
    return [Problem("rules.waiting", sentence, hint, places[name]) for name, sentence in sentences]


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
