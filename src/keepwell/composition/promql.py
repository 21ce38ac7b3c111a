"""PromQL put together: who answers it, and what asks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from keepwell.composition.samples import SampleRoom
from keepwell.config.operations import Operations
from keepwell.ports.activity import Activity
from keepwell.ports.host import Host
from keepwell.ports.http import Basic, Request
from keepwell.ports.offer import Face
from keepwell.ports.samples import Matcher, Select, SelectRolled
from keepwell.rooms.promql.api.routes import Answering, routes
from keepwell.rooms.promql.api.turns import Turns
from keepwell.rooms.promql.engine import Described, Engine
from keepwell.rooms.promql.own import LIMITS, OwnEngine
from keepwell.rooms.promql.remote import RemoteEngine
from keepwell.rooms.promql.rules.recorded import Recorded
from keepwell.rooms.promql.rules.work import Rules
from keepwell.rooms.promql.shown import TargetShown
from keepwell.rooms.promql.sources import Both
from keepwell.rooms.promql.templates.rule_texts import Outside
from keepwell.rooms.samples.scraping.work import Watched
from keepwell.rooms.samples.work.store import SampleStore


class PromqlRoom:
    """The room of PromQL while a server runs."""

    def __init__(self, samples: SampleRoom, host: Host, operations: Operations) -> None:
        self._host = host
        self._scraping = samples.scraping
        recorded = Recorded(samples.store.add)
        self._own = OwnEngine(OwnStore(samples.store, recorded, samples.rolled), lambda: self._limits)
        self.rules = Rules(self.engine, recorded.write, host.clock)
        self._turns = Turns()
        self.configure(operations)

    def configure(self, operations: Operations) -> None:
        """Takes a configuration: who answers, and the bounds."""
        options = operations.values["samples"]
        seconds = options.query_timeout.total_seconds()
        self._limits = replace(LIMITS, samples=options.query_numbers, seconds=seconds)
        self._engine: Engine = self._own if options.query is None else RemoteEngine(self._host.http, access_to(options), seconds)
        self._turns.at_once = options.queries_at_once
        outside = Outside(options.external_labels, operations.values["web"].address)
        self.rules.configure(operations.directory, operations.values["rule_files"].paths, outside)

    @property
    def activities(self) -> Sequence[Activity]:
        """What the engine runs for it."""
        return (self.rules,)

    def engine(self) -> Engine:
        """Who answers now."""
        return self._engine

    def face(self) -> Face:
        """Prometheus' HTTP API."""
        answering = Answering(
            engine=self.engine,
            groups=self.rules.groups,
            targets=self._targets,
            dropped=lambda: self._scraping.dropped,
            clock=self._host.clock,
            turns=self._turns,
            seconds=lambda: self._limits.seconds,
        )
        return Face("promql", routes=routes(answering))

    def _targets(self) -> Sequence[TargetShown]:
        return [_target(watched) for watched in self._scraping.shown()]


def access_to(options: Any) -> Request:
    """The request to the engine that the section ``samples`` names."""
    basic = options.query_basic
    return Request(
        url=options.query,
        headers=options.query_headers,
        verify=options.query_verify,
        authority=options.query_authority,
        basic=Basic(basic.user, basic.password) if basic is not None else None,
        bearer=options.query_bearer,
    )


class OwnStore:
    """The store of samples, as PromQL asks it."""

    def __init__(self, store: SampleStore, recorded: Recorded, rolled: SelectRolled | None = None) -> None:
        self._store = store
        select = recorded.over(store.select)
        self._select: Select = select if rolled is None else Both(select, recorded.over_rolled(rolled))

    @property
    def select(self) -> Select:
        """Asks for samples; what rules wrote a moment ago is among them."""
        return self._select

    async def find(self, matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Mapping[str, str]]:
        """The labels of series that had not ended before ``start``; when one began is not kept."""
        return self._store.existing(matchers, start)

    def label_names(self) -> Sequence[str]:
        """All of them."""
        return self._store.label_names()

    def label_values(self, name: str) -> Sequence[str]:
        """Those in any series."""
        return self._store.label_values(name)

    def metadata(self) -> Mapping[str, Described]:
        """What metrics are."""
        return {name: Described(metric.kind, metric.help, metric.unit) for name, metric in self._store.metrics().items()}


def _target(watched: Watched) -> TargetShown:
    target, shown = watched.target, watched.shown
    return TargetShown(
        pool=target.job,
        url=target.request.url,
        labels=target.labels,
        found={"job": target.job},
        health=shown.health.value,
        interval=target.every,
        timeout=target.request.timeout,
        error=shown.error,
        last_scrape=shown.at,
        duration=shown.duration,
    )
