"""The outbox over both databases and a real webhook: what waits is sent in order, tried again with growing pauses, and never lost."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from keepwell.kernel.problems import KeepwellError, NotFound, StorageError
from keepwell.rooms.alerts.outbox import store
from keepwell.rooms.alerts.outbox.told import plain
from keepwell.rooms.alerts.tables import OUTBOX
from keepwell.storage import journal
from keepwell.storage.database import Database
from tests.alerts_outbox import NOW, Told, notice, opened, outbox_over, receivers
from tests.support import free_port
from tests.webhook_listener import Listener, listening

CONFIGURATION = "receivers:\n  hook: {{webhook: {{url: '{url}'}}}}\n  other: {{webhook: {{url: '{other}'}}}}\n"


@pytest.fixture
async def database(database_place: Path | str) -> AsyncIterator[Database]:
    found = await opened(database_place)
    yield found
    await found.close()


@pytest.fixture
def hook() -> Iterator[Listener]:
    with listening() as found:
        yield found


async def events(database: Database) -> list[tuple[str, str]]:
    found = await database.read(lambda connection: journal.slice(connection, limit=100))
    return [(entry.event, entry.subject) for entry in reversed(found) if entry.event.startswith("notice.")]


async def test_a_notice_is_delivered_once(database: Database, hook: Listener, tmp_path: Path) -> None:
    async with outbox_over(database, receivers(tmp_path, CONFIGURATION.format(url=hook.url, other=hook.url))) as rig:
        await rig.put(notice("a-1"))
        await rig.put(notice("a-1"))  # the same again: a transaction that was put twice
        await rig.after(600)
    assert [call.headers["idempotency-key"] for call in hook.calls] == ["a-1"]
    message = hook.told()[0]
    assert (message["version"], message["receiver"], message["status"]) == ("4", "hook", "firing")
    assert message["alerts"][0]["labels"]["alertname"] == "CheckFailed"
    row = (await rig.rows())["a-1"]
    assert (row.state, row.tries, row.error) == ("delivered", 1, "")
    assert row.ended_at is not None
    assert await events(database) == [("notice.delivered", "receivers/hook")]


async def test_it_is_tried_again_with_growing_pauses_and_the_same_key(database: Database, hook: Listener, tmp_path: Path) -> None:
    hook.status = 500
    async with outbox_over(database, receivers(tmp_path, CONFIGURATION.format(url=hook.url, other=hook.url))) as rig:
        await rig.put(notice("a-1"))
        counts = []
        for _ in range(7):
            await rig.after(2.5)
            counts.append(len(hook.calls))
        assert counts == [2, 2, 3, 3, 3, 4, 4]  # at 0, 2, 6 and 14 seconds
        assert (await rig.rows())["a-1"].error == "answered with status 500"
        await rig.after(3600)
        assert 60 <= len(hook.calls) <= 70  # once a minute in the end
        hook.status = 200
        await rig.after(61)
        assert await rig.states() == {"a-1": "delivered"}
    assert {call.headers["idempotency-key"] for call in hook.calls} == {"a-1"}


async def test_after_an_outage_what_waited_follows_at_once_in_order(database: Database, hook: Listener, tmp_path: Path) -> None:
    hook.status = 503
    async with outbox_over(database, receivers(tmp_path, CONFIGURATION.format(url=hook.url, other=hook.url))) as rig:
        for number in range(6):
            await rig.put(notice(f"a-{number}", "hook", "one"), notice(f"b-{number}", "hook", f"group {number}"))
        await rig.after(300)
        tried = len(hook.calls)
        assert tried <= 20  # one at a time, however much waits
        hook.status = 200
        await rig.after(61)
        assert set((await rig.states()).values()) == {"delivered"}
    keys = [call.headers["idempotency-key"] for call in hook.calls[tried:]]
    assert [key for key in keys if key.startswith("a-")] == [f"a-{number}" for number in range(6)]
    assert len(keys) == 12


async def test_one_receiver_holds_up_no_other(database: Database, hook: Listener, tmp_path: Path) -> None:
    gone = f"http://127.0.0.1:{free_port()}/"
    async with outbox_over(database, receivers(tmp_path, CONFIGURATION.format(url=hook.url, other=gone))) as rig:
        await rig.put(*(notice(f"o-{number}", "other", f"group {number}") for number in range(50)))
        await rig.put(notice("a-1"))
        await rig.settle()
        assert (await rig.states())["a-1"] == "delivered"


async def test_a_receiver_that_gets_nothing_is_an_alert_until_it_gets_something(database: Database, hook: Listener, tmp_path: Path) -> None:
    hook.status = 500
    async with outbox_over(database, receivers(tmp_path, CONFIGURATION.format(url=hook.url, other=hook.url))) as rig:
        await rig.put(notice("a-1"))
        await rig.after(5)
        assert rig.told.failing == {}
        await rig.after(2)
        assert rig.told.failing == {"hook": "the receiver hook gets no notices: answered with status 500"}
        (told,) = rig.told.active
        assert told.labels == {"alertname": "ReceiverFailing", "receiver": "hook", "severity": "critical"}
        since = told.active_since
        await rig.after(600)
        assert [one.active_since for one in rig.told.active] == [since]
        hook.status = 200
        await rig.after(61)
        assert rig.told.failing == {}


async def test_what_is_refused_is_not_tried_again_and_said_at_once(database: Database, hook: Listener, tmp_path: Path) -> None:
    hook.status = 413
    async with outbox_over(database, receivers(tmp_path, CONFIGURATION.format(url=hook.url, other=hook.url))) as rig:
        await rig.put(notice("a-1"))
        await rig.after(600)
        assert await rig.states() == {"a-1": "refused"}
        assert len(hook.calls) == 1
        assert rig.told.failing == {"hook": "the receiver hook has lost a notice: answered with status 413"}
        hook.status = 200
        await rig.put(notice("a-2"))
        await rig.settle()
        assert rig.told.failing == {}
        await rig.outbox.retry((await rig.rows())["a-1"].id, "anna")
        await rig.settle()
        assert set((await rig.states()).values()) == {"delivered"}
    assert [event for event, _ in await events(database)] == [
        "notice.refused",
        "notice.delivered",
        "notice.retried",
        "notice.delivered",
    ]


async def test_a_notice_that_nobody_took_expires_and_that_is_said(database: Database, hook: Listener, tmp_path: Path) -> None:
    hook.status = 500
    text = f"receivers:\n  hook: {{webhook: {{url: '{hook.url}'}}, expires: 1h}}\n"
    async with outbox_over(database, receivers(tmp_path, text)) as rig:
        await rig.put(notice("a-1"))
        await rig.after(3700)
        assert await rig.states() == {"a-1": "expired"}
        row = (await rig.rows())["a-1"]
        assert row.error == "it expired before the receiver took it (answered with status 500)"
        assert rig.told.failing == {"hook": f"the receiver hook has lost a notice: {row.error}"}
        count = len(hook.calls)
        await rig.after(3600)
        assert len(hook.calls) == count


async def test_what_waited_is_sent_after_a_restart_and_who_failed_still_fails(database: Database, hook: Listener, tmp_path: Path) -> None:
    hook.status = 500
    told, given = Told(), receivers(tmp_path, CONFIGURATION.format(url=hook.url, other=hook.url))
    async with outbox_over(database, given, told) as rig:
        await rig.put(notice("a-1"))
        await rig.after(10)
        assert set(told.failing) == {"hook"}
    async with outbox_over(database, given, told) as rig:
        await rig.settle()
        assert told.failing == {"hook": "the receiver hook gets no notices: answered with status 500"}
        hook.status = 200
        await rig.after(61)
        assert await rig.states() == {"a-1": "delivered"}
        assert told.failing == {}


async def test_what_was_sent_is_not_sent_again_while_its_end_cannot_be_stored(
    database: Database, hook: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with outbox_over(database, receivers(tmp_path, CONFIGURATION.format(url=hook.url, other=hook.url))) as rig:
        await rig.put(notice("a-1"))
        write = database.write

        async def locked(change: object) -> None:
            raise StorageError("another program holds the database locked")

        monkeypatch.setattr(database, "write", locked)
        await rig.after(30)
        assert len(hook.calls) == 1
        assert await rig.states() == {"a-1": "waiting"}
        assert rig.outbox.fault == "another program holds the database locked"
        monkeypatch.setattr(database, "write", write)
        await rig.after(2)
        assert await rig.states() == {"a-1": "delivered"}
        assert rig.outbox.fault == ""
    assert len(hook.calls) == 1


async def test_who_keeps_alerts_is_told_later_where_it_cannot_take_it(database: Database, hook: Listener, tmp_path: Path) -> None:
    hook.status = 500
    told = Told(fault=StorageError("locked"))
    async with outbox_over(database, receivers(tmp_path, CONFIGURATION.format(url=hook.url, other=hook.url)), told) as rig:
        await rig.put(notice("a-1"))
        await rig.after(10)
        assert told.failing == {}
        told.fault = None
        await rig.after(10)
        assert set(told.failing) == {"hook"}


async def test_a_receiver_that_is_gone_keeps_its_notices_until_it_is_back(database: Database, hook: Listener, tmp_path: Path) -> None:
    both = receivers(tmp_path, CONFIGURATION.format(url=hook.url, other=hook.url))
    one = receivers(tmp_path, f"receivers:\n  hook: {{webhook: {{url: '{hook.url}'}}}}\n")
    async with outbox_over(database, one) as rig:
        await rig.put(notice("o-1", "other"))
        await rig.after(600)
        assert await rig.states() == {"o-1": "waiting"}
        rig.outbox.configure(both)
        await rig.settle()
        assert await rig.states() == {"o-1": "delivered"}


async def test_a_clock_that_is_put_back_holds_nothing_up(database: Database, hook: Listener, tmp_path: Path) -> None:
    hook.status = 500
    async with outbox_over(database, receivers(tmp_path, CONFIGURATION.format(url=hook.url, other=hook.url))) as rig:
        await rig.put(notice("a-1"))
        await rig.after(20)
        rig.clock.set(NOW - timedelta(hours=1))
        hook.status = 200
        await rig.after(61)
        assert await rig.states() == {"a-1": "delivered"}


async def test_a_person_drops_what_waits(database: Database, hook: Listener, tmp_path: Path) -> None:
    hook.status = 500
    async with outbox_over(database, receivers(tmp_path, CONFIGURATION.format(url=hook.url, other=hook.url))) as rig:
        await rig.put(notice("a-1"))
        await rig.after(10)
        id = (await rig.rows())["a-1"].id
        await rig.outbox.drop(id, "anna")
        await rig.after(600)
        row = (await rig.rows())["a-1"]
        assert (row.state, row.error) == ("dropped", "dropped by anna")
        with pytest.raises(KeepwellError, match="is dropped"):
            await rig.outbox.drop(id, "anna")
        with pytest.raises(NotFound, match="no notice 4711"):
            await rig.outbox.retry(4711, "anna")
    assert ("notice.dropped", "receivers/hook") in await events(database)


async def test_notices_of_their_own_are_waited_for(database: Database, hook: Listener, tmp_path: Path) -> None:
    async with outbox_over(database, receivers(tmp_path, CONFIGURATION.format(url=hook.url, other=hook.url))) as rig:
        task = asyncio.create_task(rig.outbox.put([notice("t-1", is_test=True)], 10.0))
        while not task.done():
            await rig.settle()
            await asyncio.sleep(0.01)
        assert [(row.key, row.state) for row in task.result()] == [("t-1", "delivered")]
    assert hook.told()[0]["test"] is True


async def test_what_ended_long_ago_is_forgotten(database: Database, hook: Listener, tmp_path: Path) -> None:
    async with outbox_over(database, receivers(tmp_path, CONFIGURATION.format(url=hook.url, other=hook.url))) as rig:
        await rig.put(notice("a-1"), notice("o-1", "nobody"))
        await rig.settle()
        later = NOW + timedelta(days=1)
        assert await database.write(lambda connection: store.forget(connection, later)) == 1
        assert await rig.states() == {"o-1": "waiting"}


async def test_what_came_of_the_last_notices_is_stored_at_the_end(database: Database, hook: Listener, tmp_path: Path) -> None:
    given = receivers(tmp_path, CONFIGURATION.format(url=hook.url, other=hook.url))
    async with outbox_over(database, given) as rig:
        await rig.put(notice("a-1"))
        rig.step()  # looks
        while not hook.calls:
            rig.step()  # sends
            await asyncio.sleep(0.01)
        await asyncio.gather(*rig.tasks)
        assert await rig.states() == {"a-1": "waiting"}
        await rig.outbox.close()
        assert await rig.states() == {"a-1": "delivered"}
    async with outbox_over(database, given) as rig:
        await rig.after(600)
    assert len(hook.calls) == 1


async def test_a_notice_that_cannot_be_read_is_refused_and_hides_no_other(database: Database, hook: Listener, tmp_path: Path) -> None:
    async with outbox_over(database, receivers(tmp_path, CONFIGURATION.format(url=hook.url, other=hook.url))) as rig:
        await rig.put(notice("a-1"), notice("a-2", "hook", "other group"))
        await database.write(lambda connection: connection.execute(update(OUTBOX).where(OUTBOX.c.key == "a-1").values(payload=b"spoilt")))
        await rig.settle()
        assert await rig.states() == {"a-1": "refused", "a-2": "delivered"}
        shown = [plain(row) for row in (await rig.rows()).values()]
        assert [one["title"] for one in shown] == [
            "(this notice cannot be read)",
            "[FIRING] shop: critical CheckFailed: the shop answers 500",
        ]
