"""Groups of rules as they run: when, what they write, how alerts go through their states and go on after a restart."""

import asyncio
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from keepwell.ports.samples import NAME, is_stale
from keepwell.rooms.promql.engine import USUAL, Bounds
from keepwell.rooms.promql.labels import Labels
from keepwell.rooms.promql.model import Limits, Result
from keepwell.rooms.promql.rules.evaluation import Row, RunningGroup
from keepwell.rooms.promql.rules.memory import MemorySamples
from keepwell.rooms.promql.rules.reading import parse_rules
from keepwell.rooms.promql.rules.recorded import Recorded
from keepwell.rooms.promql.rules.timing import next_slot, spread
from keepwell.rooms.promql.rules.work import Rules
from keepwell.rooms.promql.work import query_instant

MINUTE = 60_000


class Bench:
    """Samples in memory, and one group over them."""

    def __init__(self, rules: str, extra: str = "") -> None:
        text = f"groups:\n  - name: g\n{extra}    rules:\n{rules}"
        (group,) = parse_rules(text.encode(), "r.yml").groups
        self.samples = MemorySamples()
        self.rows: list[Row] = []
        self.running = RunningGroup(group)

    async def ask(self, text: str, at: int) -> Result:
        return await query_instant(text, at, self.samples.select, Limits())

    def write(self, rows: Sequence[Row]) -> None:
        self.rows += rows
        self.samples.give(rows)

    def put(self, name: str, at: int, value: float, **labels: str) -> None:
        self.samples.give([Row(Labels({NAME: name, **labels}), at, value)])

    async def evaluate(self, at: int) -> list[Row]:
        self.samples.until = max(at, self.samples.until)
        before = len(self.rows)
        await self.running.evaluate(at, self.ask, self.write)
        return self.rows[before:]


def shown(rows: Sequence[Row]) -> set[tuple[str, str]]:
    return {(str(row.labels), "stale" if is_stale(np.array([row.value]))[0] else f"{row.value:g}") for row in rows}


async def test_rules_are_evaluated_in_turn_and_series_that_end_are_marked() -> None:
    bench = Bench(
        "      - {record: a, expr: sum by (x) (m), labels: {y: '1'}}\n      - {record: b, expr: a * 2}\n", "    query_offset: 1m\n"
    )
    bench.put("m", 0, 3.0, x="q")
    rows = await bench.evaluate(MINUTE)
    assert [row.at for row in rows] == [0, 0]
    assert shown(rows) == {('{__name__="a", x="q", y="1"}', "3"), ('{__name__="b", x="q", y="1"}', "6")}
    rows = await bench.evaluate(20 * MINUTE)
    assert shown(rows) == {('{__name__="a", x="q", y="1"}', "stale"), ('{__name__="b", x="q", y="1"}', "stale")}
    assert await bench.evaluate(21 * MINUTE) == []


async def test_a_rule_that_fails_stops_no_other() -> None:
    rules = "      - {record: a, expr: 'vector(1) + on() group_left() m', labels: {l: x}}\n      - {record: b, expr: 1}\n"
    bench = Bench(
        rules + "      - {record: c, expr: 'sum without (x) (m)'}\n      - {alert: D, expr: m, labels: {x: ''}}\n", "    limit: 1\n"
    )
    bench.put("m", 0, 1.0, x="1")
    bench.put("m", 0, 2.0, x="2")
    rows = await bench.evaluate(1)
    assert shown(rows) == {('{__name__="b"}', "1"), ('{__name__="c"}', "3")}
    failing, *good, twice = bench.running.rules
    assert failing.health == twice.health == "err"
    assert "many-to-many" in failing.error
    assert "same labelset" in twice.error
    assert [rule.health for rule in good] == ["ok", "ok"]


async def test_a_limit_refuses_all_series_of_a_rule() -> None:
    bench = Bench("      - {record: a, expr: m}\n      - {alert: B, expr: m}\n", "    limit: 1\n")
    for name in "xy":
        bench.put("m", 0, 1.0, x=name)
    assert await bench.evaluate(1) == []
    assert [rule.error for rule in bench.running.rules] == ["exceeded limit of 1 with 2 series", "exceeded limit of 1 with 2 alerts"]


