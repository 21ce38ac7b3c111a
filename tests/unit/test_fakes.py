"""The public fakes do what the ports promise, and fit them."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.ports.clock import Clock
from keepwell.ports.databases import Databases, Query, Statement
from keepwell.ports.fakes import (
    FakeClock,
    FakeDatabases,
    FakeFiles,
    FakeHttp,
    FakeNames,
    FakeRunner,
    FakeSecrets,
    ListSamples,
    fake_host,
    result,
    rows,
)
from keepwell.ports.files import Files
from keepwell.ports.http import Http, Phases, Request, Response
from keepwell.ports.names import Absent, Answered, Lookup, Names
from keepwell.ports.runner import Command, Runner
from keepwell.ports.samples import Sample, Samples
from keepwell.ports.secrets import Secrets

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_every_fake_fits_its_port() -> None:
    clock: Clock = FakeClock()
    runner: Runner = FakeRunner()
    http: Http = FakeHttp()
    names: Names = FakeNames()
    files: Files = FakeFiles({})
    secrets: Secrets = FakeSecrets({})
    samples: Samples = ListSamples()
    databases: Databases = FakeDatabases()
    assert all((clock, runner, http, names, files, secrets, samples, databases))


async def test_databases_answer_by_address_and_keep_what_they_were_asked() -> None:
    query = Query("secret:SHOP", (Statement("SELECT 1 AS one"),))
    databases = FakeDatabases({"secret:SHOP": rows([{"one": 1}]), "secret:GONE": AnswerError("connection refused")})
    assert (await databases.ask(query)).results == (({"one": 1},),)
    with pytest.raises(AnswerError, match="refused"):
        await databases.ask(Query("secret:GONE", ()))
    with pytest.raises(LookupError):
        await databases.ask(Query("secret:OTHER", ()))
    assert databases.asked[0] == query


async def test_the_clock_stands_until_it_is_moved() -> None:
    clock = FakeClock(NOON)
    woken: list[str] = []

    async def sleep(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    tasks = [asyncio.ensure_future(sleep("late", 10)), asyncio.ensure_future(sleep("early", 5)), asyncio.ensure_future(sleep("now", 0))]
    await asyncio.sleep(0.01)
    assert woken == ["now"]
    clock.advance(5)
    await asyncio.sleep(0.01)
    assert woken == ["now", "early"]
    clock.advance(5)
    await asyncio.gather(*tasks)
    assert (clock.now(), clock.monotonic()) == (NOON + timedelta(seconds=10), 10)


def test_the_calendar_may_jump_without_the_monotonic_clock() -> None:
    clock = FakeClock(NOON)
    clock.set(datetime(2026, 11, 22, 10, tzinfo=timezone(timedelta(hours=1))))
    assert (clock.now(), clock.now().tzinfo, clock.monotonic()) == (datetime(2026, 11, 22, 9, tzinfo=UTC), UTC, 0)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        FakeClock(datetime(2026, 1, 1))  # noqa: DTZ001 (that is the point)


async def test_the_runner_answers_by_its_argv_and_keeps_what_it_was_asked() -> None:
    runner = FakeRunner({("df",): result("90%"), ("gone",): AskError("there is no program gone")})
    assert (await runner.run(Command(("df",)))).stdout == "90%"
    with pytest.raises(AskError, match="no program gone"):
        await runner.run(Command(("gone",)))
    with pytest.raises(LookupError):
        await runner.run(Command(("other",)))
    assert [command.argv for command in runner.asked] == [("df",), ("gone",), ("other",)]
    by_function = FakeRunner(lambda command: result(command.argv[-1], status=3))
    assert (await by_function.run(Command(("echo", "x")))).status == 3


async def test_http_answers_by_its_address() -> None:
    http = FakeHttp({"http://a/": Response(200, {}, b"ok", Phases(), "http://a/"), "http://b/": AnswerError("connection refused by b:80")})
    assert (await http.ask(Request("http://a/"))).body == b"ok"
    with pytest.raises(AnswerError, match="refused"):
        await http.ask(Request("http://b/"))
    with pytest.raises(LookupError):
        await http.ask(Request("http://c/"))
    assert len(http.asked) == 3


async def test_names_answer_by_name() -> None:
    names = FakeNames({"www.test": Answered(("192.0.2.1",), 60, False, "127.0.0.1:53", 0.01), "gone.test": Absent("no such name")})
    assert (await names.look_up(Lookup("www.test"))).values == ("192.0.2.1",)
    with pytest.raises(Absent):
        await names.look_up(Lookup("gone.test"))
    with pytest.raises(LookupError):
        await names.look_up(Lookup("other.test"))
    assert [lookup.name for lookup in names.asked] == ["www.test", "gone.test", "other.test"]


async def test_files_imply_their_directories() -> None:
    files = FakeFiles({"/etc/a/b": b"12345", "/etc/c": AskError("/etc/c cannot be read: this user may not read it")})
    assert await files.read("/etc/a/b", limit=3) == b"123"
    assert await files.names("/etc") == ("a", "c")
    assert (await files.facts("/etc/a/b")).size == 5
    assert (await files.facts("/etc/a")).is_directory
    for look in (files.read, files.facts, files.names):
        with pytest.raises(AnswerError, match="does not exist"):
            await look("/none")
    for attempt in (files.read("/etc/c"), files.read("/etc/a"), files.names("/etc/a/b")):
        with pytest.raises(AskError):
            await attempt


async def test_secrets_and_samples() -> None:
    secrets = FakeSecrets({"secret:A": "value"})
    assert await secrets.resolve("secret:A") == "value"
    with pytest.raises(AskError, match="there is no secret:B"):
        await secrets.resolve("secret:B")
    samples = ListSamples()
    await samples.append([Sample("up", 1, NOON)])
    assert [sample.name for sample in samples.samples] == ["up"]


async def test_a_whole_host_of_fakes() -> None:
    host = fake_host("db1", files=FakeFiles({"/proc/uptime": b"1 2"}))
    assert host.name == "db1"
    assert await host.files.read("/proc/uptime") == b"1 2"
