"""What people see of alerts while the database takes or gives nothing: what is in memory; nothing is said that is not stored."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from keepwell.kernel.problems import StorageError
from keepwell.rooms.alerts.model import Alert, State
from keepwell.rooms.alerts.people.asked import HistoryAsked
from keepwell.rooms.alerts.people.context import pages
from keepwell.rooms.alerts.people.reading import Reading
from keepwell.rooms.alerts.people.verbs import Verbs
from keepwell.storage.directory import DataDirectory
from tests.alerts_server import alerting

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class InMemory:
    """The alerts that a page asks for, without a database."""

    def active(self) -> list[Alert]:
        labels = {"alertname": "ApiDown", "severity": "critical"}
        return [Alert(1, "0" * 16, labels, {}, "api", State.FIRING, NOW, NOW, NOW)]

    def silences(self) -> list[Any]:
        return []

    def silenced(self) -> dict[str, int]:
        return {}

    def escalating(self) -> list[Any]:
        return []


async def nothing(*_: Any) -> Any:
    raise StorageError("the database does not answer")


async def test_the_page_shows_what_fires_while_the_database_cannot_be_read() -> None:
    verbs = Verbs(InMemory(), nothing, None, lambda: NOW, lambda request: "", "shop", lambda one: "")  # type: ignore[arg-type]
    shown = await pages(Reading(verbs), "alerts.read")[0].context()
    assert [row["name"] for row in shown["alerts"]] == ["ApiDown"]
    assert (shown["notices"], shown["outbox_problem"]) == ([], "the database does not answer")
    with pytest.raises(StorageError):
        await pages(Reading(verbs), "alerts.read")[1].context(asked=HistoryAsked())


def test_a_deed_that_cannot_be_stored_is_refused_and_nothing_has_changed(tmp_path: Path) -> None:
    """Another program holds the database's write lock for longer than Keepwell waits."""
    with alerting(tmp_path) as server:
        number = server.fire("The API does not answer")
        other = sqlite3.connect(DataDirectory(server.server.data).database, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            status, answer = server.post(f"/api/v1/alerts/{number}/acknowledge", {"by": "maria"})
            shown = server.get(f"/api/v1/alerts/{number}")
        finally:
            other.execute("ROLLBACK")
            other.close()
        assert (status, answer["error"]["code"]) == (503, "storage.locked")
        assert shown["acknowledged"] is None
        status, known = server.post(f"/api/v1/alerts/{number}/acknowledge", {"by": "maria"})
        assert (status, known["acknowledged"]["by"]) == (200, "maria")
