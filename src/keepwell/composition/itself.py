"""Keepwell itself: what the engine, the room of checks and the store say of their work, and the sign of life that hangs on it."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keepwell import __version__
from keepwell.config.operations import Operations
from keepwell.engine import Engine
from keepwell.ports.host import Host
from keepwell.ports.offer import Face
from keepwell.rooms.checks.work.watch import Checks
from keepwell.rooms.health import offer as health_offer
from keepwell.rooms.health.decide import not_alive, percentile
from keepwell.rooms.health.model import Facts, Telling, Web, Work
from keepwell.rooms.health.sign_of_life import Sign, SignOfLife
from keepwell.rooms.health.work import Health, Sources


class Itself:
    """What Keepwell knows of itself, gathered where it is measured. ``engine`` and ``tasks_fault`` are set once there are such."""

    def __init__(self, checks: Checks, host: Host, rule_faults: Callable[[], Sequence[str]], telling: Callable[[], Telling]) -> None:
        self.engine: Engine | None = None
        self.tasks_fault: Callable[[], str] = str
        self.sign_of_life = SignOfLife(host.http, host.clock, lambda: not_alive(self.work(), telling()))
        self._checks = checks
        self._host = host
        self._rule_faults = rule_faults
        self._telling = telling

    def configure(self, operations: Operations) -> None:
        """Takes the section ``heartbeat``."""
        options = operations.values["heartbeat"]
        self.sign_of_life.configure(Sign(options.url, options.method, options.every.total_seconds()) if options.url else None)

    def face(self, service: str, web: Callable[[], Web], configuration_problems: Callable[[], int]) -> Face:
        """What is shown of it."""
        sources = Sources(web, self.work, self._states, configuration_problems, self._rule_faults, self._telling)
        health = Health(sources, __version__, service, time.monotonic())
        return health_offer.face(health, self._host.clock.now, self._metrics)

    def work(self) -> Work:
        """The figures of the work."""
        figures, looking, engine = self._checks.recorder.figures, self._checks.looking, self.engine
        assert engine is not None
        return Work(
            started=engine.started_jobs,
            running=engine.running,
            late_median=percentile(engine.lateness, 0.5),
            late_p99=percentile(engine.lateness, 0.99),
            skipped=self._checks.skipped,
            waiting=figures.waiting,
            shed=figures.shed,
            write_seconds=figures.last_write_seconds,
            storage_fault=figures.fault,
            held=looking.held,
            lag_p99=percentile(engine.newest_lag, 0.99),
            cut_off=looking.cut_off,
            signs_sent=self.sign_of_life.sent,
            sign_fault=self.sign_of_life.fault,
            late=engine.late,
            waits=looking.waits,
            writes=figures.writes,
            lag=engine.lag,
            tasks_fault=self.tasks_fault(),
        )

    def _states(self) -> Mapping[str, int]:
        from keepwell.rooms.checks.views import counts

        return counts(self._checks.shown())

    def _metrics(self, facts: Facts) -> Any:
        from starlette.responses import Response

        from keepwell.rooms.health.exposition import CONTENT_TYPE, CheckFigures, render

        shown = [
            CheckFigures(item.check.name, item.check.kind, item.state, item.standing.values if item.standing else {})
            for item in self._checks.shown()
        ]
        return Response(render(facts, shown), media_type=CONTENT_TYPE)