async def test_an_alert_waits_fires_goes_on_and_ends() -> None:
    bench = Bench("      - {alert: High, expr: m > 1, for: 2m, keep_firing_for: 2m, labels: {v: '{{ $value }}', x: ''}}\n")
    rule = bench.running.rules[0]
    rule.restored = True
    states = []
    for minute in range(9):
        bench.put("m", minute * MINUTE, 5.0 if minute < 4 else 0.0, x="1")
        rows = await bench.evaluate(minute * MINUTE)
        states.append([alert.state for alert in rule.active.values()])
        if minute == 2:
            assert shown(rows) == {
                ('{__name__="ALERTS", alertname="High", alertstate="firing", v="5"}', "1"),
                ('{__name__="ALERTS", alertname="High", alertstate="pending", v="5"}', "stale"),
                ('{__name__="ALERTS_FOR_STATE", alertname="High", v="5"}', "0"),
            }
    assert states == [["pending"], ["pending"], *[["firing"]] * 4, *[["inactive"]] * 3]
    await bench.evaluate(22 * MINUTE)
    assert rule.active == {}


@pytest.mark.parametrize(
    ("down", "hold", "fires"),
    [
        (10, 30, 40),  # 20 minutes had passed; those of the outage do not count
        (50, 30, 80),
        (10, 15, 15),  # it was firing
        (10, 25, 40),  # 5 were left: at least the 10 of grace
        (70, 30, 120),  # too long ago: it begins anew
    ],
)
async def test_after_a_restart_an_alert_goes_on_waiting(down: int, hold: int, fires: int) -> None:
    rules = f"      - {{alert: High, expr: m > 1, for: {hold}m, labels: {{severity: page}}}}\n"
    before = Bench(rules)
    before.running.rules[0].restored = True
    for minute in range(21):
        before.put("m", minute * MINUTE, 5.0)
        await before.evaluate(minute * MINUTE)
    after = Bench(rules)
    after.samples = before.samples
    start = (20 + down) * MINUTE
    after.put("m", start, 5.0)
    assert await after.evaluate(start) == []
    await after.running.restore(start, after.ask)
    (alert,) = after.running.rules[0].active.values()
    assert alert.active_at + hold * MINUTE == fires * MINUTE
    since = ('{__name__="ALERTS_FOR_STATE", alertname="High", severity="page"}', f"{alert.active_at // 1000:g}")
    assert since in shown(await after.evaluate(start + 1))


async def test_an_alert_that_had_ended_before_a_restart_begins_anew() -> None:
    rules = "      - {alert: High, expr: m > 1, for: 30m}\n"
    before = Bench(rules)
    before.running.rules[0].restored = True
    for minute in range(21):
        before.put("m", minute * MINUTE, 5.0 if minute < 20 else 0.0)
        await before.evaluate(minute * MINUTE)
    after = Bench(rules)
    after.samples = before.samples
    start = 22 * MINUTE
    after.put("m", start, 5.0)
    await after.evaluate(start)
    await after.running.restore(start, after.ask)
    (alert,) = after.running.rules[0].active.values()
    assert alert.active_at == start


def test_groups_are_spread_and_aligned() -> None:
    offsets = {spread(("a.yml", f"g{number}"), MINUTE) for number in range(100)}
    assert len(offsets) > 95
    assert min(offsets) < 6_000 < 54_000 < max(offsets)
    assert next_slot(100_000, MINUTE, 7_000, None) == 127_000
    assert next_slot(127_000, MINUTE, 7_000, 127_000) == 187_000
    assert next_slot(126_990, MINUTE, 7_000, 127_000) == 187_000  # the clock was set back by a little
    assert next_slot(1_000, MINUTE, 7_000, 127_000) == 7_000  # and by a lot
    assert next_slot(500_000, MINUTE, 7_000, 127_000) == 547_000  # what went by is not made up for


class TurnedClock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class MemoryEngine:
    """An engine that answers instants over samples in memory."""

    def __init__(self, samples: MemorySamples) -> None:
        self.samples = samples

    async def instant(self, text: str, at: int, bounds: Bounds = USUAL) -> Result:
        self.samples.until = max(self.samples.until, at)
        return await query_instant(text, at, self.samples.select, Limits())


