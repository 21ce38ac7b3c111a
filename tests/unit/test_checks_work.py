"""Looking, recording and showing, with a scripted driver and a clock that the test moves."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from keepwell.config.options import Options
from keepwell.kernel.problems import AnswerError, AskError, NotFound, Refused, StorageError
from keepwell.kernel.states import State
from keepwell.machine.clock import SystemClock
from keepwell.ports.fakes import FakeFiles, FakeHttp, FakeRunner, FakeSecrets, ListSamples
from keepwell.ports.host import Host
from keepwell.rooms.checks.model import Answer, Check, CheckOptions, Earlier, Kept, Kind, Observation, Probe, Seen
from keepwell.rooms.checks.work import recorder as recorder_module
from keepwell.rooms.checks.work.observe import observe
from keepwell.rooms.checks.work.recorder import Recorder
from keepwell.rooms.checks.work.watch import Checks


class Nothing(Options):
    """A driver without options."""


Result = Observation | Exception | float


def scripted(results: list[Result], needs_earlier: bool = False, name: str = "one", **options: Any) -> Check:
    """A check whose driver gives these results in turn: an observation, an exception, or so many seconds of waiting."""

    async def probe(_options: Nothing, _target: object, _host: Host, _timeout: float) -> Observation:
        result = results.pop(0) if len(results) > 1 else results[0]
        if isinstance(result, float):
            await asyncio.sleep(result)
            return Observation(State.OK, "after a while")
        if isinstance(result, Exception):
            raise result
        return result

    driver = Probe("scripted", Nothing, probe)
    return Check(name, "scripted", CheckOptions(**options), driver, Nothing())


def a_host() -> Host:
    return Host("local", FakeRunner(), FakeFiles({}), FakeHttp(), SystemClock(), FakeSecrets({}))


@dataclass
class Store:
    """Keeps what it is given; fails as often as it is told."""

    failures: int = 0
    batches: list[list[Seen]] = field(default_factory=list)

    async def identify(self, names: Mapping[str, str | None]) -> Mapping[str, Kept]:
        return {name: Kept(number, None, 0) for number, name in enumerate(names)}

    async def write(self, batch: Sequence[Seen]) -> None:
        if self.failures:
            self.failures -= 1
            raise StorageError("the database is locked")
        self.batches.append(list(batch))


@pytest.mark.parametrize(
    ("result", "state", "words"),
    [
        (Observation(State.WARN, "slow"), State.WARN, "slow"),
        (AnswerError("connection refused by 127.0.0.1:1"), State.FAIL, "connection refused by 127.0.0.1:1"),
        (AskError("no file descriptors"), State.UNKNOWN, "could not look: no file descriptors"),
        (ZeroDivisionError(), State.UNKNOWN, "could not look: an internal fault of Keepwell (ZeroDivisionError)"),
    ],
)
async def test_whose_fault_it_is(result: Result, state: State, words: str) -> None:
    seen = await observe(scripted([result]), a_host(), None)
    assert (seen.state, seen.sentence) == (state, words)


async def test_a_driver_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keepwell.rooms.checks.work.observe.BETWEEN_TWO_READINGS", 0.0)
    check = scripted([60.0], every="1s", timeout="200ms")
    seen = await observe(check, a_host(), None)
    assert (seen.state, seen.sentence) == (State.FAIL, "no result within 0.2 s")


async def test_what_nobody_accepted_does_not_run() -> None:
    ran: list[str] = []

    def ask(_options: Nothing, _target: object) -> tuple[()]:
        ran.append("asked")
        return ()

    def read(_options: Nothing, _answers: tuple[Answer, ...], _earlier: Earlier | None) -> Observation:
        return Observation(State.OK, "ran")

    driver = Kind("runs text", Nothing, ask, read)
    waiting = Check(
        "one", "command", CheckOptions(), driver, Nothing(), needs_acceptance="rm x", waits_because="waiting for acceptance: new"
    )
    seen = await observe(waiting, a_host(), None)
    assert (seen.state, seen.sentence, ran) == (State.UNKNOWN, "waiting for acceptance: new", [])


async def test_a_rate_is_read_twice_where_nothing_is_known_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keepwell.rooms.checks.work.observe.BETWEEN_TWO_READINGS", 0.05)
    given: list[Earlier | None] = []

    def read(_options: Nothing, _answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
        given.append(earlier)
        return Observation(State.OK, "read", counters={"total": float(len(given))})

    driver = Kind("rate", Nothing, lambda _options, _target: (), read, needs_earlier=lambda _options: True)
    check = Check("one", "rate", CheckOptions(), driver, Nothing())
    await observe(check, a_host(), None)
    assert given[0] is None
    assert given[1] is not None
    assert given[1].counters == {"total": 1.0}
    assert 0.04 < given[1].seconds < 1.0
    await observe(check, a_host(), given[1])
    assert len(given) == 3


# --- the living room ---------------------------------------------------------------------------------------------------------


async def test_a_look_that_failed_leaves_the_counters_of_the_one_before() -> None:
    earlier: list[Earlier | None] = []
    results = [
        Observation(State.OK, "counted", counters={"total": 1.0}),
        Observation(State.FAIL, "connection refused"),
        Observation(State.UNKNOWN, "could not look"),
        Observation(State.OK, "counts nothing any more"),
        Observation(State.OK, "counts nothing any more"),
    ]
    left = list(results)

    def read(_options: Nothing, _answers: tuple[Answer, ...], given: Earlier | None) -> Observation:
        earlier.append(given)
        return left.pop(0)

    kind = Kind("counting", Nothing, lambda _options, _target: (), read)
    store = Store()
    checks = Checks(a_host(), ListSamples(), store.identify, store.write)
    await checks.configure([Check("one", "counting", CheckOptions(), kind, Nothing())])
    for _ in results:
        await checks.look_now("one")
    assert [given and dict(given.counters) for given in earlier] == [None, {"total": 1.0}, {"total": 1.0}, {"total": 1.0}, None]


async def run_jobs(checks: Checks, at: float) -> int:
    jobs = checks.take_due(at)
    await asyncio.gather(*(job.run() for job in jobs))
    return len(jobs)


async def in_store(checks: Checks, action: Callable[[], Any]) -> None:
    """Runs the recorder around an action, until all it gave is written."""
    running = asyncio.create_task(checks.recorder.run())
    await action()
    checks.recorder.end()
    await running


async def test_nothing_is_shown_before_it_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "RETRY_AFTER", (0.01,))
    store = Store(failures=1)
    checks = Checks(a_host(), ListSamples(), store.identify, store.write)
    await checks.configure([scripted([Observation(State.FAIL, "down", {"x_seconds": 1.5})])])
    start = checks.next_due() or 0.0
    assert await run_jobs(checks, start) == 1
    assert checks.show("one").standing is None
    await in_store(checks, lambda: asyncio.sleep(0))
    shown = checks.show("one")
    assert shown.state is State.FAIL
    assert shown.strip == (State.FAIL,)
    assert [seen.change is not None for batch in store.batches for seen in batch] == [True]


async def test_a_check_that_is_still_looking_is_skipped_and_counted() -> None:
    store = Store()
    checks = Checks(a_host(), ListSamples(), store.identify, store.write)
    await checks.configure([scripted([0.2], every="1s")])
    first = checks.take_due(checks.next_due() or 0.0)
    slow = asyncio.create_task(first[0].run())  # type: ignore[arg-type]
    await asyncio.sleep(0.01)
    assert checks.take_due(checks.next_due() or 0.0) == []
    assert checks.skipped == 1
    with pytest.raises(Refused):
        await checks.look_now("one")
    await slow
    assert len(checks.take_due(checks.next_due() or 0.0)) == 1


async def test_time_that_passed_unused_is_skipped_not_caught_up() -> None:
    store = Store()
    checks = Checks(a_host(), ListSamples(), store.identify, store.write)
    await checks.configure([scripted([Observation(State.OK, "x")], every="1s")])
    due = checks.next_due() or 0.0
    assert await run_jobs(checks, due + 10.5) == 1
    assert checks.skipped == 10
    assert checks.next_due() == pytest.approx(due + 11)


async def test_a_check_removed_while_it_looks_leaves_nothing() -> None:
    store = Store()
    checks = Checks(a_host(), ListSamples(), store.identify, store.write)
    await checks.configure([scripted([0.1])])
    job = checks.take_due(checks.next_due() or 0.0)[0]
    looking = asyncio.create_task(job.run())  # type: ignore[arg-type]
    await asyncio.sleep(0.01)
    await checks.configure([])
    await looking
    assert checks.recorder.figures.waiting == 0
    with pytest.raises(NotFound):
        checks.show("one")


async def test_reload_keeps_the_place_in_time_of_what_did_not_change() -> None:
    store = Store()
    checks = Checks(a_host(), ListSamples(), store.identify, store.write)
    woken: list[int] = []
    checks.on_wake(lambda: woken.append(1))
    check = scripted([Observation(State.OK, "x")], every="1h")
    await checks.configure([check])
    await run_jobs(checks, checks.next_due() or 0.0)
    due = checks.next_due()
    await checks.configure([check])
    assert checks.next_due() == due
    assert len(woken) == 2


async def test_a_slow_listener_holds_nothing_up() -> None:
    store = Store()
    checks = Checks(a_host(), ListSamples(), store.identify, store.write)
    await checks.configure([scripted([Observation(State.OK, "x")])])
    news = checks.news()
    waiting = asyncio.ensure_future(anext(news))
    await asyncio.sleep(0)
    await run_jobs(checks, checks.next_due() or 0.0)
    await in_store(checks, lambda: asyncio.sleep(0))
    heard = await waiting
    assert heard.names == {"one"}
    assert [name for name, _ in heard.changes] == ["one"]
    await news.aclose()  # type: ignore[attr-defined]


async def test_what_waits_is_bounded_and_changes_are_never_shed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "WAITING_AT_MOST", 100)
    store = Store()
    recorder = Recorder(store.write, ListSamples(), lambda _batch: None, SystemClock().monotonic)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    from keepwell.rooms.checks.decide import judge

    changed = 0
    for number in range(1000):
        observation = Observation(State.FAIL if number % 50 == 0 else State.OK, str(number))
        standing, change = judge(None, Observation(State.OK, "x"), CheckOptions(), now)
        standing, change = judge(standing, observation, CheckOptions(), now)
        changed += change is not None
        recorder.add(Seen(1, "one", number, now, observation, standing, change))
    assert recorder.figures.waiting <= 100
    assert recorder.figures.shed == 1000 - recorder.figures.waiting
    recorder.end()
    await recorder.run()
    assert sum(seen.change is not None for batch in store.batches for seen in batch) == changed == 20
