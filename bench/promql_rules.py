"""CPU of 1,000 alerting rules, each evaluated every 30 seconds: ``python -m bench.promql_rules``.

Twenty groups of fifty rules over 400 series in a real store, a sample of each every ten seconds: shares of failed requests, thresholds of
latencies and of settings, absences. One rule in a hundred fires. The figures are of the whole process: rules, the store that their ALERTS
go into, and the samples that are brought meanwhile.
"""

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.measure import Row, show
from bench.samples_load import ENDPOINTS, LATENCY, REQUESTS, SETTINGS, STEP, Load, labels
from keepwell.composition.promql import OwnStore
from keepwell.engine import Engine
from keepwell.machine.clock import SystemClock
from keepwell.rooms.promql.own import OwnEngine
from keepwell.rooms.promql.rules.model import Alerting, Group
from keepwell.rooms.promql.rules.recorded import Recorded
from keepwell.rooms.promql.rules.work import Rules
from keepwell.rooms.samples.work.store import SampleStore

SERIES = 400
RULES, GROUPS = 1_000, 20
INTERVAL = 30
PAST = 60
"""Samples of each series that the store holds at the start."""

TEXTS = {"summary": "{{ $labels.instance }} has {{ $value | humanize }}", "severity": "page"}


def expression(number: int) -> str:
    """The expression of a rule; every hundredth fires."""
    endpoint = f'endpoint="/api/v1/part-{number % ENDPOINTS}"'
    if number % 100 == 0:
        return f"{LATENCY}{{{endpoint}}} > 0"
    match number % 4:
        case 0:
            failed = f'sum by (endpoint) (rate({REQUESTS}{{{endpoint},status="500"}}[5m]))'
            return f"{failed} / sum by (endpoint) (rate({REQUESTS}{{{endpoint}}}[5m])) > 0.9{number}"
        case 1:
            return f"max_over_time({LATENCY}{{{endpoint}}}[5m]) > {1000 + number}"
        case 2:
            return f'{SETTINGS}{{setting="limit_{number % (SERIES // 2)}"}} > {1_000_000 + number}'
        case _:
            return f'absent({LATENCY}{{{endpoint},instance="host-0:8080"}}) > {number}'


def groups() -> list[Group]:
    """All rules."""
    rules = [Alerting(f"Rule{number}", expression(number), {}, TEXTS, 60_000) for number in range(RULES)]
    each = RULES // GROUPS
    return [Group(f"group-{at}", "bench.yml", rules[at * each : (at + 1) * each], INTERVAL * 1000) for at in range(GROUPS)]


def cpu() -> float:
    """Seconds of CPU of this process, all its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def feed(store: SampleStore, load: Load, names: Sequence[Mapping[str, str]], start: int, steps: int) -> None:
    """Brings so many samples of each series."""
    chunk = load.chunk(start, steps)
    for row, at in enumerate(chunk.at):
        await store.add("bench", names, np.full(len(names), at), chunk.values[row])


async def keep_feeding(store: SampleStore, load: Load, names: Sequence[Mapping[str, str]]) -> None:
    """A sample of each series every ten seconds, until it is cancelled."""
    while True:
        await feed(store, load, names, int(time.time() * 1000), 1)
        await asyncio.sleep(STEP / 1000)


async def measured(folder: Path, seconds: int, wanted: Sequence[Group]) -> tuple[float, list[float], int, str]:
    """The share of a core over so many seconds, how long each group's newest evaluation took, how many rules fire, and a rule's error."""
    clock = SystemClock()
    store = SampleStore(folder, clock)
    await store.begin()
    load, names = Load(SERIES), labels(SERIES)
    await feed(store, load, names, int(time.time() * 1000) - PAST * STEP, PAST)
    recorded = Recorded(store.add)
    own = OwnEngine(OwnStore(store, recorded))
    rules = Rules(lambda: own, recorded.write, clock)
    await rules.take(wanted)
    engine = Engine([rules], clock)
    running = asyncio.create_task(engine.run())
    feeding = asyncio.create_task(keep_feeding(store, load, names))
    await asyncio.sleep(INTERVAL + 5)  # every expression is parsed by then
    began, before = time.monotonic(), cpu()
    await asyncio.sleep(seconds)
    share = (cpu() - before) / (time.monotonic() - began)
    shown = rules.groups()
    feeding.cancel()
    await engine.stop(5)
    await running
    await store.end()
    firing = sum(rule.state != "inactive" for group in shown for rule in group.rules)
    error = next((rule.error for group in shown for rule in group.rules if rule.error), "")
    return share, sorted(group.evaluation_time for group in shown), firing, error


def main() -> None:
    """With rules, and without."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long is measured")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        share, took, firing, error = asyncio.run(measured(Path(folder), arguments.seconds, groups()))
    if error:
        raise SystemExit(f"a rule fails: {error}")
    with tempfile.TemporaryDirectory() as folder:
        idle, *_ = asyncio.run(measured(Path(folder), arguments.seconds // 2, ()))
    per_round = (share - idle) * INTERVAL / RULES * 1000
    show(
        f"{RULES} alerting rules every {INTERVAL} s over {SERIES} series",
        [
            Row("share of a core, in all", share * 100, "%", 10),
            Row("share of a core without rules", idle * 100, "%"),
            Row("one evaluation of one rule", per_round, "ms CPU"),
            Row(f"a group of {RULES // GROUPS} rules, median", took[len(took) // 2] * 1000, "ms"),
            Row("rules with alerts", firing, "rules", 10),
        ],
    )


if __name__ == "__main__":
    main()