async def turn(rules: Rules, clock: TurnedClock, seconds: float) -> None:
    """Runs what becomes due in that time."""
    end = clock.seconds + seconds
    while (due := rules.next_due()) is not None and due <= end:
        clock.seconds = max(clock.seconds, due)
        for job in rules.take_due(clock.seconds):
            await job.run()
    clock.seconds = end


async def test_an_activity_reads_files_and_evaluates_each_group_at_its_interval(tmp_path: Path) -> None:
    samples, clock, rows = MemorySamples(), TurnedClock(), []

    def write(found: Sequence[Row]) -> None:
        rows.extend(found)
        samples.give(found)

    path = tmp_path / "r.yml"
    path.write_text(
        "groups:\n  - {name: quick, interval: 10s, rules: [{record: t, expr: time()}]}\n"
        "  - {name: usual, rules: [{record: u, expr: 1}, {alert: A, expr: u}]}\n"
    )
    rules = Rules(lambda: MemoryEngine(samples), write, clock)  # type: ignore[arg-type, return-value]
    rules.configure(tmp_path, ["*.yml"])
    await turn(rules, clock, 240)
    quick = [row for row in rows if row.labels[NAME] == "t"]
    assert len(quick) == 24
    assert {later.at - earlier.at for earlier, later in pairwise(quick)} == {10_000}
    assert all(math.isclose(row.value, row.at / 1000) for row in quick)
    assert len([row for row in rows if row.labels[NAME] == "u"]) in (3, 4)
    # ALERTS are written from the third evaluation on: by then alerts of before a restart are known.
    assert len([row for row in rows if row.labels[NAME] == "ALERTS"]) in (1, 2)
    assert [(group.name, group.interval, group.rules[0].health) for group in rules.groups()] == [
        ("quick", 10.0, "ok"),
        ("usual", 60.0, "ok"),
    ]

    # An invalid file changes nothing; a group that goes ends its series, and the other goes on where it was.
    valid = path.read_text()
    path.write_text("groups: [{name: x, rules: [{record: y}]}]")
    rules.configure(tmp_path, ["*.yml"])
    await turn(rules, clock, 1)
    assert rules.problems == ('the rule has no "expr"',)
    assert rules.faults() == ('the newest rule files are refused: the rule has no "expr"',)
    assert len(rules.groups()) == 2
    path.write_text(valid.replace("record: t,", "record: v,").replace("name: quick", "name: other"))
    rules.configure(tmp_path, ["*.yml"])
    rows.clear()
    await turn(rules, clock, 30)
    assert rules.problems == rules.faults() == ()
    assert [str(row.labels) for row in rows if is_stale(np.array([row.value]))[0]][:1] == ['{__name__="t"}']
    assert rules.groups()[1].rules[1].state == "firing"


async def test_what_was_written_is_seen_before_it_is_kept() -> None:
    kept, outcomes = MemorySamples(), []
    kept.until = 1 << 60

    def add(source: str, series: object, at: object, value: object) -> "asyncio.Future[None]":
        outcomes.append(asyncio.get_running_loop().create_future())
        return outcomes[-1]

    recorded = Recorded(add)  # type: ignore[arg-type]
    select = recorded.over(kept.select)
    first, second = Row(Labels({NAME: "a"}), 1, 1.0), Row(Labels({NAME: "a"}), 2, 2.0)
    kept.give([first])
    recorded.write([first, second])
    recorded.write([Row(Labels({NAME: "b"}), 2, 3.0)])
    columns = await select((), 0, 10)
    assert [(column.labels[NAME], column.timestamps.tolist(), column.values.tolist()) for column in columns] == [
        ("a", [1, 2], [1.0, 2.0]),
        ("b", [2], [3.0]),
    ]
    assert len(await select((), 3, 10)) == 0
    for outcome in outcomes:
        outcome.set_result(None)
    await asyncio.sleep(0)
    assert [column.timestamps.tolist() for column in await select((), 0, 10)] == [[1]]


def test_the_spread_is_the_same_after_a_restart() -> None:
    assert spread(("r.yml", "g"), MINUTE) == spread(("r.yml", "g"), MINUTE) < timedelta(minutes=1) // timedelta(milliseconds=1)
