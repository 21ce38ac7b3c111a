"""A check's question to a database: put to the host's databases with the check's own deadline, and what comes back is judged."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.states import State
from keepwell.ports.databases import Query, Rows
from keepwell.ports.fakes import FakeDatabases, fake_host, rows
from keepwell.rooms.checks.kinds.postgres import DRIVER, PostgresOptions
from keepwell.rooms.checks.model import Check, CheckOptions
from keepwell.rooms.checks.work.observe import observe

SERVER = {"version": "15.4", "standby": False, "up": 60.0}


def check(**options: object) -> Check:
    settings = PostgresOptions(address="secret:SHOP", **options)  # type: ignore[arg-type]
    return Check("database", "postgres", CheckOptions(timeout=timedelta(seconds=3)), DRIVER, settings)


async def test_it_is_asked_with_the_checks_deadline() -> None:
    databases = FakeDatabases({"secret:SHOP": rows([SERVER])})
    seen = await observe(check(), replace(fake_host(), databases=databases), None)
    assert seen.state is State.OK
    assert [(query.address, query.timeout, len(query.statements)) for query in databases.asked] == [("secret:SHOP", 3.0, 1)]


@pytest.mark.parametrize(
    ("answer", "state", "sentence"),
    [
        (AnswerError("connection refused by db:5432"), State.FAIL, "connection refused by db:5432"),
        (AskError("no route"), State.UNKNOWN, "could not look: no route"),
    ],
)
async def test_whose_fault_it_is(answer: Exception, state: State, sentence: str) -> None:
    seen = await observe(check(), replace(fake_host(), databases=FakeDatabases({"secret:SHOP": answer})), None)
    assert (seen.state, seen.sentence) == (state, sentence)


async def test_a_host_without_databases() -> None:
    seen = await observe(check(), replace(fake_host(), databases=None), None)
    assert (seen.state, seen.sentence) == (State.UNKNOWN, "could not look: the host local asks no databases")


async def test_a_rate_is_asked_twice() -> None:
    counted = [{"blocks_hit": 0.0, "blocks_read": 0.0, "deadlocks": count, "temp_bytes": 0.0, "temp_files": 0.0} for count in (1.0, 4.0)]
    host = replace(fake_host(), databases=FakeDatabases(lambda query: answer(query)))

    def answer(query: Query) -> Rows:
        host.clock.advance(1)  # type: ignore[attr-defined]
        return rows([SERVER], [counted.pop(0)])

    looking = asyncio.ensure_future(observe(check(deadlocks={}), host, None))
    for _ in range(5):
        await asyncio.sleep(0)
    host.clock.advance(1)  # type: ignore[attr-defined]
    seen = await looking
    assert seen.state is State.FAIL, seen.sentence
    assert seen.sentence.startswith("3 deadlocks in the last 2 s (90 a minute), fail above 10")
