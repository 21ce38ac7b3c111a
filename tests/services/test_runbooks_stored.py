"""Runs and permissions as they are stored, on SQLite and on PostgreSQL; and steps on another host, over a real sshd."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keepwell.kernel.problems import NotFound, Refused
from keepwell.ports.fakes import FakeClock
from keepwell.ports.permission import Decision, Deed
from keepwell.rooms.runbooks import store
from keepwell.rooms.runbooks.model import Run, State, StepRun, Way, Wish
from keepwell.rooms.runbooks.offer import tables
from keepwell.rooms.runbooks.work.permissions import PermissionDesk
from keepwell.storage.database import Database
from tests.runs_served import running
from tests.ssh_server import ssh_server

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
WISH = Wish("runbooks/a.md", "tasks/a/2026-03-01", "tasks/a", NOW, {"ID": "7"})
STEPS = (StepRun(1, "first", "first", Way.SHELL, digest="d" * 64), StepRun(2, "look", "Look", Way.PERSON))


@pytest.fixture
async def database(database_place: Path | str) -> AsyncIterator[Database]:
    opened = await Database.open(database_place, [tables()], NOW)
    yield opened
    await opened.close()


async def test_an_occasion_has_one_run(database: Database) -> None:
    first, made = await database.write(lambda connection: store.create(connection, WISH, "A", STEPS))
    second, again = await database.write(lambda connection: store.create(connection, replace(WISH, by="other"), "B", ()))
    assert (made, again) == (True, False)
    assert first == second == Run(1, WISH.key, WISH.runbook, "A", "tasks/a", NOW, arguments={"ID": "7"}, steps=STEPS)


async def test_what_changed_is_what_is_read(database: Database) -> None:
    run, _ = await database.write(lambda connection: store.create(connection, WISH, "A", STEPS))
    step = replace(STEPS[0], state=State.RUNNING, attempt=1, ticket="1/1-1", began_at=NOW, deadline=NOW + timedelta(hours=1), by="anna")
    after = replace(run, state=State.RUNNING, began_at=NOW, sentence="step 1 (first)", steps=(step, STEPS[1]))
    await database.write(lambda connection: store.save(connection, run, after))
    assert await database.read(store.open_runs) == [after]
    ended = replace(after, state=State.DONE, ended_at=NOW)
    await database.write(lambda connection: store.save(connection, after, ended))
    assert await database.read(store.open_runs) == []
    assert await database.read(store.newest_of_each) == {"runbooks/a.md": ended}


def desk(database: Database, clock: FakeClock) -> tuple[PermissionDesk, list[str]]:
    """Who gives permissions, and the subjects that were told of."""
    told: list[str] = []
    made = PermissionDesk(database, clock)
    made.on_decided(told.append)
    return made, told


async def test_a_permission_is_for_one_wish_and_one_text(database: Database) -> None:
    made, told = desk(database, FakeClock(NOW))
    wish = Deed("runs/1/clean", "step 1 (clean): it deletes files", "uid:maria", "a" * 64)
    asked = await made.ask(wish)
    assert (asked.decision, asked.sentence) == (
        Decision.ASKED,
        "it needs a permission: step 1 (clean): it deletes files; somebody else than maria approves it",
    )
    assert (await made.ask(wish)).decision is Decision.ASKED
    assert len(await made.listing(waiting=True)) == 1
    with pytest.raises(Refused, match="maria asked for it, so somebody else has to approve it"):
        await made.decide(1, True, "maria")
    assert await made.decide(1, True, "anna", "known") == "runs/1/clean"
    assert told == ["runs/1/clean"]
    granted = await made.ask(wish)
    assert (granted.decision, granted.by, granted.sentence) == (Decision.GRANTED, "anna", "anna approved it: known")
    with pytest.raises(Refused, match="anna granted it already"):
        await made.decide(1, False, "peter")
    assert (await made.ask(replace(wish, digest="b" * 64))).decision is Decision.ASKED
    assert (await made.ask(replace(wish, subject="runs/2/clean"))).decision is Decision.ASKED
    with pytest.raises(NotFound):
        await made.decide(99, True, "anna")


async def test_what_somebody_looked_at_is_what_they_decide(database: Database) -> None:
    made, told = desk(database, FakeClock(NOW))
    wish = Deed("runs/1/clean", "it deletes one file", "uid:maria", "a" * 64)
    await made.ask(wish)
    await made.ask(replace(wish, what="it deletes every file", digest="b" * 64))
    with pytest.raises(Refused, match="another text is asked for by now: it deletes every file"):
        await made.decide(1, True, "anna", digest="a" * 64)
    assert [one["state"] for one in await made.listing(waiting=True)] == ["asked"]
    assert await made.decide(1, True, "anna", digest="b" * 64) == "runs/1/clean"
    assert told == ["runs/1/clean"]


async def test_of_two_who_decide_at_once_one_does(database: Database, database_place: Path | str) -> None:
    if isinstance(database_place, Path):
        pytest.skip("one server writes to SQLite")
    other = await Database.open(database_place, [tables()], NOW)
    (one, _), (two, _) = desk(database, FakeClock(NOW)), desk(other, FakeClock(NOW))
    for number in range(1, 31):
        await one.ask(Deed(f"runs/{number}/clean", "it deletes files", "uid:maria", "a" * 64))
        answers = await asyncio.gather(one.decide(number, True, "anna"), two.decide(number, False, "peter"), return_exceptions=True)
        assert sorted(isinstance(answer, Refused) for answer in answers) == [False, True]
    await other.close()


async def test_a_permission_ahead_is_for_the_same_text_until_it_ends(database: Database) -> None:
    clock = FakeClock(NOW)
    made, _ = desk(database, clock)
    wish = Deed("runs/1/clean", "it deletes files", "tasks/clean", "a" * 64)
    await made.ask(wish)
    await made.decide(1, True, "anna", until=NOW + timedelta(days=30))
    assert (await made.ask(replace(wish, subject="runs/2/clean"))).decision is Decision.GRANTED
    assert (await made.ask(replace(wish, subject="runs/2/clean", digest="b" * 64))).decision is Decision.ASKED
    clock.advance(31 * 86400)
    assert (await made.ask(replace(wish, subject="runs/3/clean"))).decision is Decision.ASKED


async def test_the_policy_decides_who_is_asked(database: Database) -> None:
    made, _ = desk(database, FakeClock(NOW))
    wish = Deed("runs/1/clean", "it deletes files", "maria", "a" * 64)
    made.policy = "allow"
    assert (await made.ask(wish)).decision is Decision.GRANTED
    made.policy = "forbid"
    assert (await made.ask(wish)).decision is Decision.FORBIDDEN
    made.policy = "confirm"
    assert (await made.ask(replace(wish, confirmed=True))).sentence == "maria confirmed it at the start"
    assert (await made.ask(wish)).sentence.endswith("; a person confirms it")
    await made.decide(1, True, "maria")
    assert (await made.ask(wish)).decision is Decision.GRANTED
    denied = replace(wish, subject="runs/2/clean")
    await made.ask(denied)
    await made.decide(2, False, "maria", "not now")
    assert (await made.ask(denied)).sentence == "maria denied it: not now"


REMOTE = """\
---
on: app1
---
```sh {"name": "asks"}
echo "$SSH_CONNECTION" | grep -c .
```
"""


@pytest.mark.xdist_group("sshd")
def test_a_step_on_another_host(tmp_path: Path) -> None:
    with ssh_server() as server:
        address = server.address
        place = f"{server.user}@127.0.0.1:{server.port}"
        host = f"{{ssh: '{place}', identity: {address.identity}, known_hosts: {address.known_hosts}}}"
        with running(tmp_path, {"far": REMOTE}, f"policy: {{destructive: allow}}\nhosts: {{app1: {host}}}\n") as runs:
            assert runs.run("far")["state"] == "done"
            assert runs.output(1, "asks") == "1\n"
            assert f"app1 (ssh {place})" in (runs.directory / "accepted.yaml").read_text()
