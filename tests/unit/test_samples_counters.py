"""Counters from log lines: they grow, go on after a restart, and stay few."""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.kernel.problems import StorageError
from keepwell.ports.counters import Counters
from keepwell.ports.fakes import FakeClock, ListSamples
from keepwell.rooms.samples.counters import LONGEST_VALUE, SampledCounters
from keepwell.rooms.samples.model import Labels, Metric

NAME = "log_lines_total"


class Store(ListSamples):
    """Remembers samples over a restart and gives each series' newest value."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock, self.broken, self.described = clock, False, dict[str, Metric]()

    async def newest(self, name: str, within: timedelta) -> Sequence[tuple[Labels, float]]:
        if self.broken:
            raise StorageError("the disk is full")
        last: dict[tuple[tuple[str, str], ...], float] = {}
        for sample in self.samples:
            if sample.name == name and sample.at >= self.clock.now() - within:
                last[tuple(sorted(sample.labels.items()))] = sample.value
        return [({"__name__": name, **dict(key)}, value) for key, value in last.items()]

    async def describe(self, metrics: Mapping[str, Metric]) -> None:
        self.described.update(metrics)

    def counters(self, most: int = 1000) -> SampledCounters:
        counters = SampledCounters(self, self.newest, self.describe, self.clock, most)
        counters.declare(NAME, "Lines of the log")
        return counters

    def values(self, **labels: str) -> list[float]:
        return [sample.value for sample in self.samples if sample.labels == labels]


@pytest.fixture
def store() -> Store:
    return Store(FakeClock())


async def _later(store: Store, counters: SampledCounters, seconds: float = 15) -> None:
    store.clock.advance(seconds)
    await counters.sample()


async def test_what_is_added_becomes_samples_and_begins_at_zero(store: Store) -> None:
    counters: Counters = store.counters()
    assert isinstance(counters, SampledCounters)
    for level in ("error", "error", "info"):
        counters.add(NAME, {"level": level})
    await _later(store, counters)
    counters.add(NAME, {"level": "error"}, 2.5)
    await _later(store, counters)
    assert store.values(level="error") == [0.0, 2.0, 4.5]
    assert store.values(level="info") == [0.0, 1.0, 1.0]
    instants = [sample.at for sample in store.samples if sample.labels == {"level": "error"}]
    assert instants == sorted(set(instants))
    assert store.described == {NAME: Metric("counter", "Lines of the log")}


async def test_a_restart_is_no_reset(store: Store) -> None:
    before = store.counters()
    before.add(NAME, {"level": "error"}, 1000)
    await _later(store, before)
    after = store.counters()
    after.add(NAME, {"level": "error"})
    await _later(store, after)
    assert store.values(level="error") == [0.0, 1000.0, 1001.0]


async def test_what_the_store_has_not_seen_for_an_hour_begins_again(store: Store) -> None:
    before = store.counters()
    before.add(NAME, {"level": "error"}, 1000)
    await _later(store, before)
    store.clock.advance(3601)
    after = store.counters()
    after.add(NAME, {"level": "error"})
    await _later(store, after)
    assert store.values(level="error") == [0.0, 1000.0, 0.0, 1.0]


async def test_a_store_that_cannot_be_asked_loses_nothing(store: Store) -> None:
    before = store.counters()
    before.add(NAME, {}, 7)
    await _later(store, before)
    store.broken = True
    after = store.counters()
    after.add(NAME, {}, 1)
    await _later(store, after)
    assert store.values() == [0.0, 7.0]
    store.broken = False
    after.add(NAME, {}, 1)
    await _later(store, after)
    assert store.values() == [0.0, 7.0, 9.0]


async def test_sets_of_labels_are_bounded_and_no_line_is_lost_from_the_sum(store: Store) -> None:
    counters = store.counters(most=3)
    for number in range(1000):
        counters.add(NAME, {"path": f"/{number}"})
    counters.add(NAME, {"path": "x" * (LONGEST_VALUE + 1)})
    await _later(store, counters)
    assert counters.series == 4
    assert store.values(overflow="true")[-1] == 998
    problems = counters.problems()
    assert len(problems) == 1
    assert "log_lines_total has more than 3 sets of labels" in problems[0]


async def test_a_restart_with_overflow_stays_within_bounds(store: Store) -> None:
    before = store.counters(most=2)
    for number in range(10):
        before.add(NAME, {"path": f"/{number}"})
    await _later(store, before)
    after = store.counters(most=2)
    after.add(NAME, {"path": "/new"})
    await _later(store, after)
    assert after.series <= 3
    assert store.values(overflow="true") == [0.0, 8.0, 8.0]
    assert store.values(path="/new")[-1] == 1


@pytest.mark.parametrize("amount", [math.nan, math.inf, -math.inf, -1.0])
async def test_what_is_no_amount_is_not_added_and_told(store: Store, amount: float) -> None:
    counters = store.counters()
    counters.add(NAME, {})
    counters.add(NAME, {}, amount)
    await _later(store, counters)
    assert store.values() == [0.0, 1.0]
    assert counters.problems() == ["log_lines_total: amounts that are negative or no numbers are not added (1 so far)"]


@pytest.mark.parametrize("name", ["", "lines", "1_total", "log-lines_total", "log_total ", "ü_total"])
def test_names_that_no_counter_has_are_refused(store: Store, name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a counter"):
        store.counters().declare(name)


def test_unknown_counters_and_labels_are_refused(store: Store) -> None:
    counters = store.counters()
    with pytest.raises(KeyError):
        counters.add("other_total", {})
    for label in ("", "a-b", "__name__", "1a"):
        with pytest.raises(ValueError, match="is no name of a label"):
            counters.add(NAME, {label: "x"})


@given(st.lists(st.one_of(st.floats(min_value=0, max_value=1e6), st.just(None)), max_size=40))
async def test_through_any_restarts_the_series_never_falls(steps: list[float | None]) -> None:
    store = Store(FakeClock())
    counters, total = store.counters(), 0.0
    for step in steps:
        if step is None:
            await _later(store, counters, 1)
            counters = store.counters()
        else:
            counters.add(NAME, {}, step)
            total += step
    await _later(store, counters, 1)
    values = store.values()
    assert values == sorted(values)
    assert not values or values[-1] == pytest.approx(total)
