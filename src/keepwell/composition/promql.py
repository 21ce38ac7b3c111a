"""PromQL put together: who answers it, and what asks."""

from collections.abc import Mapping, Sequence

from keepwell.ports.host import Host
from keepwell.ports.offer import Face
from keepwell.ports.samples import Matcher, Select
from keepwell.rooms.promql.api.routes import Answering, routes
from keepwell.rooms.promql.api.turns import Turns
from keepwell.rooms.promql.engine import Described, Engine
from keepwell.rooms.promql.own import LIMITS, OwnEngine
from keepwell.rooms.promql.shown import RuleGroupShown, TargetShown
from keepwell.rooms.samples.scraping.work import Scraping, Watched
from keepwell.rooms.samples.work.store import SampleStore


class PromqlRoom:
    """The room of PromQL while a server runs."""

    def __init__(self, store: SampleStore, scraping: Scraping, host: Host) -> None:
        self._own = OwnEngine(OwnStore(store))
        self._scraping = scraping
        self._clock = host.clock
        self._turns = Turns()

    def engine(self) -> Engine:
        """Who answers now."""
        return self._own

    def face(self) -> Face:
        """Prometheus' HTTP API."""
        answering = Answering(
            self.engine, self._groups, self._targets, lambda: self._scraping.dropped, self._clock, self._turns, lambda: LIMITS.seconds
        )
        return Face("promql", routes=routes(answering))

    def _groups(self) -> Sequence[RuleGroupShown]:
        return ()

    def _targets(self) -> Sequence[TargetShown]:
        return [_target(watched) for watched in self._scraping.shown()]


class OwnStore:
    """The store of samples, as PromQL asks it."""

    def __init__(self, store: SampleStore) -> None:
        self._store = store

    @property
    def select(self) -> Select:
        """Asks for samples."""
        return self._store.select

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
