"""Rules over samples while a server runs: an Activity that evaluates each at its interval, and sooner where its samples have come."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zlib import crc32

from keepwell.kernel.problems import KeepwellError, StorageError
from keepwell.ports.activity import Job
from keepwell.ports.alerts import Active, Known
from keepwell.ports.clock import Clock
from keepwell.rooms.alerts.model import ALERT_NAME
from keepwell.rooms.alerts.rules.judging import Facts, Held, Histories, Judged, judged, key_of, resumed, summary
from keepwell.rooms.alerts.rules.model import Ask, Labels, MeasuredRule, Point, Write
from keepwell.rooms.alerts.work.desk import Turn

from .checks import AGAIN_AFTER, Change

SOONEST = 0.2
"""Seconds between two evaluations of a rule, however often samples come."""

SHARE = 0.1
"""All evaluations that samples ask for take at most this share of a core: where rules take long, they are evaluated less often."""

FIRST_WITHIN = 10.0
"""Seconds after a start or a new configuration within which every rule is evaluated."""

_log = logging.getLogger("keepwell.alerts")


@dataclass(slots=True)
class Running:
    """A rule, and what its newest evaluation gave: how many series its condition held for, what was measured, or why not."""

    rule: MeasuredRule
    due: float
    began: float = -1e9
    seconds: float = 0.0
    evaluated_at: datetime | None = None
    error: str = ""
    held: int = 0
    measured: Sequence[Point] | None = None
    histories: Histories = field(default_factory=dict)
    is_resumed: bool = False
    is_busy: bool = False
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class Verbs:
    """What the rules ask of others: the value of an expression, texts written, the alerts, and the address at which an expression is
    shown."""

    ask: Ask
    write: Write
    change: Change
    known: Known
    link: Callable[[str], str] = lambda text: ""


class MeasuredRules:
    """The rules over samples that are in force. ``seen_at``: when anything was measured last before the start."""

    def __init__(self, verbs: Verbs, clock: Clock) -> None:
        self._verbs = verbs
        self._clock = clock
        self._running: dict[str, Running] = {}
        self._by_metric: dict[str, list[Running]] = {}
        self._began_at = clock.now()
        self._away = timedelta(0)
        self._wake: Callable[[], None] = lambda: None

    def begin(self, seen_at: datetime | None) -> None:
        """Before the first evaluation: how long nobody looked."""
        self._began_at = self._clock.now()
        self._away = max(timedelta(0), self._began_at - seen_at) if seen_at is not None else timedelta(0)

    def on_wake(self, wake: Callable[[], None]) -> None:
        """What makes the engine look again at what is due."""
        self._wake = wake

    def configure(self, rules: Iterable[MeasuredRule]) -> None:
        """Takes a configuration. A rule of the same source goes on with what it knows."""
        now, before = self._clock.monotonic(), self._running
        self._running, self._by_metric = {}, {}
        for rule in rules:
            if rule.waits_for or not rule.enabled:
                continue
            running = before.get(rule.source)
            if running is None:
                running = Running(rule, now + crc32(rule.source.encode()) / 2**32 * min(FIRST_WITHIN, rule.every.total_seconds()))
            elif running.rule != rule:
                running.rule, running.due = rule, now
            self._running[rule.source] = running
            for metric in rule.metrics or ():
                self._by_metric.setdefault(metric, []).append(running)
        self._wake()

    def is_source(self, source: str) -> bool:
        """Whether a source is a rule that is evaluated."""
        return source in self._running

    def running(self, source: str) -> Running | None:
        """A rule as it runs."""
        return self._running.get(source)

    @property
    def metrics(self) -> Collection[str]:
        """The metrics of which somebody should tell that samples have come."""
        return self._by_metric.keys()

    def came(self, metrics: Iterable[str]) -> None:
        """Samples of these metrics are kept now: the rules that need them are evaluated soon."""
        asked = {id(running): running for metric in metrics for running in self._by_metric.get(metric, ())}
        if asked:
            earliest, gap = self._clock.monotonic(), self._gap()
            for running in asked.values():
                running.is_asked = running.is_busy
                running.due = min(running.due, max(earliest, running.began + gap))
            self._wake()

    def _gap(self) -> float:
        return max(SOONEST, sum(running.seconds for running in self._running.values()) / SHARE)

    # --- the activity ----------------------------------------------------------------------------------------------------------

    def next_due(self) -> float | None:
        """See ports.activity.Activity."""
        return min((running.due for running in self._running.values() if not running.is_busy), default=None)

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """See ports.activity.Activity."""
        jobs = []
        for source, running in self._running.items():
            if not running.is_busy and running.due <= monotonic:
                running.is_busy, running.is_asked = True, False
                jobs.append(Job(running.due, source, lambda running=running: self._evaluate(running)))  # type: ignore[misc]
        return sorted(jobs, key=lambda job: job.due)

    async def _evaluate(self, running: Running) -> None:
        running.began = self._clock.monotonic()
        again = running.rule.every.total_seconds()
        try:
            await self.evaluate(running)
        except StorageError as error:
            again = AGAIN_AFTER
            facts = {"rule": running.rule.face.name, "why": str(error)}
            _log.warning("a rule's alerts wait for the database", extra={"facts": facts})
        finally:
            running.seconds = self._clock.monotonic() - running.began
            running.due = running.began + (min(again, self._gap()) if running.is_asked else again)
            running.is_busy = False
            self._wake()

    async def evaluate(self, running: Running) -> None:
        """Evaluates a rule now, and tells what follows. Raises StorageError: then nothing changed."""
        rule, at = running.rule, self._clock.now()
        facts = await self._facts(rule, at)
        if bool(facts.error) and not running.error:
            _log.warning("a rule cannot be evaluated", extra={"facts": {"rule": rule.face.name, "why": facts.error}})
        running.evaluated_at, running.error, running.held, running.measured = at, facts.error, len(facts.held), facts.measured

        def judge(known: Sequence[Active]) -> Judged:
            before = known if running.is_resumed else resumed(known, self._away, at)
            return judged(rule, before, facts, running.histories, at)

        known = self._verbs.known(rule.source)
        result = judge(known)
        if known or result.active:

            def decide(turn: Turn) -> Judged:
                made = judge(turn.known(rule.source))
                turn.tell(rule.source, made.active, at)
                return made

            if running is self._running.get(rule.source) and running.rule is rule:
                result = await self._verbs.change(decide)
        running.histories, running.is_resumed = result.histories, True

    # --- what an evaluation gives ------------------------------------------------------------------------------------------------

    async def _facts(self, rule: MeasuredRule, at: datetime) -> Facts:
        link = self._verbs.link(rule.text)
        try:
            return await self._asked(rule, round(at.timestamp() * 1000), link)
        except KeepwellError as error:
            return Facts(error=str(error), generator_url=link)

    async def _asked(self, rule: MeasuredRule, at: int, link: str) -> Facts:
        ask = self._verbs.ask
        measured = await ask(rule.measured, at) if rule.measured else None
        if rule.limit is not None and measured is not None:
            limit = rule.limit
            holding: Sequence[Point] = [point for point in measured if limit.holds(point.value)]
        else:
            holding = await ask(rule.text, at)
        recovered = await ask(rule.recovery.text, at) if rule.recovery is not None and rule.recovery.text else ()
        held = []
        for count, point in enumerate(holding):
            held.append(await self._held(rule, point, at))
            if count % 100 == 99:
                await asyncio.sleep(0)
        if len({key_of(one.labels) for one in held}) < len(held):
            return Facts(error="two series give an alert with the same labels", generator_url=link)
        return Facts(held, measured, recovered, generator_url=link)

    async def _held(self, rule: MeasuredRule, point: Point, at: int) -> Held:
        """The alert of one series: its labels and those of the rule, its texts (prometheus/rules/alerting.go, Eval)."""
        face = rule.face
        templates = {
            f"{kind}{name}": text
            for kind, texts in (("l", face.labels), ("a", face.annotations))
            for name, text in texts.items()
            if "{{" in text
        }
        written = await self._verbs.write(templates, point, at) if templates else {}
        labels = {**point.labels, **{name: written.get(f"l{name}", text) for name, text in face.labels.items()}, ALERT_NAME: face.name}
        annotations = {name: written.get(f"a{name}", text) for name, text in face.annotations.items()}
        if not annotations.keys() & {"summary", "description", "message"}:
            annotations = {"summary": summary(rule, point), **annotations}
        return Held(point, _without_empty(labels), annotations)


def _without_empty(labels: Labels) -> Labels:
    return {name: value for name, value in labels.items() if value}
