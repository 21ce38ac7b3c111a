"""The laboratory's day: the same each time, whole, and broken where it says."""

from datetime import UTC, datetime

import numpy as np
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from keepwell.demo.laboratory.faults import FAULTS
from lab.day import DAY, EVERY, SPELLS, STOPPED, Series, day, openmetrics

END = datetime(2026, 11, 22, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def series() -> list[Series]:
    return list(day(END))


def states(series: list[Series], check: str) -> Series:
    return next(one for one in series if one.name == "check_state" and one.labels["check"] == check)


def test_it_is_the_same_each_time(series: list[Series]) -> None:
    again = list(day(END))
    assert [one.labels for one in again] == [one.labels for one in series]
    assert all(np.array_equal(one.values, other.values) for one, other in zip(series, again, strict=True))


def test_it_covers_the_day_but_for_when_nobody_looked(series: list[Series]) -> None:
    at = states(series, "health").at
    first = END.timestamp() - DAY
    assert at[0] == first
    assert at[-1] == END.timestamp() - EVERY
    assert len(at) == (DAY - STOPPED.seconds) // EVERY
    assert not ((at >= first + STOPPED.start) & (at < first + STOPPED.start + STOPPED.seconds)).any()


@pytest.mark.parametrize("fault", ["api-slow", "api-errors", "api-down"])
def test_a_check_fails_while_a_fault_is_on(series: list[Series], fault: str) -> None:
    found = states(series, "health")
    spell = next(one for one in SPELLS if one.fault == fault)
    since = found.at - (END.timestamp() - DAY)
    inside = (since >= spell.start) & (since < spell.start + spell.seconds)
    assert (found.values[inside] == 2).all()


def test_it_is_well_otherwise_and_its_faults_are_the_laboratorys(series: list[Series]) -> None:
    found = states(series, "health")
    broken = sum(spell.seconds for spell in SPELLS if spell.fault != "memory-leak") // EVERY
    assert (found.values == 2).sum() == broken
    assert {spell.fault for spell in SPELLS} <= {fault.name for fault in FAULTS}
    memory = states(series, "process-tonehoused").values
    assert (memory == 1).any(), "a leak is a warning first"
    assert set(np.unique(states(series, "disk").values)) == {0.0}


def test_counters_begin_anew_when_the_server_does(series: list[Series]) -> None:
    counters = [one for one in series if one.name.endswith("_total") and one.labels["code"] == "200"]
    assert len(counters) == 4
    for one in counters:
        falls = np.flatnonzero(np.diff(one.values) < 0)
        assert len(falls) == 1


def test_it_is_openmetrics() -> None:
    lines = list(openmetrics(day(END, every=600)))
    families = list(text_string_to_metric_families("".join(lines)))
    assert len({family.name for family in families}) == len(families)
    assert {family.type for family in families} == {"gauge", "counter"}
    samples = sum(len(family.samples) for family in families)
    assert samples == len([line for line in lines if not line.startswith("#")])
