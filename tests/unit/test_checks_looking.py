"""Looks beside each other: what is needed is looked at first, guards are asked, and no target or host is looked at by too many."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from keepwell.config.options import Options
from keepwell.config.targets import Target
from keepwell.kernel.states import State
from keepwell.machine.clock import SystemClock
from keepwell.ports.fakes import FakeFiles, FakeHttp, FakeRunner, FakeSecrets, ListSamples
from keepwell.ports.host import Host
from keepwell.ports.runner import Command, Result
from keepwell.rooms.checks.model import Check, CheckOptions, Kept, Kind, Observation, Probe, Seen
from keepwell.rooms.checks.work import looking
from keepwell.rooms.checks.work.looking import Guarded
from keepwell.rooms.checks.work.watch import Checks


class Nothing(Options):
    """A driver without options."""


class Scene:
    """Targets that are up or down, checks that look at them and say so, and how often each was looked at."""

    def __init__(self) -> None:
        self.down: set[str] = set()
        self.looks: list[str] = []
        self.slow = 0.0
        self.at_once: dict[str, int] = {}
        self.most: dict[str, int] = {}

    def check(self, name: str, target: str, needs: tuple[str, ...] = (), at_once: int | None = None, **options: Any) -> Check:
        async def probe(_options: Nothing, _target: object, _host: Host, _timeout: float) -> Observation:
            self.looks.append(name)
            self.at_once[target] = self.at_once.get(target, 0) + 1
            self.most[target] = max(self.most.get(target, 0), self.at_once[target])
            await asyncio.sleep(self.slow)
            self.at_once[target] -= 1
            return Observation(State.FAIL, f"{name} saw nothing") if target in self.down else Observation(State.OK, "fine")

        what = Target(at_once=at_once)
        return Check(
            name, "probe", CheckOptions(**options), Probe("a probe", Nothing, probe), Nothing(), what, looks_at=target, needs=needs
        )


async def room(checks: Sequence[Check], guarded: Guarded = looking.NO_GUARD, runner: Any = None) -> Checks:
    async def identify(names: Mapping[str, str | None]) -> Mapping[str, Kept]:
        return {name: Kept(number, None, 0) for number, name in enumerate(names)}

    async def write(batch: Sequence[Seen]) -> None:
        """Stores nothing."""

    host = Host("local", runner or FakeRunner(), FakeFiles({}), FakeHttp(), SystemClock(), FakeSecrets({}))
    made = Checks(host, ListSamples(), identify, write)
    await made.configure(checks, guarded=guarded)
    return made


def state(checks: Checks, name: str) -> tuple[State, str]:
    decided = checks._watched[name].decided
    assert decided is not None
    return decided.state, decided.sentence


CHAIN = ("host", "db", "api")


def chain(scene: Scene, **options: Any) -> list[Check]:
    return [
        scene.check("api-health", "api", ("db", "host"), **options),
        scene.check("db-connections", "db", ("host",), **options),
        scene.check("ping", "host", **options),
    ]


@pytest.mark.parametrize("order", [("api-health", "db-connections", "ping"), ("ping", "db-connections", "api-health")])
async def test_one_thing_is_reported_whatever_was_looked_at_first(order: tuple[str, ...]) -> None:
    scene = Scene()
    checks = await room(chain(scene))
    for name in order:
        await checks.look_now(name)
    scene.down = {"db", "api"}
    for name in order:
        await checks.look_now(name)
    assert state(checks, "db-connections") == (State.FAIL, "db-connections saw nothing")
    found, sentence = state(checks, "api-health")
    assert found is State.UNKNOWN
    assert sentence == "db is down: db-connections says db-connections saw nothing (here: api-health saw nothing)"
    assert state(checks, "ping")[0] is State.OK


async def test_with_the_host_everything_on_it_is_unknown_even_at_the_same_moment() -> None:
    scene = Scene()
    scene.slow = 0.02
    checks = await room(chain(scene))
    scene.down = {"host", "db", "api"}
    await asyncio.gather(*(checks.look_now(name) for name in ("api-health", "db-connections", "ping")))
    assert state(checks, "ping") == (State.FAIL, "ping saw nothing")
    assert state(checks, "db-connections")[0] is State.UNKNOWN
    assert state(checks, "api-health")[0] is State.UNKNOWN
    assert state(checks, "api-health")[1].startswith("host is down: ping says")
    assert len(scene.looks) <= 6  # looked at again once at most


async def test_a_failure_of_its_own_is_its_own_and_known_failures_look_at_nothing_again() -> None:
    scene = Scene()
    checks = await room(chain(scene))
    scene.down = {"api"}
    await checks.look_now("api-health")
    assert state(checks, "api-health") == (State.FAIL, "api-health saw nothing")
    assert sorted(scene.looks) == ["api-health", "db-connections", "ping"]
    await checks.look_now("api-health")
    assert len(scene.looks) == 4


async def test_a_parent_that_is_not_confirmed_yet_is_reported_alone_all_the_same() -> None:
    scene = Scene()
    checks = await room([scene.check("api-health", "api", ("db",)), scene.check("db-up", "db", fail_after=3)])
    await checks.look_now("db-up")
    scene.down = {"db", "api"}
    await checks.look_now("api-health")
    assert state(checks, "api-health")[1].startswith("db seems to be down: db-up says")
    assert state(checks, "db-up")[0] is State.OK


async def test_what_is_ok_below_something_that_is_down_stays_ok() -> None:
    scene = Scene()
    checks = await room(chain(scene))
    scene.down = {"db"}
    for name in ("db-connections", "api-health"):
        await checks.look_now(name)
    assert state(checks, "api-health") == (State.OK, "fine")


async def test_a_cut_connection_is_our_own_fault() -> None:
    scene = Scene()
    guards = [scene.check("gateway", "gateway"), scene.check("resolver", "resolver")]
    checks = await room([scene.check("shop", "shop"), scene.check("mail", "mail"), *guards], Guarded(("gateway", "resolver"), several=1))
    scene.down = {"shop", "gateway"}
    await checks.look_now("shop")
    assert state(checks, "shop")[0] is State.FAIL  # one guard was reached
    assert checks.looking.cut_off == ()
    scene.down = {"shop", "mail", "gateway", "resolver"}
    await checks.look_now("mail")
    assert state(checks, "mail")[0] is State.UNKNOWN
    assert state(checks, "mail")[1].startswith("Keepwell's own connection is cut: gateway, resolver cannot be reached either")
    assert checks.looking.cut_off == ("gateway", "resolver")
    scene.down = set()
    for name in ("gateway", "resolver", "mail"):
        await checks.look_now(name)
    assert state(checks, "mail")[0] is State.OK
    assert checks.looking.cut_off == ()


async def test_guards_are_asked_only_when_several_fail() -> None:
    scene = Scene()
    names = ["a", "b", "c"]
    checks = await room([*(scene.check(name, name) for name in names), scene.check("gateway", "gateway")], Guarded(("gateway",), several=3))
    scene.down = {*names, "gateway"}
    for name in names:
        await checks.look_now(name)
    assert scene.looks == ["a", "b", "c", "gateway"]
    assert [state(checks, name)[0] for name in names] == [State.FAIL, State.FAIL, State.UNKNOWN]


async def test_a_target_is_looked_at_by_as_many_as_it_allows() -> None:
    scene = Scene()
    scene.slow = 0.02
    checks = await room([scene.check(f"c{number}", "api", at_once=2) for number in range(6)])
    looks = [asyncio.create_task(checks.look_now(f"c{number}")) for number in range(6)]
    await asyncio.sleep(0.01)
    assert checks.looking.held == 4
    await asyncio.gather(*looks)
    assert (scene.most["api"], checks.looking.held) == (2, 0)


async def test_a_host_runs_a_bounded_number_of_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "PROGRAMS_AT_ONCE", 3)
    running = most = 0

    class Runner:
        async def run(self, command: Command) -> Result:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.02)
            running -= 1
            return Result(0, None, "", "", 0.02)

    driver: Any = Kind("runs", Nothing, lambda _options, _target: (Command(("true",)),), lambda *_: Observation(State.OK, "ran"))
    one = Check("one", "runs", CheckOptions(), driver, Nothing())
    checks = await room([replace(one, name=f"c{number}") for number in range(9)], runner=Runner())
    await asyncio.gather(*(checks.look_now(f"c{number}") for number in range(9)))
    assert most == 3
