"""Rules of a keepwell.yaml judged on a real desk, over samples in memory and with a clock that tests move."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from keepwell.composition import verbs
from keepwell.composition.ruling import points_of, rules_of
from keepwell.config.operations import load
from keepwell.ports.samples import NAME
from keepwell.rooms.alerts.rules.checks import CheckRules
from keepwell.rooms.alerts.rules.model import Point, RuleSet
from keepwell.rooms.alerts.rules.work.measured import MeasuredRules, Verbs
from keepwell.rooms.promql.labels import Labels
from keepwell.rooms.promql.model import Limits, Result
from keepwell.rooms.promql.rules.evaluation import Row, expanded_texts
from keepwell.rooms.promql.rules.memory import MemorySamples
from keepwell.rooms.promql.templates.model import Found
from keepwell.rooms.promql.templates.rule_texts import NO_OUTSIDE
from keepwell.rooms.promql.work import query_instant
from keepwell.rooms.samples.selectors import read_selector
from tests.alerts_desk import Rig

EVERY = 15.0


def rules_in(folder: Path, text: str) -> RuleSet:
    """The rules of a configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keepwell.yaml").write_text(f"keepwell: 1\nservice: shop\n{text}")
    return rules_of(load(folder, verbs.sections(), {}))


class Evaluated:
    """Rules over samples (``measured``) and over checks (``checks``) as they run."""

    def __init__(self, rig: Rig, rules: RuleSet) -> None:
        self.rig = rig
        self.samples = MemorySamples()
        self.measured = MeasuredRules(Verbs(self._ask, self._write, rig.desk.change, rig.desk.known), rig.clock)
        self.measured.configure(rules.measured)
        self.checks = CheckRules()
        self.checks.configure(rules.checks, {rule.check for rule in rules.checks})
        self._counted: dict[str, float] = {}

    def now(self) -> int:
        """The instant in milliseconds."""
        return round(self.rig.clock.now().timestamp() * 1000)

    def give(self, values: Mapping[str, float], seconds: float = EVERY) -> None:
        """Samples of this instant, by selectors; a counter gains as much a second."""
        rows = []
        for selector, value in values.items():
            labels = Labels({matcher.label: matcher.value for matcher in read_selector(selector)})
            if labels[NAME].endswith(("_total", "_bucket")):
                value = self._counted[selector] = self._counted.get(selector, 0.0) + value * seconds
            rows.append(Row(labels, self.now(), value))
        self.samples.give(rows)

    async def run(self, seconds: float, values: Mapping[str, float] | None = None) -> None:
        """Time passes; every 15 seconds there are these samples, and every rule is evaluated."""
        end = self.rig.clock.monotonic() + seconds
        while self.rig.clock.monotonic() < end:
            await self.rig.after(EVERY)
            self.give(values or {})
            for job in self.measured.take_due(self.rig.clock.monotonic() + EVERY):
                await job.run()

    def active(self) -> list[str]:
        """What is active, as ``Name severity state``."""
        return sorted(f"{alert.name} {alert.severity} {alert.state.value}" for alert in self.rig.desk.active())

    async def _ask(self, text: str, at: int) -> Sequence[Point]:
        return points_of(await self._result(text, at))

    async def _write(self, texts: Mapping[str, str], point: Point, at: int) -> Mapping[str, str]:
        return await expanded_texts(texts, Found(point.labels, point.value), NO_OUTSIDE, at, self._result)

    async def _result(self, text: str, at: int) -> Result:
        self.samples.until = at
        return await query_instant(text, at, self.samples.select, Limits())
