"""What an observation leaves as samples."""

from datetime import UTC, datetime

import pytest

from keepwell.kernel.states import State
from keepwell.rooms.checks.model import Observation, Seen, Standing
from keepwell.rooms.checks.sampled import metric_name, sampled

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _seen(state: State, target: str = "", **values: float) -> Seen:
    observation = Observation(state, "a sentence", values)
    return Seen(1, "api", 0, NOW, observation, Standing(state, NOW, state, "a sentence", NOW, 0, values), None, target=target)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.OK, {"check_state": 0.0, "check_up": 1.0}),
        (State.WARN, {"check_state": 1.0, "check_up": 1.0}),
        (State.FAIL, {"check_state": 2.0, "check_up": 0.0}),
        (State.UNKNOWN, {"check_state": 3.0}),
    ],
)
def test_the_state_is_a_sample_and_whether_it_was_up_where_somebody_knows(state: State, expected: dict[str, float]) -> None:
    left = list(sampled(_seen(state)))
    assert {sample.name: sample.value for sample in left} == expected
    assert all(sample.labels == {"check": "api"} and sample.at == NOW for sample in left)


def test_values_keep_their_names_and_carry_check_and_target() -> None:
    left = {sample.name: sample for sample in sampled(_seen(State.OK, "shop", total_seconds=0.25))}
    assert left["total_seconds"].value == 0.25
    assert left["total_seconds"].labels == {"check": "api", "target": "shop"}


@pytest.mark.parametrize(
    ("name", "metric"),
    [("total_seconds", "total_seconds"), ("json_a.b-c", "json_a_b_c"), ("95th", "_95th"), ("größe", "gr__e"), ("", "")],
)
def test_what_prometheus_does_not_allow_in_a_name_becomes_an_underscore(name: str, metric: str) -> None:
    assert metric_name(name) == metric
