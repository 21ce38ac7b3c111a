"""Whose fault a failure is, where something that is needed is down, or this machine's own connection is cut."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from keepwell.config.options import Options
from keepwell.config.targets import Target
from keepwell.kernel.states import State
from keepwell.ports.http import Request
from keepwell.ports.runner import Command
from keepwell.rooms.checks.causes import Needed, all_needed, cut_off, ours, over_network, parent_down, runs_programs
from keepwell.rooms.checks.model import Check, CheckOptions, Kind, Observation, Probe, Standing

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FAILED = Observation(State.FAIL, "GET /health: connection refused", {"duration_seconds": 0.1})


def a(check: str, target: str, state: State, observed: State | None = None) -> Needed:
    return Needed(target, check, Standing(state, NOW, observed or state, f"what {check} saw", NOW))


def test_what_is_needed_is_found_through_others_nearest_first() -> None:
    depends_on = {"api": ("db", "cache"), "db": ("host",), "cache": ("host",), "host": (), "web": ("api",)}
    assert all_needed("web", depends_on) == ("api", "db", "cache", "host")
    assert all_needed("host", depends_on) == ()


@pytest.mark.parametrize(
    ("needed", "state", "words"),
    [
        ([], State.FAIL, FAILED.sentence),
        ([a("connections", "db", State.OK)], State.FAIL, FAILED.sentence),
        ([a("connections", "db", State.WARN)], State.FAIL, FAILED.sentence),
        ([a("connections", "db", State.UNKNOWN)], State.FAIL, FAILED.sentence),
        ([Needed("db", "never-looked-at", None)], State.FAIL, FAILED.sentence),
        ([a("size", "db", State.OK), a("up", "db", State.FAIL)], State.UNKNOWN, "db is down: up says what up saw (here: "),
        ([a("up", "db", State.OK, State.FAIL)], State.UNKNOWN, "db seems to be down: up says what up saw (here: "),
        ([a("up", "db", State.OK, State.FAIL), a("ping", "host", State.FAIL)], State.UNKNOWN, "host is down: ping says "),
        ([a("up", "db", State.UNKNOWN, State.UNKNOWN), a("ping", "host", State.FAIL)], State.UNKNOWN, "host is down: ping says "),
    ],
)
def test_a_failure_below_something_that_is_down_is_unknown(needed: list[Needed], state: State, words: str) -> None:
    judged = parent_down(FAILED, needed)
    assert judged.state is state
    assert judged.sentence.startswith(words)
    assert judged.values == FAILED.values


@pytest.mark.parametrize("state", [State.OK, State.WARN, State.UNKNOWN])
def test_what_did_not_fail_stays_as_it_was_seen(state: State) -> None:
    seen = Observation(state, "seen")
    assert parent_down(seen, [a("up", "db", State.FAIL)]) is seen
    assert ours(seen, [a("gateway", "gateway", State.FAIL)]) is seen


def test_the_fault_is_ours_where_every_guard_fails_too() -> None:
    gateway, resolver = a("gateway", "gateway", State.FAIL), a("resolver", "resolver", State.OK, State.FAIL)
    judged = ours(FAILED, [gateway, resolver])
    assert judged.state is State.UNKNOWN
    assert judged.sentence.startswith("Keepwell's own connection is cut: gateway, resolver cannot be reached either (here: GET /health")
    assert ours(FAILED, [gateway, a("resolver", "resolver", State.OK)]) is FAILED
    assert ours(FAILED, []) is FAILED
    assert not cut_off([])
    assert not cut_off([Needed("gateway", "gateway", None)])


class Addressed(Options):
    """Options that may hold a host."""

    host: str | None = None


def check(question: Any, **more: Any) -> Check:
    driver: Any = Kind("asks", Addressed, lambda _options, _target: (question,), lambda *_: FAILED)
    return Check("one", "kind", CheckOptions(), driver, Addressed(), **more)


async def _no_probe(*_: Any) -> Observation:
    return FAILED


@pytest.mark.parametrize(
    ("host", "outside"),
    [
        ("10.0.0.1", True),
        ("localhost", False),
        ("127.0.0.9", False),
        ("::1", False),
        ("127.0.0.1:80", False),
        ("[::1]:80", False),
        ("db:5432", True),
        (None, True),
    ],
)
def test_which_probes_leave_this_machine(host: str | None, outside: bool) -> None:
    probing = replace(check(None), driver=Probe("probes", Addressed, _no_probe), settings=Addressed(host=host))
    assert over_network(probing) is outside
    assert not runs_programs(probing)


def test_which_questions_leave_this_machine() -> None:
    assert over_network(check(Request("https://api.example.org/health")))
    assert not over_network(check(Request("http://127.0.0.1:8080/health")))
    assert not over_network(check(Command(("df",))))
    assert runs_programs(check(Command(("df",))))
    target = Target(url="http://[::1]:8080")
    assert not over_network(replace(check(None), driver=Probe("probes", Addressed, _no_probe), target=target))
